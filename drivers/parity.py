"""The parity of 7E1 characters, checked by ourselves (IEC 62056-21, 4.1): what a block check by exclusive-or
lets pass, two bits wrong in the same column, is wrong in the parity of two characters. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_ENOUGH = 4
"""Characters with an odd number of ones that tell whether the port delivers the eighth bit."""


@dataclass
class ParityCheck:
    """Counts wrong characters, as far as their parity is there to be seen.

    A port that was opened with 8N1 delivers the parity bit as the eighth one. Many probes and terminal
    servers strip it: then it is never set. And there are meters that set it always or by no rule at all. So
    what a port delivers is judged by how it stands in all characters so far, and nothing is counted where it
    is not even parity.
    """

    _odd: int = 0
    _odd_marked: int = 0
    _even: int = 0
    _even_marked: int = 0
    _before: int = 0

    def heard(self, data: bytes) -> bytes:
        """Count these characters; gives them without the parity bit."""
        plain = bytes(octet & 0x7F for octet in data)
        for raw, octet in zip(data, plain, strict=True):
            marked = raw >> 7
            if octet.bit_count() % 2:
                self._odd += 1
                self._odd_marked += marked
            else:
                self._even += 1
                self._even_marked += marked
        return plain

    def begin_again(self) -> None:
        """What follows is another stretch of text on this line: its parity is judged by itself."""
        self._before = self.wrong
        self._odd = self._odd_marked = self._even = self._even_marked = 0

    @property
    def is_delivered(self) -> bool:
        """Whether the port shows the parity that the meter sends: the bit is set in most characters that need
        it and in few that do not."""
        odd, even = self._odd, self._even
        return odd >= _ENOUGH and 2 * self._odd_marked > odd and 2 * self._even_marked <= even

    @property
    def wrong(self) -> int:
        """Characters that came with a wrong parity, those included that came before it was known that the
        parity is delivered."""
        present = self._odd - self._odd_marked + self._even_marked if self.is_delivered else 0
        return self._before + present
