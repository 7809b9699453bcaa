"""Readings as IEC 61968-9 says them: MeterReading with its reason, its type, or why there is no value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TextIO
from xml.etree.ElementTree import Element, tostring

from workorders.clock import normal_utc
from workorders.mwm.cim.building import add, point
from workorders.mwm.cim.hardened import namespace
from workorders.mwm.cim.readingtypes import reading_type
from workorders.mwm.port import MeterReading, Register

MISSING = "2.5.259"
"""ReadingQualityType: metering system, reasonability, known missing read."""
_SPACE = namespace("MeterReadings")
_KINDS = {
    ("old", "exchange"): "removal", ("old", "remove"): "removal",
    ("new", "exchange"): "installation", ("new", "install"): "installation",
    ("new", "installTotalizer"): "installation",
}  # fmt: skip
_TASKS = {
    "disconnect": "serviceDisconnect", "connect": "serviceConnect", "reconnect": "serviceConnect",
    "investigate": "inquiry", "inspect": "inquiry",
}  # fmt: skip


def reading_reason(role: str, task: str | None) -> str:
    """The ReadingReasonKind of a meter (`old`, `new`, `other`) in a task that was done; None: it was not.

    Only where a meter went or came is it a removal or an installation: those end and begin a contract's bill.
    """
    return _KINDS.get((role, task or "")) or _TASKS.get(task or "", "other")


def write_reading(
    readings: Element, reading: MeterReading, usage_point: str | None, task: str | None
) -> None:
    """One meter; a reading that could not be obtained says why in place of a value."""
    one = add(readings, _SPACE, "MeterReading")
    add(add(one, _SPACE, "Meter"), _SPACE, "mRID", reading.serial)
    reason = reading_reason(reading.role, task)
    for register in reading.registers:
        value = add(one, _SPACE, "Readings")
        add(value, _SPACE, "reason", reason)
        add(value, _SPACE, "timeStamp", normal_utc(register.time) or reading.at)
        add(value, _SPACE, "value", register.value)
        kind = add(value, _SPACE, "ReadingType")
        kind.set("ref", reading_type(register.item, register.unit) or f"obis:{register.item}")
    if not reading.registers:
        value = add(one, _SPACE, "Readings")
        add(value, _SPACE, "reason", reason)
        add(value, _SPACE, "timeStamp", reading.at)
        quality = add(value, _SPACE, "ReadingQualities")
        add(quality, _SPACE, "comment", reading.reason)
        add(quality, _SPACE, "ReadingQualityType").set("ref", MISSING)
    point(one, _SPACE, usage_point)


class ReadingLike(Protocol):
    """One register as `workorders.gateway.handback` gives it."""

    @property
    def seq(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def serial(self) -> str | None: ...
    @property
    def usage_point(self) -> str | None: ...
    @property
    def time(self) -> str: ...
    @property
    def item(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def value(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def task(self) -> str | None: ...


def write_readings(rows: Iterable[ReadingLike], out: TextIO) -> int | None:
    """A MeterReadings document of any length, one MeterReading a register. Returns the last number."""
    last = None
    out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<MeterReadings xmlns="{_SPACE}">\n')
    for row in rows:
        last = row.seq
        if row.serial is None:  # the schema asks for a meter
            continue
        registers = []
        if row.item is not None and row.value is not None:
            registers = [Register(item=row.item, value=row.value, unit=row.unit, time=row.time)]
        parent = Element("parent")
        reading = MeterReading(
            role=row.role, serial=row.serial, how="", at=row.time, registers=registers, reason=row.reason
        )
        write_reading(parent, reading, row.usage_point, row.task)
        out.write(tostring(parent[0], encoding="unicode") + "\n")
    out.write("</MeterReadings>\n")
    return last
