"""Energy balance of a transformer or panel: what goes in against what the meters say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

MIN_COVERAGE = Decimal(98)


class BalanceBand(StrEnum):
    """What a loss means. `topology`: more comes out than goes in, so something hangs elsewhere."""

    FINE = "fine"
    WATCH = "watch"
    SUSPECT = "suspect"
    TOPOLOGY = "topology"
    REFUSED = "refused"


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Loss in percent of what went in; None where it may not be said. `missing`: meters without a reading."""

    loss_percent: Decimal | None
    coverage_percent: Decimal
    band: BalanceBand
    missing: list[str]


def balance(
    *,
    into: Sequence[Decimal],
    out: Sequence[Decimal] = (),
    meters: Mapping[str, Decimal | None],
    exports: Sequence[Decimal] = (),
) -> Balance:
    """`(in - out - meters + exports) / in` over one interval, all in the same unit.

    Args:
        meters: energy by serial; None where the interval is missing.
    """
    missing = sorted(serial for serial, energy in meters.items() if energy is None)
    coverage = Decimal(100) * (len(meters) - len(missing)) / len(meters) if meters else Decimal(0)
    total = sum(into, Decimal(0))
    if coverage < MIN_COVERAGE or total <= 0:
        return Balance(
            loss_percent=None, coverage_percent=coverage, band=BalanceBand.REFUSED, missing=missing
        )
    used = sum((energy for energy in meters.values() if energy is not None), Decimal(0))
    loss = (total - sum(out, Decimal(0)) - used + sum(exports, Decimal(0))) / total * 100
    return Balance(loss_percent=loss, coverage_percent=coverage, band=_band(loss), missing=missing)


def _band(loss: Decimal) -> BalanceBand:
    if loss < 0:
        return BalanceBand.TOPOLOGY
    if loss <= 4:
        return BalanceBand.FINE
    return BalanceBand.WATCH if loss <= 8 else BalanceBand.SUSPECT
