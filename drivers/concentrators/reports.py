"""What stands in reports of the STG-DC web service, whether asked for (`stg`) or pushed (`read_push`).

Reports are `Report IdRpt="…"` with a `Cnc` and its meters as `Cnt`: S24 (who has joined), S06, S12, S01
and S21 (instantaneous values), G01 and G02 (how stable the meters are), S52 (energy per output). A part with
``ErrCat`` is
*no answer*, never a zero. Values stay the text that the concentrator sent: units are those of the report.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from enum import IntEnum
from xml.etree.ElementTree import Element

import msgspec

from drivers.concentrators import stg
from drivers.concentrators.errors import ConcentratorGarbage, ConcentratorRefused

ROW_REPORTS = ("S01", "S21", "S06", "S12", "G01", "G02", "S52")
OPERATIONS = ("Report", "UpdateRequestStatus", "UpdateMetersStatus")
MAX_METERS = 20_000
"""Ten times what a base node can hold: more in one push is no report."""
_GZIP_IN_BASE64 = "H4sI"


class ReqStatus(IntEnum):
    """ReqStatus of the STG-DC specification."""

    OK = 0
    WORKING = 1
    METER_TIMEOUT = 2
    PARTIAL = 4
    MALFORMED = 5
    NOT_HERE = 7

    @property
    def has_answer(self) -> bool:
        """Whether a report may come with it that says something of meters."""
        return self in (ReqStatus.OK, ReqStatus.PARTIAL)


def status_text(status: ReqStatus | int | None) -> str:
    """What a ReqStatus says, in words; of one that the specification does not have, its number."""
    if status is None:
        return "no status"
    if isinstance(status, ReqStatus):
        return status.name.lower().replace("_", " ")
    return f"status {status}, which the specification does not have"


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One body of a report: of a meter, or of the concentrator itself where `meter` is None.

    `values` by the report's own names, nested parts as `Name.attribute`; with `error`
    (``ErrCat/ErrCode``) there are none. `time` is UTC.
    """

    report: str
    concentrator: str
    meter: str | None
    time: datetime | None
    values: dict[str, str]
    error: str | None = None


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What a concentrator sent by itself. `meters` of an S24, or of `UpdateMetersStatus`; else `rows`.
    `status`: a plain number where the specification has no such ReqStatus; makes add their own, and the
    report that comes with one is none the worse."""

    operation: str
    petition: str
    concentrator: str
    status: ReqStatus | int | None
    report: str | None = None
    meters: list[stg.ConcentratorMeter] = []
    rows: list[ReportRow] = []


def fetch_rows(
    url: str, report: str, serials: list[str] | None = None, *, timeout: float = stg.TIMEOUT
) -> list[ReportRow]:
    """Ask for one of `ROW_REPORTS`.

    Raises:
        ConcentratorError
    """
    if report not in ROW_REPORTS:
        raise ConcentratorRefused(detail=f"{report} is none of {', '.join(ROW_REPORTS)}")
    return rows_of(stg.request_report(url, report, serials or (), timeout))


def rows_of(report: Element) -> list[ReportRow]:
    """The bodies of a report, in its order."""
    name = report.get("IdRpt") or ""
    found: list[ReportRow] = []
    for here in report.iter("Cnc"):
        concentrator = (here.get("Id") or "").strip()
        found += [_row(name, concentrator, None, here, body) for body in here.findall(name)]
        if here.get("ErrCat"):
            found.append(_row(name, concentrator, None, here, here))
        for meter in here.findall("Cnt"):
            serial = (meter.get("Id") or "").strip() or None
            bodies = meter.findall(name) or [meter]
            found += [_row(name, concentrator, serial, meter, body) for body in bodies]
    return found


def _row(name: str, concentrator: str, meter: str | None, holder: Element, body: Element) -> ReportRow:
    failed = next((part for part in (body, holder) if part.get("ErrCat")), None)
    if failed is None and body is holder:
        error: str | None = "?/?"  # a meter is named and nothing is said of it
    else:
        error = f"{failed.get('ErrCat')}/{failed.get('ErrCode', '?')}" if failed is not None else None
    values: dict[str, str] = {}
    if error is None:
        values = {key: value.strip() for key, value in body.attrib.items() if key != "Fh"}
        for part in body:
            values |= {f"{part.tag}.{key}": value.strip() for key, value in part.attrib.items()}
    return ReportRow(
        report=name,
        concentrator=concentrator,
        meter=meter,
        time=stg.parse_stamp(body.get("Fh")),
        values=values,
        error=error,
    )


# --- pushed --------------------------------------------------------------------------------------------


def read_push(body: bytes) -> Push:
    """What a concentrator posts to the head-end: `Report`, `UpdateRequestStatus` or `UpdateMetersStatus`.

    The body may be gzip; the payload of a report may be an element, text, or base64 of gzip.

    Raises:
        ConcentratorGarbage, ConcentratorTooLarge
    """
    root = stg.parse_document(stg.inflate(body))
    operation = next((child for part in root if part.tag == "Body" for child in part), None)
    if operation is None or operation.tag not in OPERATIONS:
        raise ConcentratorGarbage(detail=f"none of {', '.join(OPERATIONS)} in the body")
    fields = {child.tag: (child.text or "").strip() for child in operation}
    concentrator = fields.get("IdDC", "")
    if not concentrator:
        raise ConcentratorGarbage(detail="it does not say which concentrator it is of (IdDC)")
    push = Push(
        operation=operation.tag,
        petition=fields.get("IdPet", ""),
        concentrator=concentrator,
        status=_status(fields.get("ReqStatus")),
    )
    if operation.tag == "UpdateRequestStatus":
        return push
    report = _payload(operation, fields)
    if report is None:
        if operation.tag == "Report" and push.status in (None, ReqStatus.OK):
            raise ConcentratorGarbage(detail="a report without one in it")
        return push
    return _with_report(push, report)


def _with_report(push: Push, report: Element) -> Push:
    named = {(here.get("Id") or "").strip() for here in report.iter("Cnc")} - {""}
    if named - {push.concentrator}:
        raise ConcentratorGarbage(
            detail=f"sent by {push.concentrator}, but it is of {', '.join(sorted(named))}"
        )
    listed = sum(1 for _ in report.iter("Meter")) + sum(1 for _ in report.iter("Cnt"))
    if listed > MAX_METERS:
        raise ConcentratorGarbage(detail=f"{listed} meters in one report")
    meters = stg.listed_meters(report)
    rows = rows_of(report) if report.tag == "Report" and not meters else []
    return msgspec.structs.replace(push, report=report.get("IdRpt"), meters=meters, rows=rows)


def _status(text: str | None) -> ReqStatus | int | None:
    """Raises ``ConcentratorGarbage`` for what is no number at all."""
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ConcentratorGarbage(detail=f"ReqStatus {text[:20]!r} is no number")
    number = int(text)
    return ReqStatus(number) if number in list(ReqStatus) else number


def _payload(operation: Element, fields: dict[str, str]) -> Element | None:
    """The report within, as an element, as text, or as base64 of gzip (Format 1), which many encoders wrap
    over lines of 76 characters (RFC 2045)."""
    for element in operation.iter():
        if element.tag == "Report" and element.get("IdRpt"):
            return element
    text = fields.get("Payload") or fields.get("MetersStatus") or ""
    if text.startswith(_GZIP_IN_BASE64):
        try:
            plain = stg.inflate(base64.b64decode("".join(text.split()), validate=True))
        except binascii.Error:
            raise ConcentratorGarbage(detail="the payload is no base64") from None
        return stg.parse_document(plain)
    if text:
        return stg.parse_document(text.encode("utf-8"), "utf-8")
    return operation if operation.find(".//Meter") is not None else None
