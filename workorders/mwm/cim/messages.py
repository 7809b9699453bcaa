"""IEC 61968-100 messages: what is read of one, and how ours are written. Pure: bytes and trees, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TextIO
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

import msgspec

from workorders.clock import normal_utc, utc_text
from workorders.mwm.cim import hardened
from workorders.mwm.cim.hardened import MESSAGE, BadXml, child, children, text
from workorders.mwm.cim.readingtypes import reading_type
from workorders.mwm.port import (
    Change,
    Event,
    ForeignOrder,
    MeterReading,
    Outcome,
    Placed,
    Refused,
    Register,
    Result,
    Verb,
)

REVISION = "2.0"
_TAKEN = frozenset({"create", "created", "change", "changed"})
_CANCELLED = frozenset({"cancel", "canceled", "delete", "deleted"})

register_namespace("msg", MESSAGE)
for _number, _name in enumerate(hardened.PROFILES):
    register_namespace(f"p{_number}", f"http://iec.ch/TC57/2011/{_name}#")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header of a message."""

    verb: str
    noun: str
    message_id: str | None = None
    correlation_id: str | None = None
    timestamp: str | None = None
    source: str | None = None


class ReplyRead(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: `result` OK, PARTIAL or FAILED, and why."""

    result: str
    errors: list[str]
    header: Header


# --- reading ------------------------------------------------------------------------------------


def read_changes(data: bytes, schemas: Path) -> tuple[Header | None, list[Change]]:
    """The changes of a request; what cannot be read is one change that says why.

    Several orders of one message are keyed by message id and place; without an id the bytes are the key.
    """
    digest = hashlib.sha256(data).hexdigest()
    try:
        root = hardened.parse(data)
        hardened.check(root, schemas)
        header = _header(root)
        verb = _verb(header)
    except BadXml as error:
        return None, [Change(key=digest, problem=str(error), code=error.code, original=data)]
    key = header.message_id or digest
    orders = list(children(child(child(root, "Payload"), "WorkOrders"), "WorkOrder"))
    if header.noun not in {"WorkOrder", "WorkOrders"} or not orders:
        problem = f"a {header.verb} of {header.noun} with {len(orders)} work orders is not taken"
        return header, [Change(key=key, problem=problem, code="wrong_noun", original=data)]
    changes = []
    for number, order in enumerate(orders):
        changes.append(
            Change(
                key=key if len(orders) == 1 else f"{key}#{number}",
                verb=verb,
                order=_order(order),
                foreign_id=text(order, "mRID"),
                as_of=normal_utc(header.timestamp),
                reason=text(order, "reason"),
                original=data,
            )
        )
    return header, changes


def read_reply(data: bytes, schemas: Path) -> ReplyRead:
    """An answer to one of our messages.

    Raises:
        BadXml
    """
    root = hardened.parse(data)
    hardened.check(root, schemas)
    reply = child(root, "Reply")
    if reply is None:
        raise BadXml("schema", "this is no ResponseMessage")
    errors = [f"{text(one, 'code')}: {text(one, 'reason') or ''}" for one in children(reply, "Error")]
    return ReplyRead(result=text(reply, "Result") or "FAILED", errors=errors, header=_header(root))


def _header(root: Element) -> Header:
    head = child(root, "Header")
    return Header(
        verb=text(head, "Verb") or "",
        noun=text(head, "Noun") or "",
        message_id=text(head, "MessageID"),
        correlation_id=text(head, "CorrelationID"),
        timestamp=text(head, "Timestamp"),
        source=text(head, "Source"),
    )


def _verb(header: Header) -> Verb:
    if header.verb in _TAKEN:
        return Verb.TAKE
    if header.verb in _CANCELLED:
        return Verb.CANCEL
    raise BadXml("wrong_verb", f"the verb {header.verb!r} is not taken here")


def _order(order: Element) -> ForeignOrder:
    task = child(order, "WorkTask")
    old, new, point = child(task, "OldAsset"), child(task, "NewAsset"), child(task, "UsagePoint")
    priority = text(order, "priority")
    location = child(point, "UsagePointLocation")
    last_date = text(old, "lastReading", "timeStamp")
    return ForeignOrder(
        number=text(order, "Names", "name") or text(order, "mRID") or "",
        kind=text(task, "taskKind"),
        crew=text(task, "Crew", "mRID"),
        priority=int(priority) if priority is not None else None,
        scheduled_start=text(task, "TimeSchedule", "start"),
        scheduled_end=text(task, "TimeSchedule", "end"),
        due=text(order, "dueDateTime"),
        usage_point=text(point, "mRID"),
        supply_number=text(point, "Names", "name"),
        old_serial=text(old, "serialNumber") or text(old, "mRID"),
        old_model=text(old, "modelNumber"),
        last_reading=text(old, "lastReading", "value"),
        last_reading_date=last_date[:10] if last_date else None,
        new_serial=text(new, "serialNumber"),
        new_model=text(new, "modelNumber"),
        procedure=text(task, "procedure"),
        program=text(task, "program"),
        tariff=text(point, "PricingStructure"),
        contracted_power=text(point, "ratedPower"),
        transformer=text(point, "Transformer"),
        phase=text(point, "phaseCode"),
        customer_name=text(point, "Customer", "name"),
        customer_document=text(point, "Customer", "document"),
        customer_phone=text(point, "Customer", "phone"),
        address=text(location, "mainAddress"),
        latitude=text(location, "PositionPoints", "yPosition"),
        longitude=text(location, "PositionPoints", "xPosition"),
        notes=text(task, "instruction"),
    )


# --- writing ------------------------------------------------------------------------------------


class Writer:
    """Writes our messages. `source`: what the header names; `event_types`: see `settings.CimHttp`.

    Each method raises `Refused` (`mwm_schema`) where the record holds what the schema does not allow.
    """

    def __init__(self, source: str, schemas: Path, event_types: dict[str, str] | None = None) -> None:
        self._source, self._schemas = source, schemas
        self._types = event_types or {}

    def reply(self, header: Header | None, outcomes: list[Outcome]) -> bytes:
        """The answer to a request: OK, PARTIAL or FAILED, and each refusal with its code."""
        bad = [one for one in outcomes if one.what == "refused"]
        root, _ = self._message(
            "ResponseMessage", "reply", header.noun if header else "WorkOrders", None,
            correlation=header.message_id if header else None,
        )  # fmt: skip
        reply = _add(root, MESSAGE, "Reply")
        result = "OK" if not bad else "FAILED" if len(bad) == len(outcomes) else "PARTIAL"
        _add(reply, MESSAGE, "Result", result)
        for one in bad[:1000]:
            error = _add(reply, MESSAGE, "Error")
            _add(error, MESSAGE, "code", one.code or "refused")
            _add(error, MESSAGE, "level", "FATAL")
            _add(error, MESSAGE, "reason", _short(one.message))
            _add(error, MESSAGE, "details", _short(one.number))
        return self._bytes(root)

    def query(self, serial: str, message_id: str) -> bytes:
        """The question what the other system knows of a device."""
        root, _ = self._message("RequestMessage", "get", "EndDeviceConfig", message_id)
        _add(_add(root, MESSAGE, "Request"), MESSAGE, "ID", serial)
        return self._bytes(root)

    def event(self, event: Event) -> bytes:
        """An event as EndDeviceEvents."""
        subject = event.about
        root, payload = self._message("EventMessage", "created", "EndDeviceEvents", subject.key)
        space = _space("EndDeviceEvents")
        one = _add(_add(payload, space, "EndDeviceEvents"), space, "EndDeviceEvent")
        _add(one, space, "mRID", subject.key)
        _add(one, space, "createdDateTime", subject.at)
        _add(one, space, "reason", event.reason)
        if event.serial:
            _add(_add(one, space, "Assets"), space, "mRID", event.serial)
        details = {"workOrder": subject.number, "workOrderId": subject.foreign_id, "status": event.status}
        for name, value in details.items():
            if value:
                detail = _add(one, space, "EndDeviceEventDetails")
                _add(detail, space, "name", name)
                _add(detail, space, "value", value)
        kind = _add(one, space, "EndDeviceEventType")
        kind.set("ref", self._types.get(event.kind, event.kind))
        _point(one, space, subject.usage_point)
        return self._bytes(root)

    def results(self, result: Result) -> bytes:
        """A result as one message with the work order and its readings."""
        subject = result.about
        verb = "closed" if result.status == "closed" else "changed"
        root, payload = self._message("EventMessage", verb, "WorkResults", subject.key)
        self._work(payload, result)
        space = _space("MeterReadings")
        readings = _add(payload, space, "MeterReadings")
        for reading in result.readings:
            if reading.serial:
                _reading(readings, space, reading, subject.usage_point)
        return self._bytes(root)

    def _work(self, payload: Element, result: Result) -> None:
        subject, space = result.about, _space("WorkResults")
        order = _add(_add(payload, space, "WorkResults"), space, "WorkOrder")
        _add(order, space, "mRID", subject.foreign_id or subject.order_id)
        _add(_add(order, space, "Names"), space, "name", subject.number)
        _add(order, space, "statusKind", result.status)
        _add(order, space, "reason", result.reason)
        _add(order, space, "completedDateTime", subject.at)
        _point(order, space, subject.usage_point)
        for name, devices in (("NewAsset", result.installed), ("OldAsset", result.removed)):
            for device in devices:
                _asset(_add(order, space, name), space, device)
        for seal in result.seals:
            _add(order, space, "Seal", seal)
        for flag in result.flags:
            _add(order, space, "flag", flag)
        _add(order, space, "recordNumber", result.record_number)
        _add(order, space, "recordHash", result.record_hash)

    def _message(
        self, name: str, verb: str, noun: str, message_id: str | None, *, correlation: str | None = None
    ) -> tuple[Element, Element]:
        root = Element(f"{{{MESSAGE}}}{name}")
        head = _add(root, MESSAGE, "Header")
        for tag, value in (
            ("Verb", verb), ("Noun", noun), ("Revision", REVISION),
            ("Timestamp", utc_text(datetime.now(UTC))), ("Source", self._source),
            ("MessageID", message_id), ("CorrelationID", correlation),
        ):  # fmt: skip
            _add(head, MESSAGE, tag, value)
        payload = _add(root, MESSAGE, "Payload") if name == "EventMessage" else head
        return root, payload

    def _bytes(self, root: Element) -> bytes:
        """The message, checked: what the schema does not allow is no message that another system could take.

        Raises:
            Refused: `mwm_schema`, with the places; no further attempt would make it right.
        """
        try:
            hardened.check(root, self._schemas)
        except BadXml as error:
            raise Refused(f"our message is not as its schema says: {error}", code="mwm_schema") from None
        return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _space(name: str) -> str:
    return f"http://iec.ch/TC57/2011/{name}#"


_MISSING = object()


def _add(parent: Element, space: str, name: str, value: object = _MISSING) -> Element:
    """Add an element; one whose value is None is made but left out."""
    if value is None:
        return Element(name)
    made = SubElement(parent, f"{{{space}}}{name}")
    if value is not _MISSING:
        made.text = _clean(str(value))
    return made


def _clean(value: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(sign for sign in value if sign in "\t\n" or " " <= sign <= "\ud7ff" or sign >= "\ue000")


def _short(value: str | None) -> str | None:
    return value[:1000] if value else None


def _point(parent: Element, space: str, mrid: str | None) -> None:
    if mrid:
        _add(_add(parent, space, "UsagePoint"), space, "mRID", mrid)


def _asset(parent: Element, space: str, device: Placed) -> None:
    for tag, value in (
        ("serialNumber", device.serial), ("modelNumber", device.model), ("dateTime", device.at),
        ("Transformer", device.transformer), ("Concentrator", device.concentrator), ("Panel", device.panel),
        ("slot", device.slot), ("phaseCode", device.phase), ("destination", device.destination),
    ):  # fmt: skip
        _add(parent, space, tag, value)
    if device.position:
        latitude, _, longitude = device.position.partition(",")
        points = _add(parent, space, "PositionPoints")
        _add(points, space, "xPosition", longitude)
        _add(points, space, "yPosition", latitude)


def _reading(readings: Element, space: str, reading: MeterReading, point: str | None) -> None:
    one = _add(readings, space, "MeterReading")
    _add(_add(one, space, "Meter"), space, "mRID", reading.serial)
    for register in reading.registers:
        value = _add(one, space, "Readings")
        _add(value, space, "reason", {"old": "final", "new": "initial"}.get(reading.role, "other"))
        _add(value, space, "timeStamp", normal_utc(register.time) or reading.at)
        _add(value, space, "value", register.value)
        kind = _add(value, space, "ReadingType")
        kind.set("ref", reading_type(register.item, register.unit) or f"obis:{register.item}")
    _point(one, space, point)


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


def write_readings(rows: Iterable[ReadingLike], out: TextIO) -> int | None:
    """A MeterReadings document of any length, one MeterReading a register. Returns the last number.

    Without a register (a reading that could not be obtained) there is nothing to say in this form.
    """
    space, last = _space("MeterReadings"), None
    out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<MeterReadings xmlns="{space}">\n')
    for row in rows:
        last = row.seq
        if row.serial is None or row.item is None or row.value is None:
            continue
        register = Register(item=row.item, value=row.value, unit=row.unit, time=row.time)
        parent = Element("parent")
        reading = MeterReading(role=row.role, serial=row.serial, how="", at=row.time, registers=[register])
        _reading(parent, space, reading, row.usage_point)
        out.write(tostring(parent[0], encoding="unicode") + "\n")
    out.write("</MeterReadings>\n")
    return last
