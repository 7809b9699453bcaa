"""What else a program can set on a virtual meter: class 5 demand, class 7 as a display list, class 40 push
setup. What is set is kept and read back; the virtual field pushes nothing and has no display."""

from __future__ import annotations

from collections.abc import Callable

from drivers.virtual.cosem.base import CONFIGURE, Cells, CosemObject, Store, computed, fixed, obis
from drivers.virtual.dlms.axdr import Data, array, enum, i8, octets, structure, u8, u16, u32

DEMAND = "1.0.1.4.0.255"
DISPLAY = "0.0.21.0.1.255"
PUSH = "0.0.25.9.0.255"
_CLOCK, _IMPORT, _NAME = "0.0.1.0.0.255", "1.0.1.8.0.255", "0.0.42.0.0.255"
_MOST_OBJECTS = 32
_WATT = 27


def demand_register(store: Store, watts: Callable[[], int], stamp: Callable[[], bytes]) -> CosemObject:
    """Class 5, version 0: active power import, in W; period in s."""
    cells, here = Cells(store, 5, DEMAND), CosemObject(5, 0, obis(DEMAND))
    here.attributes |= {
        2: computed(lambda: u32(watts())),
        3: computed(lambda: u32(watts())),
        4: fixed(structure(i8(0), enum(_WATT))),
        5: fixed(u8(0)),
        6: computed(lambda: octets(stamp())),
        7: computed(lambda: octets(stamp())),
        8: cells.attribute(8, u32(900), CONFIGURE, lambda d: 60 <= d.number <= 3600),
        9: cells.attribute(9, u16(1), CONFIGURE, lambda d: 1 <= d.number <= 15),
    }
    return here


def _shown(class_id: int, name: str, attribute: int = 2) -> Data:
    return structure(u16(class_id), octets(obis(name)), i8(attribute), u16(0))


def _objects_valid(value: Data) -> bool:
    return len(value.items) <= _MOST_OBJECTS and all(len(row.items[1].octets) == 6 for row in value.items)


def display_list(store: Store) -> CosemObject:
    """Class 7, version 1, as IDIS has its displays: attribute 3 is what the display shows, in order."""
    cells, here = Cells(store, 7, DISPLAY), CosemObject(7, 1, obis(DISPLAY))
    shown = array([_shown(8, _CLOCK), _shown(3, _IMPORT)])
    here.attributes |= {
        2: fixed(array([])),
        3: cells.attribute(3, shown, CONFIGURE, _objects_valid),
        4: fixed(u32(0)),
        5: fixed(enum(1)),
        6: fixed(structure(u16(0), octets(bytes(6)), i8(0), u16(0))),
        7: fixed(u32(0)),
        8: fixed(u32(1)),
    }
    return here


def push_setup(store: Store) -> CosemObject:
    """Class 40, version 0."""
    cells, here = Cells(store, 40, PUSH), CosemObject(40, 0, obis(PUSH))
    destination = structure(enum(0), octets(b""), enum(0))
    template = array([_shown(1, _NAME)])
    window = array([structure(octets(b"\xff" * 12), octets(b"\xff" * 12))])
    here.attributes |= {
        2: cells.attribute(2, template, CONFIGURE, _objects_valid),
        3: cells.attribute(3, destination, CONFIGURE, lambda d: len(d.items[1].octets) <= 64),
        4: cells.attribute(4, window, CONFIGURE, _windows_valid),
        5: cells.attribute(5, u16(0)),
        6: cells.attribute(6, u8(0)),
        7: cells.attribute(7, u16(60)),
    }
    return here


def _windows_valid(value: Data) -> bool:
    return all(len(part.octets) == 12 for row in value.items for part in row.items)
