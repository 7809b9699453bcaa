"""What the meter of gurux-dlms holds: objects of its own classes, with the values of one small meter."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from gurux_dlms import GXDateTime
from gurux_dlms.enums import DataType, Unit
from gurux_dlms.objects import (
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDisconnectControl,
    GXDLMSExtendedRegister,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)

SERIAL = "1234567890"
ROWS = 96
FIRST_ROW = datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=-5)))


class _Clock(GXDLMSClock):  # type: ignore[misc]  # gurux is untyped
    """A clock with octets for its time: gurux makes a GXDateTime from what is written, sets it to the zone of
    this machine, and then sends octets of another hour."""

    def __init__(self) -> None:
        super().__init__()
        self.time = bytes.fromhex("07EA 05 02 06 0C 00 00 00 012C 00")
        self.timeZone, self.enabled = 300, False

    def setValue(self, settings: Any, e: Any) -> None:
        if e.index == 2:
            self.time = bytes(e.value)
        else:
            super().setValue(settings, e)


class _Profile(GXDLMSProfileGeneric):  # type: ignore[misc]  # gurux is untyped
    """Selective access by range and entry. gurux compares octets with a GXDateTime and asks its event for a
    method ``getRowEndIndex``: the rows are chosen here, and encoded by it."""

    def getValue(self, settings: Any, e: Any) -> Any:
        if e.index != 2:
            return super().getValue(settings, e)
        rows = self.buffer
        if e.selector == 1:
            start, end = (_local(e.parameters[n]) for n in (1, 2))
            rows = [row for row in rows if start <= row[0].value.replace(tzinfo=None) <= end]
        elif e.selector == 2:
            first, last = e.parameters[:2]
            rows = rows[first - 1 : last or None]
        return self.getData(settings, e, rows, None)


def _local(octets: bytes) -> datetime:
    year = int.from_bytes(octets[:2], "big")
    return datetime(year, octets[2], octets[3], octets[5], octets[6])  # noqa: DTZ001  # local


def data(name: str, value: Any, kind: DataType = DataType.OCTET_STRING) -> GXDLMSData:
    made = GXDLMSData(name)
    made.value = value
    made.setDataType(2, kind)
    return made


def register(name: str, value: int, unit: Unit, made: Any = None) -> Any:
    made = made or GXDLMSRegister(name)
    made.value, made.scaler, made.unit = value, 0.001, unit
    made.setDataType(2, DataType.UINT32)
    return made


def small_meter() -> list[Any]:
    clock = _Clock()
    energy = register("1.0.1.8.0.255", 12345678, Unit.ACTIVE_ENERGY)
    profile = _Profile("1.0.99.1.0.255")
    profile.capturePeriod, profile.profileEntries, profile.entriesInUse = 900, 1000, ROWS
    profile.addCaptureObject(clock, 2, 0)
    profile.addCaptureObject(energy, 2, 0)
    for number in range(ROWS):
        moment = FIRST_ROW + timedelta(minutes=15 * number)
        profile.buffer.append([GXDateTime(moment), 12000000 + number])
    relay = GXDLMSDisconnectControl("0.0.96.3.10.255")
    relay.outputState, relay.controlState, relay.controlMode = True, 1, 4
    demand = register("1.0.1.6.0.255", 4200, Unit.ACTIVE_POWER, GXDLMSExtendedRegister("1.0.1.6.0.255"))
    demand.captureTime = GXDateTime(FIRST_ROW)
    return [
        data("0.0.42.0.0.255", b"GRX" + SERIAL.encode()),
        data("0.0.96.1.0.255", SERIAL.encode()),
        data("1.0.0.2.0.255", b"V9.9"),
        data("0.0.96.50.0.255", b"old"),
        data("0.0.96.50.1.255", bytes(700)),
        data("0.0.96.50.2.255", 3, DataType.UINT8),
        clock,
        energy,
        register("1.0.2.8.0.255", 5, Unit.ACTIVE_ENERGY),
        demand,
        profile,
        relay,
    ]
