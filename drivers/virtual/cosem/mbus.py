"""Meters behind this one: classes 72 M-Bus client, 74 master port, 77 diagnostic and 4 extended register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.virtual.cosem.base import CosemObject, computed, fixed, obis
from drivers.virtual.cosem.joining import Joining
from drivers.virtual.dlms.axdr import Data, array, enum, i8, octets, structure, u8, u16, u32

WATER, GAS = 7, 3
CUBIC_METRE = 13
CAPTURE_PERIOD = 3600


@dataclass(frozen=True, slots=True)
class Child:
    """A meter on the bus: number of eight digits, FLAG letters, device type; ``litres`` it shows."""

    number: int
    flag: str
    kind: int
    version: int
    litres: int


def _flag(letters: str) -> int:
    a, b, c = (ord(letter) - 64 for letter in letters)
    return (a << 10) + (b << 5) + c


def _child(channel: int, child: Child, joining: Joining, stamp: Callable[[], bytes]) -> list[CosemObject]:
    """The client of one channel; before the child was found its number and type are zero."""

    def found(value: Data, before: Data) -> Callable[[], Data]:
        return lambda: value if joining.joined else before

    def accesses() -> Data:
        return u8(1 + int(joining.powered_for() // 10) % 255 if joining.joined else 0)

    client = {
        2: fixed(octets(obis("0.0.24.6.0.255"))),
        3: fixed(array([structure(octets(b"\x04"), octets(b"\x13"))])),
        4: fixed(u32(CAPTURE_PERIOD)),
        5: computed(found(u8(channel), u8(0))),
        6: computed(found(u32(int(f"{child.number:08d}", 16)), u32(0))),
        7: computed(found(u16(_flag(child.flag)), u16(0))),
        8: computed(found(u8(child.version), u8(0))),
        9: computed(found(u8(child.kind), u8(0))),
        10: computed(accesses),
        11: fixed(u8(0)),
        12: fixed(u8(0)),
        13: fixed(u16(0)),
        14: computed(found(enum(4), enum(0))),
    }
    value = {
        2: computed(found(u32(child.litres), u32(0))),
        3: fixed(structure(i8(-3), enum(CUBIC_METRE))),
        4: computed(found(u8(0), u8(0xFF))),
        5: computed(lambda: octets(stamp())),
    }
    return [
        CosemObject(72, 1, obis(f"0.{channel}.24.1.0.255"), client),
        CosemObject(4, 0, obis(f"0.{channel}.24.2.1.255"), value),
    ]


def children_of(serial: str) -> tuple[Child, ...]:
    """A water and a gas meter whose numbers follow from the serial."""
    digits = int("".join(ch for ch in serial if ch.isdigit()) or "0") % 10**6
    return (
        Child(62_000_000 + digits, "KAM", WATER, 27, 481_000 + digits % 1000),
        Child(31_000_000 + digits, "ELS", GAS, 64, 1_204_000 + digits % 1000),
    )


def objects(serial: str, joining: Joining, stamp: Callable[[], bytes]) -> list[CosemObject]:
    """The port of the bus and the clients of its channels."""
    port = CosemObject(74, 0, obis("0.0.24.6.0.255"), {2: fixed(enum(3))})
    clients = [
        thing
        for channel, child in enumerate(children_of(serial), start=1)
        for thing in _child(channel, child, joining, stamp)
    ]
    return [port, *clients]
