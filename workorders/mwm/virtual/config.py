"""How the virtual MWM reads placements and phases (MeterConfig, UsagePointConfig), as maps and control do.

It reads them by itself and not by the code that wrote them, so that one mistake is not made twice alike.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from workorders.mwm.cim.hardened import BadXml, child, children, namespace, parse, text
from workorders.mwm.virtual.state import Mwm

_METERS, _POINTS = "MeterConfig", "UsagePointConfig"


def take_config(mwm: Mwm, body: bytes) -> list[str]:
    """Take what a message of either kind says; returns what is wrong with it. Others are left alone."""
    try:
        root = parse(body)
    except BadXml as error:
        return [str(error)]
    payload, noun = child(root, "Payload"), text(child(root, "Header"), "Noun")
    wrong: list[str] = []
    for name in (_METERS, _POINTS):
        config = child(payload, name, namespace(name))
        if config is None:
            continue
        if noun != name:
            wrong.append(f"the header says {noun}, the payload is {name}")
        for one in children(config, "Meter" if name == _METERS else "UsagePoint"):
            problem = _meter(mwm, one) if name == _METERS else _point(mwm, one)
            if problem is not None:
                wrong.append(problem)
    return wrong


def take_hook(mwm: Mwm, told: dict[str, Any]) -> list[str]:
    """The same by webhook; returns what is wrong with it."""
    data = told["data"]
    found = [mwm.take_stay(stay) for stay in data.get("stays", [])]
    for point in data.get("points", []):
        mwm.take_phases(point)
    return [problem for problem in found if problem is not None]


def _meter(mwm: Mwm, one: Element) -> str | None:
    slot, where = text(one, "slot"), child(child(one, "Location"), "PositionPoints")
    status, until = text(one, "status", "value"), text(one, "lifecycle", "removalDate")
    if (status == "removed") != (until is not None):
        return f"{text(one, 'serialNumber')} is {status}, taken down: {until}"
    stay = {
        "key": text(one, "mRID"), "serial": text(one, "serialNumber"), "model": text(one, "modelNumber"),
        "usage_point": text(one, "UsagePoint", "mRID"), "transformer": text(one, "Transformer", "mRID"),
        "concentrator": text(one, "Concentrator", "mRID"), "panel": text(one, "Panel", "mRID"),
        "slot": None if slot is None else int(slot), "since": text(one, "lifecycle", "installationDate"),
        "until": until, "disputed": status == "disputed", "order": text(one, "WorkOrder", "Names", "name"),
        "longitude": text(where, "xPosition"), "latitude": text(where, "yPosition"),
    }  # fmt: skip
    return mwm.take_stay(stay)


def _point(mwm: Mwm, one: Element) -> str | None:
    phase, rotation = text(one, "phaseCode"), text(one, "rotation")
    if rotation != "unknown" and text(one, "rotationReason") is not None:
        return f"{text(one, 'mRID')}: the rotation is {rotation}, and there is a reason why it is unknown"
    mwm.take_phases(
        {
            "usage_point": text(one, "mRID"), "serial": text(one, "EndDevices", "mRID"), "phase": phase,
            "name": text(one, "phaseName"), "rotation": rotation, "polarity": text(one, "polarity"),
            "time": text(one, "dateTime"), "transformer": text(one, "Transformer", "mRID"),
        }
    )  # fmt: skip
    return None
