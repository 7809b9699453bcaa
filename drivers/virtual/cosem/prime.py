"""PRIME PLC objects: classes 80–86 and 43. The node joins the subnetwork some time after the meter has
power.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from drivers.virtual.cosem.base import ANYONE, Attribute, Caller, CosemObject, Method, computed, fixed, obis
from drivers.virtual.cosem.joining import Joining
from drivers.virtual.dlms.axdr import Data, array, enum, i8, i16, octets, structure, u8, u16, u32

MAC = "0.0.28.6.0.255"
NOBODY_SNA = bytes(6)
TERMINAL, DISCONNECTED = 1, 0


@dataclass(frozen=True, slots=True)
class Node:
    """What the network knows of this node: own EUI-48 and that of the base node."""

    mac: bytes
    base: bytes


def mac_of(serial: str) -> bytes:
    """EUI-48 as seen on labels of this maker: 40:40:22 and the serial's digits modulo 2^24."""
    digits = "".join(ch for ch in serial if ch.isdigit()) or "0"
    return bytes.fromhex("404022") + (int(digits) % 2**24).to_bytes(3, "big")


class _Builder:
    """Makes the objects of one node; what it could only know from the network is zero until it has joined."""

    def __init__(self, node: Node, joining: Joining) -> None:
        self._node, self._joining = node, joining
        self._draw = hashlib.blake2b(node.mac, digest_size=8).digest()
        self._level = self._draw[0] % 3

    def _joined(self, value: Data, before: Data) -> Attribute:
        return computed(lambda: value if self._joining.joined else before)

    def counters(self, class_id: int, name: str, indexes: range) -> CosemObject:
        """Counters that rise while the node is joined, until method 1 or a power loss sets them to zero."""
        zero = self._joining.after

        def count(index: int) -> Data:
            nonlocal zero
            if not self._joining.joined or self._joining.powered_for() < zero:
                zero = self._joining.after
            alive = self._joining.powered_for() - zero if self._joining.joined else 0
            return u32(max(0, int(alive)) * (1 + self._draw[index] % 5))

        def reset(caller: Caller, value: Data | None) -> None:
            nonlocal zero
            zero = max(self._joining.powered_for(), self._joining.after)

        attributes = {index: computed(partial(count, index)) for index in indexes}
        return CosemObject(class_id, 0, obis(name), attributes, {1: Method(reset)})

    def llc_setup(self) -> CosemObject:
        addresses = {2: self._joined(u16(1 + self._draw[5]), u16(0)), 3: fixed(u16(0))}
        return CosemObject(80, 0, obis("0.0.28.0.0.255"), addresses)

    def mac_setup(self) -> CosemObject:
        values = enumerate((24, 5, 5, 1, 5, 15, 3), start=2)
        return CosemObject(
            82, 0, obis("0.0.28.2.0.255"), {index: fixed(u8(value)) for index, value in values}
        )

    def functional(self) -> CosemObject:
        """Class 83: LNID, LSID, SID, SNA, state, …, level."""
        draw, level = self._draw, self._level
        attributes = {
            2: self._joined(i16(1 + draw[1]), i16(0)),
            3: fixed(u8(0)),
            4: self._joined(u8(draw[2] % 4 if level else 0), u8(0)),
            5: self._joined(octets(self._node.base), octets(NOBODY_SNA)),
            6: self._joined(enum(TERMINAL), enum(DISCONNECTED)),
            7: fixed(i16(68)),
            8: self._joined(u8(level), u8(0)),
            9: fixed(u8(1)),
            **{index: fixed(u8(0)) for index in range(10, 14)},
            14: fixed(u16(0x0007)),
        }
        return CosemObject(83, 0, obis("0.0.28.3.0.255"), attributes)

    def network(self) -> CosemObject:
        """Class 85: available switches (5), quality of the physical layer (6); only switches have tables."""
        level, snr = i8(-20 - self._draw[3] % 20), i8(8 + self._draw[4] % 12)
        base = octets(self._node.base)
        switch = structure(base, i16(0), i8(self._level), level, snr)
        quality = structure(base, i8(0), i8(1), i8(1), level, snr, i8(0), i8(0), i8(0))
        empty = array([])
        attributes = {index: fixed(empty) for index in (2, 3, 4)}
        heard = computed(lambda: array([switch]) if self._joining.decided else empty)
        attributes |= {5: heard, 6: self._joined(array([quality]), empty)}
        return CosemObject(85, 0, obis("0.0.28.5.0.255"), attributes)


def objects(node: Node, joining: Joining, firmware: str) -> list[CosemObject]:
    """The PRIME objects. A node that the base node refuses hears it, but stays disconnected."""
    build = _Builder(node, joining)
    application = {2: fixed(octets(firmware.encode())), 3: fixed(u16(0x0053)), 4: fixed(u16(0x0101))}
    return [
        build.llc_setup(),
        build.counters(81, "0.0.28.1.0.255", range(2, 6)),
        build.mac_setup(),
        build.functional(),
        build.counters(84, "0.0.28.4.0.255", range(2, 8)),
        build.network(),
        CosemObject(43, 0, obis(MAC), {2: fixed(octets(node.mac), ANYONE)}),
        CosemObject(86, 0, obis("0.0.28.7.0.255"), application),
    ]
