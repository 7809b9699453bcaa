"""The identification line of a meter: ``/XXXZ ident CR LF`` (IEC 62056-21, clause 6.3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"/([A-Za-z]{3})([0-9A-Za-z])((?:\\.)*)([^\r\n/!]{0,32})\r\n", re.DOTALL)
_BAUD_C = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
_BAUD_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}


@dataclass(frozen=True)
class Identification:
    """``manufacturer`` as FLAG letters; ``baud`` of the identifier; ``mode`` A, B, C or E."""

    manufacturer: str
    baud_identifier: str
    escapes: tuple[str, ...]
    text: str
    fast: bool

    @property
    def mode(self) -> str:
        """E where the line holds the escape ``\\2``; C for a digit, B for a letter, else A."""
        if "2" in self.escapes:
            return "E"
        if self.baud_identifier in _BAUD_C:
            return "C"
        return "B" if self.baud_identifier in _BAUD_B else "A"

    @property
    def baud(self) -> int:
        """The rate after the change; 300 where the identifier names none (mode A)."""
        return _BAUD_C.get(self.baud_identifier) or _BAUD_B.get(self.baud_identifier) or 300

    @property
    def reaction_seconds(self) -> float:
        """The least reaction time that the meter keeps: 20 ms if the third letter is small, else 200 ms."""
        return 0.02 if self.fast else 0.2


def find_identification(data: bytes) -> tuple[Identification, int] | None:
    """The first whole identification line in ``data`` (parity already masked) and the offset after it."""
    match = _LINE.search(data)
    if match is None:
        return None
    letters = match[1].decode("ascii")
    escapes = tuple(chr(code) for code in match[3][1::2])
    text = match[4].decode("latin-1").strip()
    return (
        Identification(letters.upper(), match[2].decode("ascii"), escapes, text, letters[2].islower()),
        match.end(),
    )
