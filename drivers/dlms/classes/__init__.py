"""Interface classes of the Blue Book: what each attribute of a class and version means, from raw data.

`decode` never raises: what does not fit its class is shown as it came and marked as not understood.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.dlms.classes import (
    access,
    cellular,
    mbus,
    measuring,
    ports,
    power_line,
    prepayment,
    radio,
    timing,
)
from drivers.dlms.classes.definition import Attribute as Attribute
from drivers.dlms.classes.definition import CosemClass
from drivers.dlms.classes.shapes import Value, anything
from drivers.dlms.data import Data
from drivers.errors import Garbage

CLASSES: dict[int, CosemClass] = {
    known.class_id: known
    for group in (measuring, timing, access, ports, cellular, mbus, power_line, radio, prepayment)
    for known in group.CLASSES
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """One attribute as it reads. ``understood`` is false where the data did not fit the class."""

    name: str
    value: Value
    understood: bool


def class_name(class_id: int) -> str:
    """The standard's name, or ``class 9000``."""
    known = CLASSES.get(class_id)
    return known.name if known else f"class {class_id}"


def attributes_of(class_id: int, version: int | None) -> dict[int, Attribute]:
    """The attributes of a class by index, without the logical name; none for a class that is not known."""
    known = CLASSES.get(class_id)
    return known.of_version(version) if known else {}


def is_secret(class_id: int, attribute: int) -> bool:
    """Whether an attribute holds a key, password or token in any version: it is never asked for."""
    known = CLASSES.get(class_id)
    return known is not None and any(part.secret and part.index == attribute for part in known.attributes)


def decode(class_id: int, version: int | None, attribute: int, data: Data) -> Decoded:
    """An attribute of a class. An unknown version counts as the newest; null is nothing, and understood."""
    known = attributes_of(class_id, version).get(attribute)
    name = known.name if known else f"attribute_{attribute}"
    if data.value is None:
        return Decoded(name, None, understood=True)
    if known is None:
        return Decoded(name, anything(data), understood=False)
    try:
        return Decoded(name, known.shape(data), understood=True)
    except Garbage:
        return Decoded(name, anything(data), understood=False)
