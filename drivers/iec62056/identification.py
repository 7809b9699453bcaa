"""The identification line of a meter: ``/XXXZ \\W ident CR LF`` (IEC 62056-21, clauses 6.3.2 and 6.3.14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"/([A-Za-z]{3})([^/!\\\r\n])((?:\\.)*)([^\r\n/!]{0,64})\r*\n", re.DOTALL)
"""Makers go beyond the 16 characters of the standard, pad with blanks or NUL, and end the line otherwise."""
_BAUD_C = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
_BAUD_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
_RESERVED_C = ("7", "8", "9")
_RESERVED_B = ("G", "H", "I")
_ESCAPES = {"2": "binary mode (HDLC) offered", "@": "software version and enhanced capabilities follow"}


@dataclass(frozen=True)
class Identification:
    """``manufacturer`` as FLAG letters; ``baud`` of the identifier; ``escapes`` the letters W after ``\\``;
    ``text`` the identification itself; ``fast`` from a third manufacturer letter in lower case."""

    manufacturer: str
    baud_identifier: str
    escapes: tuple[str, ...]
    text: str
    fast: bool

    @property
    def mode(self) -> str:
        """E where the line holds the escape ``\\2``; C for a digit, B for a letter A to I, else A.

        Mode D sends the same line as C (its digit is 3); only that nobody asked for it tells the two apart.
        """
        if "2" in self.escapes:
            return "E"
        if self.baud_identifier in _BAUD_C or self.baud_identifier in _RESERVED_C:
            return "C"
        return "B" if self.baud_identifier in _BAUD_B or self.baud_identifier in _RESERVED_B else "A"

    @property
    def baud(self) -> int:
        """The rate after the change; 300 where the identifier names none (mode A, reserved ones)."""
        return _BAUD_C.get(self.baud_identifier) or _BAUD_B.get(self.baud_identifier) or 300

    @property
    def accepted_identifier(self) -> str:
        """Z of the acknowledgement: the meter's own, ``0`` (stay at 300) for one that is reserved."""
        return self.baud_identifier if self.baud_identifier in _BAUD_C else "0"

    @property
    def described(self) -> str:
        """The line in words, for a person."""
        words = [f"{self.manufacturer} {self.text}".strip(), f"mode {self.mode}", f"{self.baud} baud"]
        words.append(f"reaction {20 if self.fast else 200} ms")
        words += [_ESCAPES.get(letter, f"escape \\{letter}") for letter in self.escapes]
        return ", ".join(words)

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
    text = match[4].decode("latin-1").strip(" \t\0\x7f")
    return (
        Identification(letters.upper(), match[2].decode("ascii"), escapes, text, letters[2].islower()),
        match.end(),
    )
