"""IEC 61968-100 messages: what is read of one, and how ours are written. Pure: bytes and trees, no I/O."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

import msgspec

from workorders.clock import normal_utc, utc_text
from workorders.mwm.cim import hardened
from workorders.mwm.cim.building import add, point, short
from workorders.mwm.cim.hardened import MESSAGE, BadXml, child, children, namespace, text
from workorders.mwm.cim.places import write_phases, write_placements
from workorders.mwm.cim.readings import write_reading
from workorders.mwm.port import (
    Change,
    Event,
    ForeignOrder,
    Outcome,
    Phases,
    Placed,
    Placements,
    Refused,
    Result,
    Verb,
    Verified,
)

REVISION = "2.0"
_TAKEN = frozenset({"create", "created", "change", "changed"})
_CANCELLED = frozenset({"cancel", "canceled", "delete", "deleted"})


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
    devices: list[Verified] = []
    """The devices that its payload tells of."""


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
    payload = child(child(root, "Payload"), "WorkOrders", namespace("WorkOrders"))
    orders = list(children(payload, "WorkOrder"))
    if header.noun not in {"WorkOrder", "WorkOrders"} or not orders:
        problem = f"a {header.verb} of {header.noun} with {len(orders)} work orders is not taken"
        return header, [Change(key=key, problem=problem, code="wrong_noun", original=data)]
    keys = [key] if len(orders) == 1 else [f"{key}#{number}" for number in range(len(orders))]
    as_of = normal_utc(header.timestamp)
    return header, [
        _change(order, verb, Change(key=one, as_of=as_of, original=data))
        for one, order in zip(keys, orders, strict=True)
    ]


def _change(order: Element, verb: Verb, bare: Change) -> Change:
    """One order of a message; what it says wrongly is a problem of this order alone."""
    try:
        found = _order(order)
    except BadXml as error:
        return msgspec.structs.replace(bare, problem=str(error), code=error.code)
    identity, reason = text(order, "mRID"), text(order, "reason")
    return msgspec.structs.replace(bare, verb=verb, order=found, foreign_id=identity, reason=reason)


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
    payload = child(child(root, "Payload"), "EndDeviceConfig", namespace("EndDeviceConfig"))
    devices = [_device(one) for one in children(payload, "EndDevice")]
    result = text(reply, "Result") or "FAILED"
    return ReplyRead(result=result, errors=errors, header=_header(root), devices=devices)


def _device(one: Element) -> Verified:
    serial = text(one, "serialNumber") or text(one, "Names", "name") or text(one, "mRID") or ""
    return Verified(
        serial=serial, known=True, status=text(one, "status", "value"), model=text(one, "modelNumber")
    )


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
    location = child(point, "UsagePointLocation")
    last_date = text(old, "lastReading", "timeStamp")
    return ForeignOrder(
        number=text(order, "Names", "name") or text(order, "mRID") or "",
        kind=text(task, "taskKind"),
        crew=text(task, "Crew", "mRID"),
        priority=_whole(order, "priority"),
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


def _whole(element: Element, name: str) -> int | None:
    value = text(element, name)
    try:
        return None if value is None else int(value)
    except ValueError:
        raise BadXml("bad_value", f"WorkOrder/{name}: {(value or '')[:80]!r} is no whole number") from None


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
        reply = add(root, MESSAGE, "Reply")
        result = "OK" if not bad else "FAILED" if len(bad) == len(outcomes) else "PARTIAL"
        add(reply, MESSAGE, "Result", result)
        for one in bad[:1000]:
            error = add(reply, MESSAGE, "Error")
            add(error, MESSAGE, "code", one.code or "refused")
            add(error, MESSAGE, "level", "FATAL")
            add(error, MESSAGE, "reason", short(one.message))
            add(error, MESSAGE, "details", short(one.number))
        return self._bytes(root)

    def query(self, serial: str, message_id: str) -> bytes:
        """The question what the other system knows of a device."""
        root, _ = self._message("RequestMessage", "get", "EndDeviceConfig", message_id)
        add(add(root, MESSAGE, "Request"), MESSAGE, "ID", serial)
        return self._bytes(root)

    def event(self, event: Event) -> bytes:
        """An event as EndDeviceEvents."""
        subject = event.about
        root, payload = self._message("EventMessage", "created", "EndDeviceEvents", subject.key)
        space = namespace("EndDeviceEvents")
        one = add(add(payload, space, "EndDeviceEvents"), space, "EndDeviceEvent")
        add(one, space, "mRID", subject.key)
        add(one, space, "createdDateTime", subject.at)
        add(one, space, "reason", event.reason)
        if event.serial:
            add(add(one, space, "Assets"), space, "mRID", event.serial)
        details = {"workOrder": subject.number, "workOrderId": subject.foreign_id, "status": event.status}
        for name, value in details.items():
            if value:
                detail = add(one, space, "EndDeviceEventDetails")
                add(detail, space, "name", name)
                add(detail, space, "value", value)
        kind = add(one, space, "EndDeviceEventType")
        kind.set("ref", self._types.get(event.kind, event.kind))
        point(one, space, subject.usage_point)
        return self._bytes(root)

    def results(self, result: Result) -> bytes:
        """A result as one message with the work order and its readings."""
        subject = result.about
        verb = "closed" if result.status == "closed" else "changed"
        root, payload = self._message("EventMessage", verb, "WorkResults", subject.key)
        self._work(payload, result)
        space = namespace("MeterReadings")
        readings = add(payload, space, "MeterReadings")
        task = None if result.status == "notDone" else subject.task
        for reading in result.readings:
            if reading.serial:
                write_reading(readings, reading, subject.usage_point, task)
        return self._bytes(root)

    def placements(self, placements: Placements) -> bytes:
        """Where devices stand and stood, as MeterConfig."""
        root, payload = self._message("EventMessage", "changed", "MeterConfig", placements.about.key)
        write_placements(payload, placements.stays)
        return self._bytes(root)

    def phases(self, phases: Phases) -> bytes:
        """On which phases supply points hang, as UsagePointConfig."""
        root, payload = self._message("EventMessage", "changed", "UsagePointConfig", phases.about.key)
        write_phases(payload, phases.points)
        return self._bytes(root)

    def _work(self, payload: Element, result: Result) -> None:
        subject, space = result.about, namespace("WorkResults")
        order = add(add(payload, space, "WorkResults"), space, "WorkOrder")
        add(order, space, "mRID", subject.foreign_id or subject.order_id)
        add(add(order, space, "Names"), space, "name", subject.number)
        add(order, space, "statusKind", result.status)
        add(order, space, "reason", result.reason)
        add(order, space, "completedDateTime", subject.at)
        point(order, space, subject.usage_point)
        for name, devices in (("NewAsset", result.installed), ("OldAsset", result.removed)):
            for device in devices:
                _asset(add(order, space, name), space, device)
        for seal in result.seals:
            add(order, space, "Seal", seal)
        for flag in result.flags:
            add(order, space, "flag", flag)
        add(order, space, "recordNumber", result.record_number)
        add(order, space, "recordHash", result.record_hash)
        add(order, space, "performedKind", result.performed)
        add(order, space, "performedReason", result.performed_reason)

    def _message(
        self, name: str, verb: str, noun: str, message_id: str | None, *, correlation: str | None = None
    ) -> tuple[Element, Element]:
        root = Element(f"{{{MESSAGE}}}{name}")
        head = add(root, MESSAGE, "Header")
        for tag, value in (
            ("Verb", verb), ("Noun", noun), ("Revision", REVISION),
            ("Timestamp", utc_text(datetime.now(UTC))), ("Source", self._source),
            ("MessageID", message_id), ("CorrelationID", correlation),
        ):  # fmt: skip
            add(head, MESSAGE, tag, value)
        payload = add(root, MESSAGE, "Payload") if name == "EventMessage" else head
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


def _asset(parent: Element, space: str, device: Placed) -> None:
    for tag, value in (
        ("serialNumber", device.serial), ("modelNumber", device.model), ("dateTime", device.at),
        ("Transformer", device.transformer), ("Concentrator", device.concentrator), ("Panel", device.panel),
        ("slot", device.slot), ("phaseCode", device.phase), ("destination", device.destination),
    ):  # fmt: skip
        add(parent, space, tag, value)
    if device.position:
        latitude, _, longitude = device.position.partition(",")
        points = add(parent, space, "PositionPoints")
        add(points, space, "xPosition", longitude)
        add(points, space, "yPosition", latitude)
