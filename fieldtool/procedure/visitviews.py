"""What the screen shows of a visit as a whole: what stands already, and what other work it may turn into."""

from __future__ import annotations

import msgspec

from fieldtool.procedure.pagewords import Option, RunEnd


class StandingView(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier visit has left at the site, and what that means for this one.

    Attributes:
        at: when that visit was last at work (UTC); `end`: how it ended.
        removed: serial of the device that it took down; `destination` as in `device.removed`.
        placed: serial of the device that hangs there now by the record, in `place` (names, from above).
        found: serial of the new device as it was last seen, placed or not.
        left_off: a relay stands open.
        done: how many steps stay done; `again`: titles of those done once more, `to_do`: of the others.
        ask: nothing was done on this visit yet, and the crew has not been shown this.
    """

    at: str | None
    crew: str | None
    end: RunEnd | None
    removed: str | None
    destination: str | None
    placed: str | None
    place: list[str]
    found: str | None
    left_off: bool
    done: int
    again: list[str]
    to_do: list[str]
    ask: bool


class WorkView(msgspec.Struct, frozen=True, kw_only=True):
    """Other work that the crew may go on with: procedure, title, reasons; `undoes`: it puts back what was."""

    id: str
    title: str
    reasons: list[Option]
    undoes: bool = False
