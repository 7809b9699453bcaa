"""Invoke ids: which request a response belongs to (Green Book 9.3.2). Requests are numbered one after the
other, the parts of a long transfer alike; a server mirrors the number in its response.

Not every server does. Whether this one does is learnt for each of its services: two responses in a row that
mirror different numbers prove it, and from then on a response with another number is an old one.
"""

from __future__ import annotations

GET, SET, ACTION, ACCESS = 0xC0, 0xC1, 0xC3, 0xD9
_ANSWERS = (0xC4, 0xC5, 0xC7, 0xDA)
_ACCESS_RESPONSE = 0xDA
_CONTINUATIONS = (b"\xc0\x02", b"\xc1\x03", b"\xc3\x02", b"\xc3\x06")
_SHORT, _LONG = 15, 0xFFFFFF
"""Highest ids; 0 is not used."""
_PROOF = 2
_HEAD = 5


class InvokeIds:
    """The ids of one meter over its associations."""

    def __init__(self) -> None:
        self.fixed = False
        """Always 1, for a meter that takes no other; then nothing tells an old response."""
        self._trusted = True
        self._number = 0
        self._mirrored: dict[int, set[int]] = {}

    def stamp(self, request: bytes) -> bytes:
        """The request with its id in place of the one that stands there. Short names have none."""
        tag = request[0]
        if tag not in (GET, SET, ACTION, ACCESS):
            return request
        if not self.fixed and not is_continuation(request):
            self._number += 1
        if tag == ACCESS:
            return request[:2] + self._now(_LONG).to_bytes(3, "big") + request[5:]
        return request[:2] + bytes([request[2] & 0xF0 | self._now(_SHORT)]) + request[3:]

    def _now(self, highest: int) -> int:
        return 1 + max(0, self._number - 1) % highest

    def is_stale(self, response: bytes) -> bool:
        """Whether a response certainly belongs to another request than the last. What has no id never does:
        exceptions, errors, short names."""
        tag = response[0] if response else 0
        if self.fixed or not self._trusted or tag not in _ANSWERS or len(response) < _HEAD:
            return False
        if tag == _ACCESS_RESPONSE:
            expected, found = self._now(_LONG), int.from_bytes(response[2:5], "big")
        else:
            expected, found = self._now(_SHORT), response[2] & 0x0F
        mirrored = self._mirrored.setdefault(tag, set())
        proven = len(mirrored) >= _PROOF
        if not proven and found == expected:
            mirrored.add(found)
        elif not proven:
            mirrored.clear()
        return proven and found != expected

    def distrust(self) -> None:
        """Judge no more: what was taken for old was followed by nothing newer, so this server mirrors only
        some of its ids."""
        self._trusted = False


def is_continuation(request: bytes) -> bool:
    """Whether a request goes on with the one before: a next block."""
    return request[:2] in _CONTINUATIONS
