"""G3-PLC: classes 90 MAC counters, 91 MAC setup (version 2), 92 6LoWPAN adaptation, 43 MAC address (EUI-64).

Until it has joined the node has no short address (FFFF), no PAN and no neighbours but those whose beacons it
hears.
"""

from __future__ import annotations

import hashlib
from functools import partial

from drivers.virtual.cosem.base import ANYONE, SECRET, Attribute, CosemObject, computed, fixed, obis
from drivers.virtual.cosem.joining import Joining
from drivers.virtual.dlms.axdr import Data, array, bits, boolean, enum, i8, octets, structure, u8, u16, u32

NONE = 0xFFFF
PAN = 0x781D
COORDINATOR = 0x0000
_TONES = "1" * 36


def eui64_of(serial: str) -> bytes:
    """EUI-64 as seen on labels: an OUI, FF FE and the serial's digits modulo 2^24."""
    digits = "".join(ch for ch in serial if ch.isdigit()) or "0"
    return bytes.fromhex("000D6FFFFE") + (int(digits) % 2**24).to_bytes(3, "big")


class _Node:
    def __init__(self, serial: str, joining: Joining) -> None:
        self._joining = joining
        self._draw = hashlib.blake2b(b"g3:" + serial.encode(), digest_size=16).digest()
        self._short = 1 + int.from_bytes(self._draw[:2], "big") % 0x0FFF

    def when_joined(self, value: Data, before: Data) -> Attribute:
        return computed(lambda: value if self._joining.joined else before)

    def count(self, index: int) -> Data:
        return u32(
            int(max(0.0, self._joining.powered_for() - self._joining.after)) * (1 + self._draw[index] % 4)
        )

    def _neighbour(self, address: int, place: int, phase: int) -> Data:
        """One row of the neighbour table; LQI above 50 is good. Phase differential in steps of 60°."""
        lqi = 45 + self._draw[place] % 50
        return structure(
            u16(address), boolean(True), bits(_TONES[:6]), enum(2), i8(0), enum(1), bits("0000"), u8(lqi),
            i8(phase), u8(120), u8(200),
        )  # fmt: skip

    def neighbours(self) -> Data:
        if self._joining.powered_for() < self._joining.after / 2:
            return array([])
        phase = (0, 2, 4)[self._draw[3] % 3]
        rows = [self._neighbour(COORDINATOR, 4, phase)]
        if self._joining.joined:
            rows += [self._neighbour(0x0012, 5, 0), self._neighbour(0x0033, 6, 4)]
        return array(rows)

    def mac_setup(self) -> CosemObject:
        keys = Attribute(lambda caller: array([]), SECRET)
        small = dict(enumerate((2, 5, 255), start=8))
        tuning = dict(enumerate((7, 25, 12, 8, 5, 10, 1, 1, 8, 50, 3), start=12))
        return CosemObject(
            91,
            2,
            obis("0.0.29.1.0.255"),
            {
                2: self.when_joined(u16(self._short), u16(NONE)),
                3: self.when_joined(u16(80 + self._draw[7] % 100), u16(NONE)),
                4: self.when_joined(u16(PAN), u16(NONE)),
                5: keys,
                6: computed(partial(self.count, 8)),
                7: fixed(bits(_TONES)),
                **{index: fixed(u8(value)) for index, value in small.items()},
                11: computed(self.neighbours),
                **{index: fixed(u8(value)) for index, value in tuning.items()},
                23: fixed(boolean(False)),
                24: fixed(u8(0)),
                25: computed(lambda: array([])),
            },
        )

    def adaptation(self) -> CosemObject:
        route = structure(u16(COORDINATOR), u16(COORDINATOR), u16(96), u8(1), u8(0), u16(240))
        empty = array([])
        routing = (u8(20), u16(60), u8(0), u8(0), u8(0), u8(10), u8(4), u8(0), u8(0), u8(30), u16(10))
        return CosemObject(
            92,
            2,
            obis("0.0.29.2.0.255"),
            {
                2: fixed(u8(8)),
                3: fixed(u8(52)),
                4: fixed(u8(5)),
                5: fixed(empty),
                6: fixed(array([structure(*routing, boolean(True), boolean(False), u8(0))])),
                7: fixed(u16(2)),
                8: self.when_joined(array([route]), empty),
                9: fixed(empty),
                10: fixed(empty),
                11: fixed(empty),
                12: fixed(array([u16(0x8001)])),
                13: fixed(u16(20)),
                14: fixed(u8(40)),
                15: fixed(u8(0)),
                16: fixed(u8(15)),
                17: fixed(u16(COORDINATOR)),
                18: fixed(boolean(False)),
                19: fixed(enum(0)),
                20: fixed(boolean(False)),
                21: fixed(empty),
            },
        )


def objects(serial: str, joining: Joining) -> list[CosemObject]:
    """The objects of the G3 modem."""
    node = _Node(serial, joining)
    counters = {index: computed(partial(node.count, index)) for index in range(2, 11)}
    return [
        CosemObject(43, 0, obis("0.0.25.2.0.255"), {2: fixed(octets(eui64_of(serial)), ANYONE)}),
        CosemObject(90, 1, obis("0.0.29.0.0.255"), counters),
        node.mac_setup(),
        node.adaptation(),
    ]
