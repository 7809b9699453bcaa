"""Cellular modems: classes 45 GPRS setup, 47 GSM diagnostic (version 0 with GPRS, 2 with LTE), 151 LTE
monitoring, 41 TCP-UDP and 42 IPv4 setup."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from drivers.virtual.cosem.base import (
    CONFIGURE,
    SECRET,
    Attribute,
    Cells,
    CosemObject,
    Store,
    computed,
    fixed,
    obis,
)
from drivers.virtual.cosem.joining import Joining, Outcome
from drivers.virtual.dlms.axdr import Data, array, boolean, enum, i8, octets, structure, u8, u16, u32

NOT_REGISTERED, HOME, SEARCHING, DENIED, ROAMING = 0, 1, 2, 3, 5
GPRS, LTE = 1, 5
UNKNOWN_SIGNAL = 99


class _Modem:
    def __init__(self, serial: str, joining: Joining, *, lte: bool) -> None:
        self._joining, self._lte = joining, lte
        self._draw = hashlib.blake2b(serial.encode(), digest_size=8).digest()

    def status(self) -> int:
        if not self._joining.decided:
            return SEARCHING if self._joining.hears else NOT_REGISTERED
        return {Outcome.NORMAL: HOME, Outcome.ROAMING: ROAMING}.get(self._joining.outcome, DENIED)

    def ps_status(self) -> int:
        return (LTE if self._lte else GPRS) if self._joining.joined else 0

    def operator(self) -> bytes:
        return b"71610" if self._joining.joined else b""

    def cell(self) -> Data:
        """cell_info: four fields in version 0; network codes and channel follow in version 2."""
        heard = self._joining.hears
        quality = u8(10 + self._draw[0] % 20 if heard else UNKNOWN_SIGNAL)
        cell_id = 0x1A2B + self._draw[1] if heard else 0
        if not self._lte:
            return structure(u16(cell_id), u16(0x0102 if heard else 0), quality, u8(UNKNOWN_SIGNAL))
        more = (u16(716), u16(10), u32(6300 if heard else 0))
        return structure(u32(cell_id), u16(0x0102 if heard else 0), quality, u8(UNKNOWN_SIGNAL), *more)

    def neighbours(self) -> Data:
        if not self._joining.hears:
            return array([])
        make = u32 if self._lte else u16
        return array([structure(make(0x2000 + self._draw[2]), u8(4 + self._draw[3] % 8))])


def _diagnostic(modem: _Modem, stamp: Callable[[], bytes], version: int) -> CosemObject:
    return CosemObject(
        47,
        version,
        obis("0.0.25.6.0.255"),
        {
            2: computed(lambda: octets(modem.operator())),
            3: computed(lambda: enum(modem.status())),
            4: fixed(enum(0)),
            5: computed(lambda: enum(modem.ps_status())),
            6: computed(modem.cell),
            7: computed(modem.neighbours),
            8: computed(lambda: octets(stamp())),
        },
    )


def _lte_monitoring(serial: str, joining: Joining) -> CosemObject:
    """Version 1: levels as indices of 3GPP TS 36.133 (RSRP −141 dBm + n, RSRQ −20 dB + n/2), SNR in dB."""
    draw = hashlib.blake2b(b"lte:" + serial.encode(), digest_size=4).digest()
    timers = (u16(720), u16(3240), u32(3240), u16(60), u32(0), u16(0), i8(-120), i8(-120), i8(-120))
    unheard = structure(i8(-128), i8(-128), i8(-128), enum(0))
    heard = structure(i8(14 + draw[0] % 12), i8(35 + draw[1] % 30), i8(3 + draw[2] % 15), enum(0))
    attributes = {
        2: fixed(structure(*timers)),
        3: computed(lambda: heard if joining.hears else unheard),
    }
    return CosemObject(151, 1, obis("0.0.25.11.0.255"), attributes)


def objects(
    store: Store, serial: str, joining: Joining, stamp: Callable[[], bytes], *, lte: bool
) -> list[CosemObject]:
    """The objects of the modem; ``stamp`` gives the meter's time as 12 octets."""
    setup, tcp = Cells(store, 45, "0.0.25.4.0.255"), Cells(store, 41, "0.0.25.0.0.255")
    pin = setup.attribute(3, u16(0), SECRET)
    quality = structure(u8(0), u8(0), u8(0), u8(0), u8(0))
    modem = _Modem(serial, joining, lte=lte)
    digest = hashlib.blake2b(b"ip:" + serial.encode(), digest_size=2).digest()
    dynamic = int.from_bytes(b"\x0a\x47" + digest, "big")

    def own_address() -> Data:
        return u32(dynamic if joining.joined else 0)

    four: dict[int, Attribute] = {
        2: fixed(octets(obis("0.0.25.4.0.255"))),
        3: computed(own_address),
        4: fixed(array([])),
        5: fixed(array([])),
        6: fixed(u32(0xFFFFFF00)),
        7: fixed(u32(0)),
        8: fixed(boolean(True)),
        9: fixed(u32(0)),
        10: fixed(u32(0)),
    }
    found = [
        CosemObject(
            45,
            0,
            obis("0.0.25.4.0.255"),
            {
                2: setup.attribute(2, octets(b"meters.example"), CONFIGURE, lambda d: len(d.octets) <= 99),
                3: pin,
                4: fixed(structure(quality, quality)),
            },
        ),
        _diagnostic(modem, stamp, 2 if lte else 0),
        CosemObject(
            41,
            0,
            obis("0.0.25.0.0.255"),
            {
                2: tcp.attribute(2, u16(4059), CONFIGURE),
                3: fixed(octets(obis("0.0.25.1.0.255"))),
                4: fixed(u16(576)),
                5: fixed(u8(1)),
                6: tcp.attribute(6, u16(180), CONFIGURE),
            },
        ),
        CosemObject(42, 0, obis("0.0.25.1.0.255"), four),
    ]
    return [*found, _lte_monitoring(serial, joining)] if lte else found
