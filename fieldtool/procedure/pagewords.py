"""Words that every page speaks: the state of a step, how a run ended, a problem, an option."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class StepState(StrEnum):
    """State of a step in the list. `STALE`: done, but something before it was corrected since."""

    DONE = "done"
    CURRENT = "current"
    TODO = "todo"
    STALE = "stale"
    FAILED = "failed"


class RunEnd(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    NOT_DONE = "not_done"
    UNSAFE = "unsafe"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why an answer cannot be accepted. Key `problem.<code>`; `overridable` by a role that may, with a
    reason."""

    code: str
    field: str | None = None
    params: dict[str, str] = {}
    overridable: bool = False


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An allowed value."""

    id: str
    text: str
    photo: bool = False
    note: bool = False


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the crew is, on a step that takes it.

    Attributes:
        state: `searching`, `fix`, `none`. A search may have a fix already, which is getting better.
        reason: why there is none (key `position.reason.<reason>`); `flags` have keys `position.flag.<flag>`.
        in_view: satellites seen, with or without a fix. `at`: UTC, when it was taken.
    """

    state: str
    accuracy_m: str | None = None
    satellites: int | None = None
    in_view: int | None = None
    age_s: int | None = None
    at: str | None = None
    flags: list[str] = []
    reason: str | None = None
    distance_m: int | None = None
