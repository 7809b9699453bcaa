"""Client of the STG-DC web service of PRIME concentrators: reports S24, S06 and S12.

What comes back is not trusted: sizes are capped before and after decompression, document types and entities
are refused, control characters are dropped, and a meter with ``ErrCat`` and no body is *no answer*, never a
zero. Everything raises a `ConcentratorError`; nothing here carries keys.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import msgspec
import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from drivers.concentrators.errors import (
    ConcentratorGarbage,
    ConcentratorRefused,
    ConcentratorTooLarge,
    ConcentratorUnreachable,
)

NAMESPACE = "http://www.asais.fr/ns/Saturne/DC/ws"
ENCODING = "ISO-8859-15"
MAX_WIRE = 4 * 1024 * 1024
MAX_PLAIN = 16 * 1024 * 1024
"""S24 of 2,000 meters has 0.2 MB: a hundred times that is no concentrator."""
TIMEOUT = 20.0
_ENCODINGS = {
    "iso-8859-15": "iso8859-15",
    "iso-8859-1": "iso8859-1",
    "latin-1": "iso8859-1",
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "windows-1252": "cp1252",
}
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DECLARED = re.compile(rb"^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(x[0-9A-Fa-f]{1,8}|[0-9]{1,10});")
_STAMP = re.compile(r"^(\d{14})(\d{3})([SWsw])$")


class ComStatus(IntEnum):
    """ComStatus of S24."""

    ERROR = 0
    WARNING = 1
    FINE = 2


class ConcentratorMeter(msgspec.Struct, frozen=True):
    """One meter of S24. `date` is the last word from it, UTC; `mac` comes from S06 where it was asked for."""

    serial: str
    com_status: int | None
    date: datetime | None
    active: bool
    mac: str | None = None

    @property
    def joined(self) -> bool:
        """In the list, active and fine."""
        return self.active and self.com_status == ComStatus.FINE


class MeterData(msgspec.Struct, frozen=True):
    """One meter of S06. With `error` (``ErrCat/ErrCode``) the meter did not answer and the rest is None."""

    serial: str
    date: datetime | None = None
    number: str | None = None
    mac: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    prime_firmware: str | None = None
    error: str | None = None


class ConcentratorData(msgspec.Struct, frozen=True):
    """S12: the concentrator itself. `disconnect_after` is how long it keeps a silent meter, in seconds."""

    id: str
    date: datetime | None
    model: str | None
    firmware: str | None
    mac: str | None
    address: str | None
    disconnect_after: int | None


def fetch_meters(
    url: str, serials: Iterable[str] = (), *, with_mac: bool = False, timeout: float = TIMEOUT
) -> list[ConcentratorMeter]:
    """S24: the meters that the concentrator has (all, or those of `serials` that it has).

    `with_mac` asks S06 too, which talks to each meter and takes minutes on a real network.
    """
    report = request_report(url, "S24", serials, timeout)
    if report.find(".//S24") is None:  # an empty list is an answer, no list is none
        raise ConcentratorGarbage(detail="no list of meters in the report")
    meters = listed_meters(report)
    if not with_mac or not meters:
        return meters
    data = fetch_meter_data(url, [meter.serial for meter in meters], timeout=timeout)
    macs = {meter.serial: meter.mac for meter in data}
    return [msgspec.structs.replace(meter, mac=macs.get(meter.serial)) for meter in meters]


def listed_meters(report: Element) -> list[ConcentratorMeter]:
    """The meters of an S24, in its order."""
    return [
        ConcentratorMeter(
            serial=_text(item, "MeterId") or "",
            com_status=_integer(item, "ComStatus"),
            date=parse_stamp(item.get("Date")),
            active=(item.get("Active") or "").strip().upper() == "Y",
        )
        for item in report.iter("Meter")
        if _text(item, "MeterId")
    ]


def fetch_meter_data(url: str, serials: Iterable[str], *, timeout: float = TIMEOUT) -> list[MeterData]:
    """S06: what meters say of themselves; a meter that does not answer stands there with its `error`."""
    report = request_report(url, "S06", serials, timeout)
    found = []
    for meter in report.iter("Cnt"):
        serial = _text(meter, "Id")
        if not serial:
            continue
        body = meter.find("S06")
        if body is None or meter.get("ErrCat"):
            category, code = meter.get("ErrCat", "?"), meter.get("ErrCode", "?")
            found.append(MeterData(serial, error=f"{category}/{code}"))
            continue
        found.append(
            MeterData(
                serial,
                parse_stamp(body.get("Fh")),
                _text(body, "NS"),
                _text(body, "Mac"),
                _text(body, "Fab"),
                _text(body, "Mod"),
                _text(body, "Vf"),
                _text(body, "VPrime"),
            )
        )
    return found


def fetch_concentrator(url: str, *, timeout: float = TIMEOUT) -> ConcentratorData:
    """S12: identity, firmware and the EUI-48 of the base node."""
    report = request_report(url, "S12", (), timeout)
    here = report.find("Cnc")
    body = here.find("S12") if here is not None else None
    if here is None or body is None:
        raise ConcentratorGarbage(detail="no S12 in the report")
    return ConcentratorData(
        _text(here, "Id") or "",
        parse_stamp(body.get("Fh")),
        _text(body, "Mod"),
        _text(body, "Vf"),
        _text(body, "Macplc"),
        _text(body, "ipCom"),
        _integer(body, "TimeDisconMeter"),
    )


def parse_stamp(text: str | None) -> datetime | None:
    """``YYYYMMDDhhmmssmmm[S|W]``, local time of Spain (S: UTC+2, W: UTC+1), as UTC; None where it is no
    time.
    """
    match = _STAMP.match((text or "").strip())
    if match is None:
        return None
    try:
        local = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    ahead = 2 if match[3] in "Ss" else 1
    return local + timedelta(milliseconds=int(match[2]), hours=-ahead)


def _text(item: Element, name: str) -> str | None:
    return (item.get(name) or "").strip() or None


def _integer(item: Element, name: str) -> int | None:
    text = (item.get(name) or "").strip()
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else None


def request_report(url: str, report: str, serials: Iterable[str], timeout: float) -> Element:
    """Asks for one report and gives its root element."""
    meters = ",".join(serials)
    body = (
        f'<?xml version="1.0" encoding="{ENCODING}"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<Request xmlns="{NAMESPACE}"><IdPet>{int(time.time()) % 1_000_000_000}</IdPet>'
        f"<IdRpt>{report}</IdRpt>"
        f"<tfStart></tfStart><tfEnd></tfEnd><IdMeters>{escape(meters)}</IdMeters><Priority>2</Priority></Request>"
        "</soap:Body></soap:Envelope>"
    )
    status, content = _post(url, body.encode(ENCODING, "xmlcharrefreplace"), timeout)
    try:
        root = parse_document(content)
    except ConcentratorGarbage:
        if status != 200:
            raise ConcentratorRefused(detail=f"HTTP {status}") from None
        raise
    fault = next((e for e in root.iter() if e.tag == "faultstring"), None)
    if fault is not None or status != 200:
        raise ConcentratorRefused(detail=(fault.text or "fault") if fault is not None else f"HTTP {status}")
    return _find_report(root, report)


def _find_report(root: Element, report: str) -> Element:
    """The ``Report`` in a SOAP answer: as an element, or as text in the operation's result."""
    for element in root.iter():
        if element.tag == "Report" and element.get("IdRpt"):
            return _checked(element, report)
    for element in root.iter():
        text = element.text or ""
        if "<Report" in text:
            return _checked(parse_document(text.encode("utf-8"), "utf-8"), report)
    raise ConcentratorGarbage(detail="no report in the answer")


def _checked(element: Element, report: str) -> Element:
    if element.get("IdRpt") != report:
        raise ConcentratorGarbage(detail=f"asked for {report}, got {element.get('IdRpt')}")
    return element


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]


def _post(url: str, body: bytes, timeout: float) -> tuple[int, bytes]:
    """HTTP status and plain body. `timeout` is for the whole exchange, however slowly it drips."""
    if not url.startswith(("http://", "https://")):
        raise ConcentratorRefused(
            "The concentrator's address must begin with http:// or https://", detail=url
        )
    headers = {
        "Content-Type": f"text/xml; charset={ENCODING}",
        "SOAPAction": f'"{NAMESPACE}/Request"',
        "Accept-Encoding": "gzip",
    }
    deadline = time.monotonic() + timeout
    try:
        with requests.post(
            url, data=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
        ) as answer:
            wire = bytearray()
            while chunk := answer.raw.read1(
                65536, decode_content=False
            ):  # what is there: a drip must not block
                wire += chunk
                if len(wire) > MAX_WIRE:
                    raise ConcentratorTooLarge(detail=f"more than {MAX_WIRE} octets on the wire")
                if time.monotonic() > deadline:
                    raise ConcentratorUnreachable(detail="the answer takes too long")
            return answer.status_code, inflate(bytes(wire))
    except (requests.RequestException, OSError) as error:
        raise ConcentratorUnreachable(detail=type(error).__name__) from error


def inflate(data: bytes) -> bytes:
    """Undoes gzip, told by its magic number, and never makes more than `MAX_PLAIN` octets of it."""
    if data[:2] != b"\x1f\x8b":
        return data
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = machine.decompress(data, MAX_PLAIN + 1)
    except zlib.error as error:
        raise ConcentratorGarbage(detail="broken compression") from error
    if len(plain) > MAX_PLAIN:
        raise ConcentratorTooLarge(detail=f"more than {MAX_PLAIN} octets when decompressed")
    if not machine.eof:
        raise ConcentratorGarbage(detail="compression is cut short")
    return plain


def parse_document(content: bytes, encoding: str | None = None) -> Element:
    """An XML document of a concentrator; `ConcentratorGarbage` if it is none or tries a document type."""
    if encoding is None:
        declared = _DECLARED.match(content)
        name = declared[1].decode("ascii").lower() if declared else "utf-8"
        encoding = _ENCODINGS.get(name)
        if encoding is None:
            raise ConcentratorGarbage(detail=f"unknown encoding {name}")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("iso8859-15")
    text = _CONTROL.sub("", _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1))
    text = _REFERENCE.sub(_drop_control_reference, text)
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ConcentratorGarbage(detail=type(error).__name__) from error
    for element in root.iter():  # the report may stand in the service's namespace or in none
        element.tag = _local(element.tag)
    return root


def _drop_control_reference(match: re.Match[str]) -> str:
    """A reference such as ``&#1;`` is no character of XML 1.0 and would make the whole answer invalid."""
    digits = match[1]
    code = int(digits[1:], 16) if digits[0] == "x" else int(digits)
    allowed = (
        code in (9, 10, 13)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
    return match[0] if allowed else ""
