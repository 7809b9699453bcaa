"""Which voltage each current belongs to, and which way round: the explanation that costs least.

Every assignment of the three currents to the three voltages, with each current the right way, reversed or
exporting, is tried. What is left of the angles after undoing it must look like a load; faults have a price,
so the simplest explanation wins, and the distance to the next one says how sure it is. A load is taken as
12° ± 25° inductive, an export as 168° ± 15° (a generator at cos φ 1 over an inductive load), or anything
between the two where something is known to generate, and may nearly cancel the load.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import msgspec

from drivers.wiring.angles import wrap
from drivers.wiring.verdict import Certainty

_LOAD, _LOAD_WIDTH = 12.0, 25.0
_EXPORT, _EXPORT_WIDTH = 168.0, 15.0
_REVERSED_PRICE, _CROSSED_PRICE = 3.0, 4.0
_EXPORT_PRICE = {True: 0.3, None: 3.0, False: 8.0}
_LATER_EXPORT_PRICE = 0.3
"""One generator feeds several phases: the others cost little."""
_CANCELLED = 1.0
"""A generator that nearly cancels the load leaves the reactive power alone: any lag from load to export."""
_SAME_TURN = 45.0
"""Usual loads differ by less than this."""
_CERTAIN, _LIKELY = 3.0, 1.2
RIGHT, REVERSED, EXPORTS = "right", "reversed", "exports"


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """For each phase: whose current flows there (0…2), which way, and the lag left when that is undone
    (None: no load)."""

    sources: tuple[int, ...]
    ways: tuple[str, ...]
    rests: tuple[float | None, ...]
    certainty: Certainty


def explain(
    lags: Sequence[tuple[float, ...]], rotations: Sequence[int], generation: bool | None
) -> Explanation | None:
    """The cheapest explanation of `lags`; `rotations`: +1 and −1 that are possible. None where nothing
    flows."""
    flowing = [at for at, candidates in enumerate(lags) if candidates]
    if not flowing:
        return None
    priced = sorted(_priced(lags, rotations, generation), key=lambda one: one[0])
    price, best = priced[0]
    meaning = _meaning(best, flowing)
    others = (other for other, explanation in priced if _meaning(explanation, flowing) != meaning)
    certainty = _certainty(next(others, math.inf) - price)
    certainty = _capped(best, flowing, lags, certainty)
    if generation is not False and certainty is not Certainty.HINT and _may_cancel(flowing, lags):
        certainty = Certainty.HINT
    return msgspec.structs.replace(best, certainty=certainty)


def _priced(
    lags: Sequence[tuple[float, ...]], rotations: Sequence[int], generation: bool | None
) -> Iterator[tuple[float, Explanation]]:
    places = range(len(lags))
    for rotation, sources in itertools.product(rotations, itertools.permutations(places)):
        straight = sources == tuple(places)
        allowed = (RIGHT, REVERSED, EXPORTS) if straight else (RIGHT, REVERSED)
        for ways in itertools.product(*(allowed if lags[at] else (RIGHT,) for at in places)):
            price = 0.0 if straight else _CROSSED_PRICE
            exporting = ways.count(EXPORTS)
            price += _REVERSED_PRICE * ways.count(REVERSED)
            if exporting:
                price += _EXPORT_PRICE[generation] + _LATER_EXPORT_PRICE * (exporting - 1)
            rests: list[float | None] = []
            for at in places:
                cancels = generation is True and ways[at] == EXPORTS
                cost, rest = _fit(lags[at], 120.0 * rotation * (sources[at] - at), ways[at], cancels)
                price += cost
                rests.append(rest)
            yield (
                price,
                Explanation(sources=sources, ways=ways, rests=tuple(rests), certainty=Certainty.HINT),
            )


def _fit(candidates: tuple[float, ...], shift: float, way: str, cancels: bool) -> tuple[float, float | None]:
    """Price and rest of one phase: the better of its candidates. `cancels`: a generator may do so."""
    if not candidates:
        return 0.0, None
    middle, width = (_EXPORT, _EXPORT_WIDTH) if way == EXPORTS else (_LOAD, _LOAD_WIDTH)
    turned = shift + (180.0 if way == REVERSED else 0.0)
    rests = [wrap(candidate - turned) for candidate in candidates]
    rest = min(rests, key=lambda one: abs(wrap(one - middle)))
    price = (wrap(rest - middle) / width) ** 2
    if cancels and _LOAD <= rest <= _EXPORT:
        price = min(price, _CANCELLED)
    return price, rest


def _meaning(found: Explanation, flowing: Sequence[int]) -> tuple[object, ...]:
    """What an explanation says about the phases with load; two that say the same are no rivals."""
    return tuple((found.sources[at] != at, found.ways[at]) for at in flowing)


def _certainty(margin: float) -> Certainty:
    if margin >= _CERTAIN:
        return Certainty.CERTAIN
    return Certainty.LIKELY if margin >= _LIKELY else Certainty.HINT


def _capped(
    found: Explanation, flowing: Sequence[int], lags: Sequence[tuple[float, ...]], certainty: Certainty
) -> Certainty:
    """All three currents moved on by one place look like three equal reactive loads: never certain, and with
    power that is imported (|φ| < 90°) no more than a hint."""
    moved = [at for at in flowing if found.sources[at] != at]
    if len(moved) != len(flowing) or (len(flowing) > 1 and _is_swap(found)):
        return certainty
    if all(abs(candidate) <= 90.0 for at in flowing for candidate in lags[at]):
        return Certainty.HINT
    return Certainty.LIKELY if certainty is Certainty.CERTAIN else certainty


def _may_cancel(flowing: Sequence[int], lags: Sequence[tuple[float, ...]]) -> bool:
    """Whether a generator that nearly cancels the loads explains the lags as well as crossed wires do.

    Then every lag lies between load and export, and each is another one. A reversed current, or two changed
    over, have one beyond; currents moved on turn all by the same angle.
    """
    between = [min(lags[at], key=lambda one: abs(one - (_LOAD + _EXPORT) / 2)) for at in flowing]
    low, high = _LOAD - _LOAD_WIDTH, _EXPORT + _EXPORT_WIDTH
    return all(low <= one <= high for one in between) and max(between) - min(between) > _SAME_TURN


def _is_swap(found: Explanation) -> bool:
    return any(source == at for at, source in enumerate(found.sources))
