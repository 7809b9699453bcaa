"""Plan, apply, verify: what should hold on a meter, what holds, what was written.

``Plan`` is pure information and can be stored; ``apply`` reads each item again before it writes, so an old
plan never overwrites what somebody else changed to the right value meanwhile.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ChangeState(StrEnum):
    """Of one item when planned."""

    SAME = "same"
    DIFFERS = "differs"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"


class Danger(StrEnum):
    """What a change could break. Everything but ``HARMLESS`` needs its id in ``allow``."""

    HARMLESS = "harmless"
    CLOCK_JUMP = "clock_jump"
    IMPLAUSIBLE = "implausible"
    DATA_LOSS = "data_loss"
    SUPPLY = "supply"
    COMMUNICATION = "communication"
    IRREVERSIBLE = "irreversible"


class OutcomeState(StrEnum):
    """Of one change after an apply. ``INTENDED``: sent, but its effect is not known yet (settle it)."""

    VERIFIED = "verified"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    UNTOUCHED = "untouched"
    INTENDED = "intended"


class Change(msgspec.Struct, frozen=True):
    """One item of a program against the meter. ``now`` and ``will_be`` are readable text."""

    id: str
    item: str
    name: str
    now: str | None
    will_be: str
    state: ChangeState
    danger: Danger
    detail: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """The difference between a program and a meter. ``meter`` is the serial it was made for; ``sources``
    tells of each value of the program under which name it was given (``order.…``, ``project.…``), ``file``
    for its default."""

    program: str
    values: dict[str, str]
    meter: str
    model: str | None
    changes: list[Change]
    sources: dict[str, str] = {}

    @property
    def open_changes(self) -> list[Change]:
        """Changes that still have to be written."""
        return [change for change in self.changes if change.state is ChangeState.DIFFERS]


class ChangeResult(msgspec.Struct, frozen=True):
    """What became of one change; ``is_now`` as read back, if it could be."""

    id: str
    state: OutcomeState
    is_now: str | None = None
    detail: str | None = None


class ApplyReport(msgspec.Struct, frozen=True):
    """The answer of ``apply``. ``complete`` if nothing is left to do for this program."""

    program: str
    meter: str
    changes: list[ChangeResult]
    complete: bool


class VerifyReport(msgspec.Struct, frozen=True):
    """The answer of ``verify``: a fresh plan, and whether every item holds."""

    program: str
    meter: str
    changes: list[Change]
    holds: bool


class WriteIntent(msgspec.Struct, frozen=True):
    """Told to the journal before a write is sent. ``was_data``/``will_be_data`` are A-XDR hex for roll
    back; ``secret`` names the password or key that it changes, whose value stands in none of these."""

    id: str
    meter: str
    item: str
    name: str
    was: str | None
    will_be: str
    program: str
    was_data: str | None = None
    will_be_data: str | None = None
    secret: str | None = None


class WriteOutcome(msgspec.Struct, frozen=True):
    """Told to the journal after the read-back."""

    intent_id: str
    state: OutcomeState
    is_now: str | None = None
    detail: str | None = None


class ImageState(StrEnum):
    """How far a firmware image came. Whatever is less is an error."""

    VERIFIED = "verified"
    ACTIVATED = "activated"


class ImageReport(msgspec.Struct, frozen=True):
    """The answer of an image job. ``size`` in bytes; ``sent`` are the blocks of this run out of ``blocks``;
    ``firmware_now`` is read back after the restart."""

    meter: str
    state: ImageState
    identifier: str
    sha256: str
    size: int
    blocks: int
    sent: int
    firmware_before: str | None = None
    firmware_now: str | None = None
    detail: str | None = None
