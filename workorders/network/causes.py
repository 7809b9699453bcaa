"""Why a balance does not close: each thing that happens in the field, tried against the figures.

A cause is a change of one thing (a meter left out, a ratio, a direction) after which the sum agrees within
its uncertainty. Two explanations that fit alike are both told; what none explains stays unexplained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

PRIMARIES = tuple(
    Decimal(amps) for amps in (50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 600, 750, 800, 1000)
)
"""Usual primary currents of low voltage current transformers, A (IEC 61869-2, 5.201)."""
FACTORS = (Decimal(2), Decimal("0.5"), Decimal(5), Decimal("0.2"), Decimal(10), Decimal("0.1"))
"""Mistakes of a ratio that happen where nobody says which transformers there are."""
_MAX_CAUSES = 4


class CauseCode(StrEnum):
    """What may be wrong. Texts: `balance.cause.<code>`."""

    MACRO_RATIO = "macro_ratio"
    """The total's current transformers are not those that were entered."""
    MACRO_PHASE = "macro_phase"
    """The total sees two of three phases, or one: a missing or reversed current transformer."""
    FOREIGN_METER = "foreign_meter"
    """A meter hangs on another transformer or panel."""
    REVERSED_METER = "reversed_meter"
    """A meter counts backwards."""
    METER_RATIO = "meter_ratio"
    """A meter's own ratio is wrong."""
    MISSING_METER = "missing_meter"
    """A meter that was not read, or a load that none measures."""
    UNMEASURED_LOAD = "unmeasured_load"
    """More goes in than all meters say, and every one was read."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one meter says, in the unit of the balance. `ratio`: it measures through current transformers."""

    serial: str
    amount: Decimal
    ratio: bool = False


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would explain the difference.

    Attributes:
        serials: meters it is about.
        factor: what the wrong value has to be multiplied by, where it is a ratio.
        entered, likely: ratio as entered and as it may be (`200/5`).
        left: what would be left of the difference.
    """

    code: CauseCode
    serials: list[str] = []
    factor: Decimal | None = None
    entered: str | None = None
    likely: str | None = None
    left: Decimal


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a balance: what goes in by the total, what the meters say, and how far they may be apart.

    Attributes:
        total: by the macro meter, less what leaves by other ways.
        unread: meters of which nothing is known.
        uncertainty: of the difference, in the same unit.
        total_ratio: ratio of the total's current transformers as entered (`200/5`).
        three_phase: whether the total sums three phases.
    """

    total: Decimal
    shares: Sequence[Share]
    unread: Sequence[str]
    uncertainty: Decimal
    total_ratio: str | None = None
    three_phase: bool = True

    @property
    def sum(self) -> Decimal:
        """What the meters say together."""
        return sum((share.amount for share in self.shares), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """What goes in and no meter says; negative: meters say more than goes in."""
        return self.total - self.sum


def explain(sides: Sides) -> list[Cause]:
    """What would close the balance, the best fit first; empty where it closes already.

    A meter that says less than the uncertainty can neither be blamed nor cleared.
    """
    if abs(sides.difference) <= sides.uncertainty:
        return []
    found = [*_ratio_of_total(sides), *_meters(sides)]
    fitting = [cause for cause in found if abs(cause.left) <= sides.uncertainty]
    fitting.sort(key=lambda cause: abs(cause.left))
    best = fitting[:_MAX_CAUSES]
    if sides.difference > 0:
        # More goes in than is told: a meter that was not read explains any amount.
        code = CauseCode.MISSING_METER if sides.unread else CauseCode.UNMEASURED_LOAD
        best.append(Cause(code=code, serials=sorted(sides.unread), left=Decimal(0)))
    return best


def _ratio_of_total(sides: Sides) -> Iterable[Cause]:
    if sides.total <= 0 or sides.sum <= 0:
        return
    wanted = sides.sum / sides.total
    if sides.three_phase:
        factor = min((Decimal("1.5"), Decimal(3)), key=lambda one: abs(one - wanted))
        yield Cause(code=CauseCode.MACRO_PHASE, factor=factor, left=sides.total * factor - sides.sum)
    entered = _ratio(sides.total_ratio)
    if entered is None:
        factor = min(FACTORS, key=lambda one: abs(one - wanted))
        yield Cause(code=CauseCode.MACRO_RATIO, factor=factor, left=sides.total * factor - sides.sum)
        return
    primary, secondary = entered
    swapped = Decimal(1) if secondary == 5 else Decimal(5)
    for other, over in [(amps, secondary) for amps in PRIMARIES] + [(primary, swapped)]:
        factor = (other / over) / (primary / secondary)
        if factor != 1:
            likely = f"{other:f}/{over:f}"
            left = sides.total * factor - sides.sum
            yield Cause(
                code=CauseCode.MACRO_RATIO, factor=factor, entered=sides.total_ratio, likely=likely, left=left
            )


def _ratio(text: str | None) -> tuple[Decimal, Decimal] | None:
    primary, slash, secondary = (text or "").partition("/")
    if not (slash and primary.strip().isdigit() and secondary.strip() in ("1", "5")):
        return None
    return (Decimal(primary.strip()), Decimal(secondary.strip())) if int(primary) else None


def _meters(sides: Sides) -> Iterable[Cause]:
    for share in sides.shares:
        if abs(share.amount) <= sides.uncertainty:
            continue
        yield _with(sides, share, CauseCode.FOREIGN_METER, Decimal(0))
        if share.amount < 0:
            yield _with(sides, share, CauseCode.REVERSED_METER, Decimal(-1))
        for factor in FACTORS if share.ratio else ():
            yield _with(sides, share, CauseCode.METER_RATIO, factor)


def _with(sides: Sides, share: Share, code: CauseCode, factor: Decimal) -> Cause:
    """The balance as it would be if this one meter said `factor` times as much."""
    left = sides.difference + share.amount - factor * share.amount
    told = factor if code is CauseCode.METER_RATIO else None
    return Cause(code=code, serials=[share.serial], factor=told, left=left)
