"""What a make does differently in IEC 62056-21: the table ``[iec]`` of a meter model file.

The standard fixes messages and timing, and leaves to the makers which addresses hold what, how a password
is wrapped, whether there is a block check, and the commands of a load profile.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

_Commands = Literal["R1", "R2", "R3", "R4", "R5", "R6"]
_Writes = Literal["W1", "W2", "W5"]
Baud = Annotated[int, msgspec.Meta(ge=300, le=115200)]


class Programming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Programming mode. ``password_command`` P1 or P2; ``password`` how it is sent, ``{password}`` being
    the secret; ``algorithm`` how it is made from the operand of P0: ``plain`` sends it as it is, any other is
    refused before the line is touched. ``password_first``: reading needs it, too. ``error``: what an error
    message looks like."""

    read: _Commands = "R5"
    write: _Writes = "W5"
    password_command: Literal["P1", "P2"] = "P1"  # noqa: S105  # a command, no secret
    password: str = "({password})"  # noqa: S105  # how it is wrapped, no secret
    algorithm: str = "plain"
    password_first: bool = False
    error: str = r"\(?(?:ER|ERR|ERROR)\w*\)?"

    def is_error(self, text: str) -> bool:
        return bool(re.fullmatch(self.error, text.strip()))


class IecClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the clock is: ``date`` and ``time`` apart, or ``both`` in one; formats as in strftime."""

    date: str = "0.9.2"
    time: str = "0.9.1"
    both: str | None = None
    date_format: str = "%y%m%d"
    time_format: str = "%H%M%S"
    both_format: str = "%y%m%d%H%M%S"

    def parts(self) -> list[tuple[str, str]]:
        """Address and format of each part, in the order of writing."""
        if self.both:
            return [(self.both, self.both_format)]
        return [(self.date, self.date_format), (self.time, self.time_format)]


class IecProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Load profile and log: ``address`` P.01 (VDEW), read by ``command`` with ``request`` in brackets, where
    ``{start}`` and ``{end}`` stand in ``time_format``; ``log`` is the address of the operating log."""

    address: str = "P.01"
    log: str | None = "P.98"
    command: _Commands = "R5"
    request: str = "{start};{end}"
    time_format: str = "0%y%m%d%H%M"

    def bounds(self, start: datetime | None, end: datetime | None) -> str:
        """The request for local times without zone; an open end is left empty."""
        return self.request.format(
            start=start.strftime(self.time_format) if start else "",
            end=end.strftime(self.time_format) if end else "",
        )


class IecOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``push``: it sends by itself at ``first_baud`` when its button is pressed (mode D), nobody asks.
    ``first_baud``, ``format``: the line at the sign-on. ``readout_option``: Y of the acknowledgement, 6 to 9
    for a maker's own readout. ``units``: of codes that are sent without one."""

    push: bool = False
    first_baud: Baud | None = None
    format: Literal["7E1", "8N1"] = "7E1"
    readout_option: Literal["0", "6", "7", "8", "9"] = "0"
    units: dict[str, str] = {}
    programming: Programming | None = None
    clock: IecClock | None = None
    profile: IecProfile | None = None

    @property
    def sign_on_baud(self) -> int:
        """Modes A to C begin at 300, mode D sends at 2400."""
        return self.first_baud or (2400 if self.push else 300)
