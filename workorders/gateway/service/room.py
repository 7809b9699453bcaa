"""How much of request bodies one process holds at once: in all, and of one address.

A body is held from its first byte to the end of its answer, and is read before anybody has proven who asks.
Without a bound a few hundred connections that send almost all of a large file, and then wait, fill the memory
of the machine. Whoever is turned away comes again; nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MIB = 1024 * 1024


class Full(Exception):
    """There is no room for more of a body; `own`: the address itself holds too much."""

    def __init__(self, own: bool) -> None:
        super().__init__("no room")
        self.own = own


@dataclass
class Room:
    """Bytes of bodies in one process. Used by its event loop alone, so nothing is locked.

    Attributes:
        bytes: what may be held in all.
        share: what may be held of one address: a depot's tablets, who send pieces of half a MiB, may be one.
    """

    bytes: int = 384 * MIB
    share: int = 128 * MIB
    held: int = 0
    of: Counter[str] = field(default_factory=Counter)

    def take(self, address: str, size: int) -> None:
        """Hold so many bytes more of an address.

        Raises:
            Full: nothing more is held than before.
        """
        own = self.of[address] + size > self.share
        if own or self.held + size > self.bytes:
            raise Full(own)
        self.held += size
        self.of[address] += size

    def give_back(self, address: str, size: int) -> None:
        """Hold so many bytes less of an address."""
        self.held -= size
        self.of[address] -= size
        if self.of[address] <= 0:
            del self.of[address]
