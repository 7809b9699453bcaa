"""Secrets on their way to a meter: offered, and not yet answered as far as we heard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Offers:
    """What the meter may have counted as wrong without our hearing of it. Nothing of this is ever offered
    again unasked, unless it is certain that it was accepted or that it never arrived.

    ``secret``: a password, or a proof made of a secret. ``key``: a request ciphered under a key that this
    meter has not proven to hold.
    """

    secret: bool = False
    key: bool = False
    known: bytes = b""
    """System title of the meter that took these secrets before. Where its keys prove that it is the one
    again, nothing wrong can be offered to it."""

    @property
    def unheard(self) -> bool:
        return self.secret or self.key

    def secret_leaves(self) -> None:
        """From here on the meter may have counted it: the password itself, or what was made of it."""
        self.secret = True

    def key_leaves(self) -> None:
        self.key = True

    def key_proven(self) -> None:
        """The meter answered under the same key: it is the right one, whatever follows."""
        self.key = False

    def answered(self) -> None:
        """The verdict was heard, or nothing of it reached the meter."""
        self.secret = self.key = False
