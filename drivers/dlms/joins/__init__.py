"""Whether a meter has joined its network: one answer for each technology, with what it was concluded from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from drivers.dlms.apdu import Result
from drivers.dlms.cosem import Item
from drivers.dlms.joins import cellular, g3, prime, radio
from drivers.dlms.joins.heard import Heard, Verdict
from drivers.dlms.joins.heard import Probe as Probe
from drivers.dlms.view import ViewObject
from drivers.reading import JoinEvidence, JoinState


@dataclass(frozen=True)
class Technology:
    """What is asked of a meter, and who judges the answers. ``mark``: a class that only such meters have."""

    probes: tuple[Probe, ...]
    mark: int
    judge: Callable[[Heard], Verdict]


TECHNOLOGIES = {
    "prime": Technology(prime.PROBES, 83, prime.judge),
    "g3": Technology(g3.PROBES, 91, g3.judge),
    "wisun": Technology(radio.WI_SUN_PROBES, 95, radio.judge_wi_sun),
    "lorawan": Technology(radio.LORAWAN_PROBES, 128, radio.judge_lorawan),
    "gsm": Technology(cellular.PROBES, 47, cellular.judge),
}


def judge(
    technology: str, results: Mapping[Probe, Result], items: Mapping[Probe, Item] | None = None
) -> JoinEvidence:
    """Join state and evidence. What cannot be understood is evidence of nothing, never an error.

    ``items`` says where each answer comes from, where that is not the default object."""
    known = TECHNOLOGIES.get(technology)
    if known is None:
        return JoinEvidence(JoinState.UNKNOWN, technology)
    found = known.judge(Heard(results))
    places = {probe.word: (items or {}).get(probe) or probe.default for probe in results}
    sources = {word: str(places[word]) for word in found.because if places.get(word)}
    return JoinEvidence(found.state, technology, found.evidence, sources)


def default_items(technology: str) -> dict[Probe, Item]:
    """Where the objects lie by the standard; nothing for a technology without fixed places."""
    known = TECHNOLOGIES.get(technology)
    probes = known.probes if known else ()
    return {probe: probe.default for probe in probes if probe.default is not None}


def found_in(objects: Iterable[ViewObject], wanted: str) -> tuple[str, dict[Probe, Item]]:
    """The technology whose objects are among these (``wanted`` first), and where they lie; else ``none``.

    The default object is taken where it is there, else the first of its class."""
    there = list(objects)
    present = {known.class_id for known in there}
    names = sorted(TECHNOLOGIES, key=lambda name: name != wanted)
    name = next((name for name in names if TECHNOLOGIES[name].mark in present), None)
    if name is None:
        return "none", {}
    items = {}
    for probe in TECHNOLOGIES[name].probes:
        alike = [known for known in there if known.class_id == probe.class_id]
        chosen = next((known for known in alike if known.obis == probe.obis), alike[0] if alike else None)
        if chosen is not None:
            items[probe] = chosen.item(probe.attribute)
    return name, items
