"""Balance of a transformer or panel: what goes in against what the meters say.

Over an interval by energy, with the rule that a percentage is said only where nearly all meters are in it; or
at one moment by power, with what the readings can be off by: the class of the meters, and a load that moves
while a probe goes from meter to meter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from workorders.clock import read_utc
from workorders.network.causes import Cause, Share, Sides, explain

MIN_COVERAGE = Decimal(98)
USUAL_CLASS = Decimal(1)
"""Accuracy class where nobody says one, in percent (IEC 62053-21; class B of EN 50470 is the same)."""
UNCLEAR_PERCENT = Decimal(8)
"""Beyond this uncertainty a balance at one moment says nothing: the width of the *watch* band."""
_SQRT3 = Decimal("1.7320508")


class BalanceBand(StrEnum):
    """What a loss means. `topology`: more comes out than goes in, so something hangs elsewhere.

    `unclear`: at one moment, where the load is too small or too unsteady for an answer.
    """

    FINE = "fine"
    WATCH = "watch"
    SUSPECT = "suspect"
    TOPOLOGY = "topology"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Loss in percent of what went in; None where it may not be said. `missing`: meters without a reading."""

    loss_percent: Decimal | None
    coverage_percent: Decimal
    band: BalanceBand
    missing: list[str]
    causes: list[Cause] = []


def balance(
    *,
    into: Sequence[Decimal],
    out: Sequence[Decimal] = (),
    meters: Mapping[str, Decimal | None],
    exports: Sequence[Decimal] = (),
    ratio: str | None = None,
    with_ratio: Sequence[str] = (),
) -> Balance:
    """`(in - out - meters + exports) / in` over one interval, all in the same unit.

    Args:
        meters: energy by serial; None where the interval is missing.
        ratio: of the total's current transformers as entered (`200/5`).
        with_ratio: serials of meters that measure through current transformers.
    """
    missing = sorted(serial for serial, energy in meters.items() if energy is None)
    coverage = Decimal(100) * (len(meters) - len(missing)) / len(meters) if meters else Decimal(0)
    total = sum(into, Decimal(0))
    if coverage < MIN_COVERAGE or total <= 0:
        return Balance(
            loss_percent=None, coverage_percent=coverage, band=BalanceBand.REFUSED, missing=missing
        )
    used = sum((energy for energy in meters.values() if energy is not None), Decimal(0))
    left = total - sum(out, Decimal(0)) - used + sum(exports, Decimal(0))
    loss = left / total * 100
    band = _band(loss)
    causes: list[Cause] = []
    if band is not BalanceBand.FINE:
        sides = Sides(
            total=left + used,
            shares=_shares(meters, with_ratio),
            unread=missing,
            # Within the fine band around its middle a change of one thing closes the balance.
            uncertainty=total * 2 / 100,
            total_ratio=ratio,
        )
        # Losses of two percent are no fault: they are what the explanation has to leave.
        causes = explain(msgspec.structs.replace(sides, total=sides.total - total * 2 / 100))
    return Balance(loss_percent=loss, coverage_percent=coverage, band=band, missing=missing, causes=causes)


def _shares(meters: Mapping[str, Decimal | None], with_ratio: Sequence[str]) -> list[Share]:
    return [
        Share(serial=serial, amount=amount, ratio=serial in with_ratio)
        for serial, amount in meters.items()
        if amount is not None
    ]


def _band(loss: Decimal) -> BalanceBand:
    if loss < 0:
        return BalanceBand.TOPOLOGY
    if loss <= 4:
        return BalanceBand.FINE
    return BalanceBand.WATCH if loss <= 8 else BalanceBand.SUSPECT


# --- at one moment --------------------------------------------------------------------------------


class PowerReading(msgspec.Struct, frozen=True, kw_only=True):
    """Active power at a moment. `watts`: import positive, export negative; `at`: UTC text; `accuracy`: class
    in percent."""

    serial: str
    watts: Decimal
    at: str
    accuracy: Decimal = USUAL_CLASS
    ratio: bool = False


class PowerBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The macro meter against the sum of the meters, watts.

    Attributes:
        difference: macro less sum; the true one lies within `uncertainty` of it, 19 times out of 20.
        spread: how far the macro meter moved between its first and last reading.
        percent: difference in percent of the macro meter; None where the band is refused or unclear.
    """

    macro: Decimal
    sum: Decimal
    difference: Decimal
    uncertainty: Decimal
    spread: Decimal
    percent: Decimal | None
    band: BalanceBand
    missing: list[str]
    seconds: int
    causes: list[Cause] = []


def power_balance(
    macro: Sequence[PowerReading],
    meters: Mapping[str, PowerReading | None],
    *,
    ratio: str | None = None,
    three_phase: bool = True,
) -> PowerBalance:
    """Compare the sum of instantaneous powers with the macro meter.

    Args:
        macro: readings of the macro meter: before the first meter, after the last, and any between.
        meters: by serial; None where one could not be read.

    Raises:
        ValueError: no reading of the macro meter.
    """
    if not macro:
        raise ValueError("a balance needs a reading of the macro meter")
    read = [reading for reading in meters.values() if reading is not None]
    missing = sorted(serial for serial, reading in meters.items() if reading is None)
    levels = [reading.watts for reading in macro]
    mean = sum(levels, Decimal(0)) / len(levels)
    total = sum((reading.watts for reading in read), Decimal(0))
    spread = max(levels) - min(levels)
    uncertainty = _uncertainty(macro[0].accuracy, mean, read, spread, len(levels))
    difference = mean - total
    causes: list[Cause] = []
    band, percent = BalanceBand.REFUSED, None
    if not missing and read:
        band, percent = _power_band(mean, difference, uncertainty)
    if band not in (BalanceBand.UNCLEAR, BalanceBand.FINE) and read:
        shares = [Share(serial=one.serial, amount=one.watts, ratio=one.ratio) for one in read]
        sides = Sides(
            total=mean,
            shares=shares,
            unread=missing,
            uncertainty=uncertainty,
            total_ratio=ratio,
            three_phase=three_phase,
        )
        causes = explain(sides)
    times = [read_utc(reading.at) for reading in (*macro, *read)]
    return PowerBalance(
        macro=mean,
        sum=total,
        difference=difference,
        uncertainty=uncertainty,
        spread=spread,
        percent=percent,
        band=band,
        missing=missing,
        seconds=int((max(times) - min(times)).total_seconds()),
        causes=causes,
    )


def _uncertainty(
    accuracy: Decimal, macro: Decimal, read: Sequence[PowerReading], spread: Decimal, count: int
) -> Decimal:
    """Expanded uncertainty of the difference, k = 2 (JCGM 100): the classes as rectangular, and the load.

    The load moved by `spread` while the meters were read one after another. With one reading of the macro
    meter nobody knows that it stood still: a tenth of it is assumed.
    """
    by_class = [accuracy * abs(macro) / 100] + [one.accuracy * abs(one.watts) / 100 for one in read]
    squares = sum(((part / _SQRT3) ** 2 for part in by_class), Decimal(0))
    moved = spread if count > 1 else abs(macro) / 10
    squares += (moved / (2 * _SQRT3)) ** 2
    return 2 * squares.sqrt()


def _power_band(
    macro: Decimal, difference: Decimal, uncertainty: Decimal
) -> tuple[BalanceBand, Decimal | None]:
    if macro <= 0:
        return BalanceBand.UNCLEAR, None
    percent = difference / macro * 100
    if abs(difference) > uncertainty:
        # Beyond what the readings can be off by, however rough they are.
        return (BalanceBand.TOPOLOGY, percent) if difference < 0 else (_band(percent), percent)
    if uncertainty / macro * 100 > UNCLEAR_PERCENT:
        return BalanceBand.UNCLEAR, None
    return BalanceBand.FINE, percent
