"""How the meter is wired to its supply: right, or wrong in one of the ways that crews get it wrong.

The true voltages and currents stay what they are; a miswired meter measures them at the wrong inputs and
counts what it measures. Vectors are complex: length and lag clockwise from U(L1), so a lagging current has a
negative argument.
"""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_SWAP = {"12": (1, 0, 2), "23": (0, 2, 1), "13": (2, 1, 0)}
_MOVED_ON = (1, 2, 0)
_NAMES = re.compile(
    r"(?P<normal>normal)|(?P<reverse>reverse)|ct-(?P<moved>rotate)|swap-ct-(?P<ct>[123])|missing-(?P<missing>[123])"
    r"|cross-ct-(?P<cross>12|13|23)|cross-voltage-(?P<voltage>12|13|23)|neutral-(?P<neutral>[123])"
)
HELP = (
    "normal, reverse (two phases changed over), swap-ct-N (polarity of one current), missing-N (no voltage), "
    "cross-ct-NM (two currents), cross-voltage-NM (two voltage leads), ct-rotate (all currents one on), "
    "neutral-N (phase and neutral)"
)
"""What `--wiring` takes; several are joined by a comma."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is connected to the inputs of the meter: phase of each voltage (None: nothing, −1: the
    neutral) and of each current, with its sign, and the phase at the neutral terminal (None: the neutral)."""

    voltages: tuple[int | None, ...] = (0, 1, 2)
    currents: tuple[int, ...] = (0, 1, 2)
    signs: tuple[int, ...] = (1, 1, 1)
    neutral: int | None = None

    @property
    def is_right(self) -> bool:
        return self == Wiring()


def parse(text: str, phases: int) -> Wiring:
    """Raises ``ValueError`` for a name that is none, or that needs more phases than there are."""
    wiring = Wiring()
    for name in text.split(","):
        found = _NAMES.fullmatch(name.strip())
        if found is None:
            raise ValueError(f"{name}: wiring is one of {HELP}")
        single = found["ct"] or found["missing"]
        if phases == 1 and not found["normal"] and single != "1":
            raise ValueError(f"{name}: a single-phase meter knows normal, swap-ct-1 and missing-1")
        wiring = _applied(wiring, found)
    return wiring


def _applied(wiring: Wiring, found: re.Match[str]) -> Wiring:
    voltages, currents = list(wiring.voltages), list(wiring.currents)
    if found["reverse"]:
        order = _SWAP["23"]
        return replace(
            wiring, voltages=tuple(voltages[at] for at in order), currents=tuple(currents[at] for at in order)
        )
    if found["moved"]:
        return replace(wiring, currents=tuple(currents[at] for at in _MOVED_ON))
    if found["cross"]:
        return replace(wiring, currents=tuple(currents[at] for at in _SWAP[found["cross"]]))
    if found["voltage"]:
        return replace(wiring, voltages=tuple(voltages[at] for at in _SWAP[found["voltage"]]))
    if found["missing"]:
        voltages[int(found["missing"]) - 1] = None
        return replace(wiring, voltages=tuple(voltages))
    if found["ct"]:
        signs = list(wiring.signs)
        signs[int(found["ct"]) - 1] *= -1
        return replace(wiring, signs=tuple(signs))
    if found["neutral"]:
        at = int(found["neutral"]) - 1
        voltages[at] = -1
        return replace(wiring, voltages=tuple(voltages), neutral=at)
    return wiring


def phasor(length: float, lag: float) -> complex:
    """A vector so many degrees behind U(L1)."""
    return cmath.rect(length, -math.radians(lag))


def measured(
    wiring: Wiring, voltages: Sequence[complex], currents: Sequence[complex]
) -> tuple[list[complex], list[complex]]:
    """What stands at the inputs, from the true vectors of the supply."""
    zero = voltages[wiring.neutral] if wiring.neutral is not None else 0j
    seen = []
    for at in range(len(voltages)):
        source = wiring.voltages[at]
        live = 0j if source is None or source < 0 else voltages[source]
        seen.append(0j if source is None else live - zero)
    flowing = [currents[wiring.currents[at]] * wiring.signs[at] for at in range(len(currents))]
    return seen, flowing


def degrees(other: complex, reference: complex) -> int:
    """How far `other` lags `reference`, whole degrees 0…359; 0 where one of them is not there."""
    if not other or not reference:
        return 0
    return round(-math.degrees(cmath.phase(other / reference))) % 360
