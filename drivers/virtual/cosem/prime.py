"""PRIME PLC objects: classes 80–86 and 43. The node joins the subnetwork some time after the meter has
power.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from drivers.virtual.cosem.base import Attribute, Caller, CosemObject, Method, Rights, computed, fixed, obis
from drivers.virtual.dlms.axdr import Data, array, enum, i8, i16, octets, structure, u8, u16, u32

MAC = "0.0.28.6.0.255"
NOBODY_SNA = bytes(6)
TERMINAL, DISCONNECTED = 1, 0


@dataclass(frozen=True, slots=True)
class Node:
    """What the network knows of this node: own EUI-48, EUI-48 of the base node, seconds until it joins."""

    mac: bytes
    base: bytes
    join_after: float


def mac_of(serial: str) -> bytes:
    """EUI-48 as FACTS §5 saw it: 40:40:22 and the serial's digits modulo 2^24."""
    digits = "".join(ch for ch in serial if ch.isdigit()) or "0"
    return bytes.fromhex("404022") + (int(digits) % 2**24).to_bytes(3, "big")


def objects(node: Node, powered_for: Callable[[], float], firmware: str) -> list[CosemObject]:
    """The PRIME objects; `powered_for` gives seconds since power-up."""
    draw = hashlib.blake2b(node.mac, digest_size=8).digest()

    def joined() -> bool:
        return powered_for() >= node.join_after

    def counters(class_id: int, name: str, indexes: range) -> CosemObject:
        """Counters that rise while the node is joined, until the method 1 sets them to zero."""
        zero = node.join_after

        def count(index: int) -> Data:
            return u32(max(0, int(powered_for() - zero)) * (1 + draw[index] % 5))

        def reset(caller: Caller, value: Data | None) -> None:
            nonlocal zero
            zero = max(powered_for(), node.join_after)

        attributes = {index: computed(partial(count, index)) for index in indexes}
        return CosemObject(class_id, 0, obis(name), attributes, {1: Method(reset)})

    def when_joined(value: Data, before: Data) -> Attribute:
        return computed(lambda: value if joined() else before)

    level = draw[0] % 3
    functional = {
        2: when_joined(i16(1 + draw[1]), i16(0)),
        3: when_joined(u8(0), u8(0)),
        4: when_joined(u8(draw[2] % 4 if level else 0), u8(0)),
        5: when_joined(octets(node.base), octets(NOBODY_SNA)),
        6: when_joined(enum(TERMINAL), enum(DISCONNECTED)),
        7: fixed(i16(68)),
        8: when_joined(u8(level), u8(0)),
        9: fixed(u8(1)),
        10: fixed(u8(0)),
        11: fixed(u8(0)),
        12: fixed(u8(0)),
        13: fixed(u8(0)),
        14: fixed(u16(0x0007)),
    }
    switch = structure(octets(node.base), i16(0), i8(level), i8(-20 - draw[3] % 20), i8(8 + draw[4] % 12))
    quality = structure(
        octets(node.base),
        i8(0),
        i8(1),
        i8(1),
        i8(-20 - draw[3] % 20),
        i8(8 + draw[4] % 12),
        i8(0),
        i8(0),
        i8(0),
    )
    network = {
        2: fixed(array([])),
        3: fixed(array([])),
        4: fixed(array([])),
        5: when_joined(array([switch]), array([])),
        6: when_joined(array([quality]), array([])),
    }
    setup = {2 + index: fixed(u8(value)) for index, value in enumerate((24, 5, 5, 1, 5, 15, 3))}
    addresses = {2: when_joined(u16(1 + draw[5]), u16(0)), 3: fixed(u16(0))}
    return [
        CosemObject(80, 0, obis("0.0.28.0.0.255"), addresses),
        counters(81, "0.0.28.1.0.255", range(2, 6)),
        CosemObject(82, 0, obis("0.0.28.2.0.255"), setup),
        CosemObject(83, 0, obis("0.0.28.3.0.255"), functional),
        counters(84, "0.0.28.4.0.255", range(2, 8)),
        CosemObject(85, 0, obis("0.0.28.5.0.255"), network),
        CosemObject(43, 0, obis(MAC), {2: fixed(octets(node.mac), Rights(1, 1, 1))}),
        CosemObject(
            86,
            0,
            obis("0.0.28.7.0.255"),
            {2: fixed(octets(firmware.encode())), 3: fixed(u16(0x0053)), 4: fixed(u16(0x0101))},
        ),
    ]
