"""Before the crew goes: what here will bring somebody back, and what can be done about it now. Pure.

Two sources: what was noted during the visit (the flags of the record), and whether the device's place agrees
with those beside it. A wrong transformer costs nothing to put right while the truck stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from fieldtool.procedure import model as m
from fieldtool.procedure.state import RunState
from workorders.journal.supply import LEFT_OFF

NEAR_M = 60
"""Supply points so near hang on the same pole, or on the next one."""
FEW = 2
"""Fewer neighbours than these prove nothing about anybody."""
SOON_MINUTES = 30
"""A join that shows within this time is worth waiting for."""


class RiskLevel(StrEnum):
    """How likely somebody has to come back."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A device or an order beside this one: in the same panel, or within `NEAR_M` metres."""

    name: str
    concentrator: str | None = None
    transformer: str | None = None
    feeder: str | None = None
    metres: int | None = None


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """One reason. Text `flag.<code>`; what to do, where something can be, `leave.remedy.<code>` at `step`."""

    code: str
    level: RiskLevel
    step: str | None = None
    params: dict[str, str] = {}


HIGH = frozenset(
    {
        *("match_overridden", "old_meter_overridden", "join_failed", "join_orphan", "other_concentrator"),
        *("balance_off", "position_far", "position_simulated", "reading_disagrees", "implausible_reading"),
        *("neighbour_concentrator", "neighbour_transformer", "neighbour_feeder", "phase_not_there"),
        "collector_elsewhere",
        "panel_elsewhere",
        "serial_elsewhere",
        "identity_overridden",
        LEFT_OFF,
    }
)
"""What brings somebody back nearly always, or makes the record wrong."""
QUIET = frozenset({"customer_absent", "customer_refused", "vacant"})
"""Noted, but nobody comes back for it."""
_STEP_OF: Mapping[str, tuple[type[m.Step], ...]] = {
    "join_": (m.JoinStep,),
    "other_concentrator": (m.PlaceStep,),
    "neighbour_": (m.PlaceStep,),
    "phase_not_there": (m.PlaceStep,),
    "collector_elsewhere": (m.PlaceStep,),
    "panel_elsewhere": (m.PlaceStep,),
    "capacity_": (m.PlaceStep,),
    "distance_": (m.PlaceStep,),
    "serial_elsewhere": (m.PlaceStep,),
    "identity_": (m.PlaceStep,),
    "position_": (m.PlaceStep,),
    "balance_": (m.BalanceStep,),
    "match_": (m.MatchStep,),
    "reading_": (m.NumberStep,),
    "implausible_": (m.NumberStep,),
    "relay_": (m.RelayStep,),
    "supply_": (m.RelayStep,),
    "seal_": (m.SealsStep,),
}


def disagreements(own: Neighbour, beside: Sequence[Neighbour]) -> list[Risk]:
    """Where this place says otherwise than nearly all of those beside it.

    Where those beside it do not agree among themselves nobody is accused: two thirds of them have to, and
    more than one.
    """
    found: list[Risk] = []
    for field in ("concentrator", "transformer", "feeder"):
        mine = getattr(own, field)
        said = Counter(value for one in beside if (value := getattr(one, field)) is not None)
        if mine is None or not said:
            continue
        value, count = said.most_common(1)[0]
        if value != mine and count >= FEW and 3 * count >= 2 * said.total():
            params = {"mine": mine, "theirs": value, "count": str(count)}
            found.append(Risk(code=f"neighbour_{field}", level=RiskLevel.HIGH, params=params))
    return found


def phase_fault(phase: str | None, at: str | None) -> Risk | None:
    """A phase that the node above does not have (`AB` has no C). Letters as the utility writes them."""
    if not phase or not at or set(phase.upper()) <= set(at.upper()):
        return None
    params = {"mine": phase, "theirs": at}
    return Risk(code="phase_not_there", level=RiskLevel.HIGH, params=params)


def risks(
    procedure: m.Procedure,
    state: RunState,
    flags: Iterable[str],
    places: Sequence[Risk],
    *,
    wait_minutes: int | None,
) -> list[Risk]:
    """Every reason to look once more, the worst first.

    Args:
        flags: of the record so far.
        places: what `disagreements` and `phase_fault` found.
        wait_minutes: how long the technology takes to show a join; None where there is none.
    """
    found = [msgspec.structs.replace(one, step=_step_of(one.code, procedure, state)) for one in places]
    known = {one.code for one in found}
    for flag in flags:
        if flag in known or flag in QUIET:
            continue
        level = RiskLevel.HIGH if flag in HIGH else RiskLevel.MEDIUM
        params: dict[str, str] = {}
        if flag == "join_pending":
            # Where a join takes hours, pending is how everybody leaves.
            soon = wait_minutes is not None and wait_minutes <= SOON_MINUTES
            level = RiskLevel.MEDIUM if soon else RiskLevel.LOW
            params = {"minutes": str(wait_minutes or 0)}
        found.append(Risk(code=flag, level=level, step=_step_of(flag, procedure, state), params=params))
    order = [RiskLevel.HIGH, RiskLevel.MEDIUM, RiskLevel.LOW]
    return sorted(found, key=lambda one: order.index(one.level))


def worst(found: Sequence[Risk]) -> RiskLevel:
    """The level of all reasons together: that of the worst."""
    return found[0].level if found else RiskLevel.LOW


def _step_of(code: str, procedure: m.Procedure, state: RunState) -> str | None:
    """The step at which it can be put right, where it was done in this visit."""
    kinds = next((kinds for prefix, kinds in _STEP_OF.items() if code.startswith(prefix)), ())
    for step in reversed(procedure.steps):
        if kinds and isinstance(step, kinds) and step.id in state.done:
            return step.id
    return None
