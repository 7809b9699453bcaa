"""What objects a meter has, and one of them attribute by attribute, as its class and version say."""

from __future__ import annotations

import time

from drivers.dlms import attributes, classes
from drivers.dlms.apdu import Result
from drivers.dlms.classes.shapes import flatten, readable
from drivers.dlms.cosem import Item, access_result, obis_text, parse_item
from drivers.errors import UnsupportedObject
from drivers.reading import ObjectAttribute, ObjectsResult, ObjectView
from drivers.session.jobs import Jobs

_BUFFERS = frozenset({(7, 2)})
"""Long ones, read row by row with the profile and events jobs."""
_UNKNOWN_CLASS = range(2, 9)
"""Attributes asked for of a class that is not known here."""
SECRET, BUFFER = "secret", "buffer"


def read_objects(jobs: Jobs, text: str | None) -> ObjectsResult:
    """All objects by class and name, or the one that ``text`` (CLASS:OBIS) names with its attributes.

    Raises ``UnsupportedObject`` if the meter has not a single attribute of it."""
    started = time.monotonic()
    identity = jobs.identify()
    if text is None:
        shown = [
            ObjectView(known.class_id, known.version, known.obis, classes.class_name(known.class_id))
            for known in jobs.association_view()
        ]
    else:
        shown = [_one(jobs, parse_item(text).of(2))]
    seconds = round(time.monotonic() - started, 3)
    return ObjectsResult(identity, shown, jobs.reach.exchanges, jobs.bytes_on_line(), seconds)


def _one(jobs: Jobs, item: Item) -> ObjectView:
    obis = obis_text(item.obis)
    version = next(
        (
            known.version
            for known in jobs.association_view()
            if (known.class_id, known.obis) == (item.class_id, obis)
        ),
        None,
    )
    known = classes.attributes_of(item.class_id, version)
    wanted = [n for n in known or _UNKNOWN_CLASS if not _kept_back(item.class_id, n)]
    scalers = [attributes.scaler_item(item.of(n)) for n in wanted]
    extra = [place for place in scalers if place is not None and place not in jobs.scalers]
    results = jobs.fetch([*(item.of(n) for n in wanted), *extra], "objects")
    attributes.remember_scalers(results, jobs.scalers)
    if all(results[item.of(n)].data is None for n in wanted):
        raise UnsupportedObject(detail=str(item))
    rows = [
        _kept_back_row(item.class_id, version, n)
        if _kept_back(item.class_id, n)
        else _attribute(jobs, version, item.of(n), results[item.of(n)])
        for n in known or _UNKNOWN_CLASS
    ]
    return ObjectView(item.class_id, version, obis, classes.class_name(item.class_id), rows)


def _kept_back(class_id: int, attribute: int) -> bool:
    return classes.is_secret(class_id, attribute) or (class_id, attribute) in _BUFFERS


def _kept_back_row(class_id: int, version: int | None, attribute: int) -> ObjectAttribute:
    name = classes.attributes_of(class_id, version)[attribute].name
    return ObjectAttribute(attribute, name, status=BUFFER if (class_id, attribute) in _BUFFERS else SECRET)


def _attribute(jobs: Jobs, version: int | None, item: Item, result: Result) -> ObjectAttribute:
    if result.data is None:
        known = classes.attributes_of(item.class_id, version).get(item.attribute)
        name = known.name if known else f"attribute_{item.attribute}"
        return ObjectAttribute(item.attribute, name, status=access_result(result.access))
    found = classes.decode(item.class_id, version, item.attribute, result.data)
    if attributes.scaler_item(item) is not None:
        reading = attributes.to_reading(str(item), item, None, {item: result}, jobs.scalers)
        return ObjectAttribute(item.attribute, found.name, reading.value, reading.unit, reading.status)
    fields = flatten(found.value)
    whole = fields.pop("", None) if set(fields) == {""} else readable(found.value)
    status = None if found.understood else "not-understood"
    return ObjectAttribute(item.attribute, found.name, whole, None, status, fields)
