"""Where devices stand (MeterConfig) and on which phases supply points hang (UsagePointConfig)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from workorders.mwm.cim.building import add, point
from workorders.mwm.cim.hardened import namespace
from workorders.mwm.port import Connected, Stay

_CODES = frozenset({"A", "B", "C", "AB", "BC", "AC", "ABC"})
_LETTERS = {"R": "A", "S": "B", "T": "C", "L1": "A", "L2": "B", "L3": "C"}
_PHASES = re.compile(r"[ABC]+|[RST]+|(?:L[123])+")


def phase_code(phase: str | None) -> str | None:
    """The PhaseCode of IEC 61970-301 for a phase as utilities call it (`R`, `RST`, `L1 L2`, `ABCN`).

    None where it is none that is known: a guess would switch off the wrong customers.
    """
    said = re.sub(r"[\s,;/+-]", "", (phase or "").upper())
    bare = said.removesuffix("N")
    if not _PHASES.fullmatch(bare):
        return None
    found = [_LETTERS.get(one, one) for one in re.findall(r"L\d|[A-Z]", bare)]
    code = "".join(sorted(found))
    if code not in _CODES:
        return None
    return code + ("N" if bare != said else "")


def write_placements(payload: Element, stays: Iterable[Stay]) -> None:
    """A MeterConfig with these stays."""
    space = namespace("MeterConfig")
    config = add(payload, space, "MeterConfig")
    for stay in stays:
        one = add(config, space, "Meter")
        add(one, space, "mRID", stay.key)
        add(one, space, "serialNumber", stay.serial)
        add(one, space, "modelNumber", stay.model)
        life = add(one, space, "lifecycle")
        add(life, space, "installationDate", stay.since)
        add(life, space, "removalDate", stay.until)
        state = "removed" if stay.until is not None else "disputed" if stay.disputed else "installed"
        add(add(one, space, "status"), space, "value", state)
        _refer(one, space, "Transformer", stay.transformer)
        _refer(one, space, "Concentrator", stay.concentrator)
        _refer(one, space, "Panel", stay.panel)
        add(one, space, "slot", stay.slot)
        point(one, space, stay.usage_point)
        if stay.latitude is not None and stay.longitude is not None:
            points = add(add(one, space, "Location"), space, "PositionPoints")
            add(points, space, "xPosition", stay.longitude)
            add(points, space, "yPosition", stay.latitude)
        if stay.order:
            add(add(add(one, space, "WorkOrder"), space, "Names"), space, "name", stay.order)


def write_phases(payload: Element, points: Iterable[Connected]) -> None:
    """A UsagePointConfig with these supply points."""
    space = namespace("UsagePointConfig")
    config = add(payload, space, "UsagePointConfig")
    for said in points:
        one = add(config, space, "UsagePoint")
        add(one, space, "mRID", said.usage_point)
        add(one, space, "dateTime", said.time)
        add(one, space, "phaseCode", phase_code(said.phase))
        add(one, space, "phaseName", said.phase)
        add(one, space, "rotation", said.rotation)
        add(one, space, "rotationReason", said.rotation_why)
        add(one, space, "polarity", said.polarity)
        _refer(one, space, "Transformer", said.transformer)
        _refer(one, space, "EndDevices", said.serial)


def _refer(parent: Element, space: str, name: str, mrid: str | None) -> None:
    """A reference to another object, where there is one."""
    if mrid:
        add(add(parent, space, name), space, "mRID", mrid)
