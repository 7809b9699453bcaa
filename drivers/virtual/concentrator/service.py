"""The STG-DC web service, pure: a SOAP request in, a SOAP answer out.

``Request`` answers at once with the report as text in ``RequestResult``; ``AsynchRequest`` answers with its
status and hands the report to whoever delivers it; ``Order`` carries out B06 and B11. Reports: S24, S06, S12.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from drivers.virtual.concentrator.field import Concentrator, Listed, stamp

NAMESPACE = "http://www.asais.fr/ns/Saturne/DC/ws"
HEAD_END_NAMESPACE = "http://www.asais.fr/ns/Saturne/STG/ws"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "ISO-8859-15"
VERSION = "3.1.c"
REPORTS = ("S24", "S06", "S12")


class Status(IntEnum):
    """ReqStatus of the STG-DC specification."""

    OK = 0
    WORKING = 1
    METER_TIMEOUT = 2
    PARTIAL = 4
    MALFORMED = 5
    NOT_HERE = 7


class Fault(ValueError):
    """The request can't be served; the answer is a SOAP fault with this text."""


Deliver = Callable[[str, bytes], None]
"""Takes the petition's number and a report for the head-end."""


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _operation(body: bytes) -> tuple[str, dict[str, str]]:
    """Name and fields of the operation in a SOAP body."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Fault("the request is no valid XML") from error
    operation = next((child for part in root if _local(part.tag) == "Body" for child in part), None)
    if operation is None or not operation.tag.startswith(f"{{{NAMESPACE}}}"):
        raise Fault(f"no operation of {NAMESPACE} in the body")
    return _local(operation.tag), {_local(child.tag): (child.text or "").strip() for child in operation}


class Service:
    """Serves requests for one concentrator. `deliver` takes reports for the head-end; None: there is none."""

    def __init__(self, concentrator: Concentrator, deliver: Deliver | None = None) -> None:
        self._concentrator, self._deliver = concentrator, deliver

    def handle(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body (ISO-8859-15) for the body of a POST."""
        try:
            name, fields = _operation(body)
            match name:
                case "Request":
                    result = self._report(fields).decode(ENCODING)
                case "AsynchRequest":
                    result = str(int(self._asynchronous(fields)))
                case "Order":
                    result = str(int(self._order(fields)))
                case _:
                    raise Fault(f"unknown operation {name}")
        except Fault as fault:
            return 500, _envelope(
                f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{escape(str(fault))}</faultstring>"
                "</soap:Fault>"
            )
        inner = f"<{name}Result>{escape(result)}</{name}Result>"
        return 200, _envelope(f'<{name}Response xmlns="{NAMESPACE}">{inner}</{name}Response>')

    def _report(self, fields: dict[str, str]) -> bytes:
        report = fields.get("IdRpt", "")
        if report not in REPORTS:
            raise Fault(
                f"report {report or '(none)'} is not available; this concentrator has {', '.join(REPORTS)}"
            )
        root = Element("Report", {"IdRpt": report, "IdPet": fields.get("IdPet", "0"), "Version": VERSION})
        here = SubElement(root, "Cnc", {"Id": self._concentrator.identity.id})
        wanted = [serial for serial in fields.get("IdMeters", "").replace(" ", "").split(",") if serial]
        if report == "S24":
            self._s24(here, wanted)
        elif report == "S06":
            self._s06(here, wanted)
        else:
            self._s12(here)
        report_text: bytes = tostring(root, encoding=ENCODING, xml_declaration=False)
        return report_text

    def _s24(self, here: Element, wanted: list[str]) -> None:
        part = SubElement(here, "S24", {"Fh": stamp(self._concentrator.now())})
        for meter in self._concentrator.meters():
            if not wanted or meter.entry.serial in wanted:
                SubElement(
                    part,
                    "Meter",
                    {
                        "MeterId": meter.entry.serial,
                        "ComStatus": str(meter.com_status),
                        "Date": stamp(meter.heard),
                        "Active": "Y" if meter.active else "N",
                    },
                )

    def _s06(self, here: Element, wanted: list[str]) -> None:
        serials = wanted or [meter.entry.serial for meter in self._concentrator.meters()]
        for serial in serials:
            meter = self._concentrator.find(serial)
            if meter is None:
                SubElement(here, "Cnt", {"Id": serial, "ErrCat": "1", "ErrCode": str(int(Status.NOT_HERE))})
            elif not meter.entry.answers or not meter.active:
                SubElement(
                    here, "Cnt", {"Id": serial, "ErrCat": "1", "ErrCode": str(int(Status.METER_TIMEOUT))}
                )
            else:
                SubElement(SubElement(here, "Cnt", {"Id": serial}), "S06", self._parameters(meter))

    def _parameters(self, meter: Listed) -> dict[str, str]:
        entry = meter.entry
        fixed = {
            "Tp": "2300",
            "Ts": "2300",
            "Ip": "50",
            "Is": "50",
            "Usag": "180",
            "Uswell": "180",
            "Per": "3600",
        }
        more = {
            "Dctcp": "95.00",
            "Vr": "230",
            "Ut": "180",
            "UsubT": "7.00",
            "UsobT": "7.00",
            "UcorteT": "50.00",
        }
        return {
            "Fh": stamp(self._concentrator.now()),
            "NS": entry.serial.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "Fab": entry.manufacturer,
            "Mod": entry.model,
            "Af": "26",
            "Te": "contador",
            "Vf": entry.firmware,
            "VPrime": entry.prime_firmware,
            "Pro": "DLMS0106",
            "Idm": "",
            "Mac": meter.mac,
            **fixed,
            **more,
            "AutMothBill": "Y",
            "ScrollDispMode": "A",
            "ScrollDispTime": "3",
        }

    def _s12(self, here: Element) -> None:
        identity = self._concentrator.identity
        SubElement(
            here,
            "S12",
            {
                "Fh": stamp(self._concentrator.now()),
                "Mod": identity.model,
                "Af": "2026",
                "Te": "concentrator",
                "Vf": identity.firmware,
                "VfComm": identity.prime_firmware,
                "Pro": "PRIME",
                "Com": "PLC",
                "Bat": "99",
                "ipCom": identity.address,
                "PortWS": "8080",
                "Macplc": identity.mac,
                "NumMeters": "100",
                "TimeDisconMeter": "86400",
                "RetryDisconMeter": "6",
                "TimeRetryInterval": "7200",
                "TimeDev": "30",
                "TimeDevOver": "3600",
                "SyncMeter": "Y",
            },
        )

    def _asynchronous(self, fields: dict[str, str]) -> Status:
        if self._deliver is None:
            raise Fault("no head-end is configured to deliver the report to (--head-end)")
        self._deliver(fields.get("IdPet", "0"), self._report(fields))
        return Status.WORKING

    def _order(self, fields: dict[str, str]) -> Status:
        """B06 forgets meters, B11 T01 makes all of them register again; none carries keys."""
        try:
            order = fromstring(fields.get("Order") or fields.get("Payload") or "", forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            return Status.MALFORMED
        kind = order.get("IdReq")
        if kind == "B06":
            removed = [self._concentrator.remove(meter.get("Id", "")) for meter in order.iter("Cnt")]
            return Status.OK if removed and all(removed) else Status.NOT_HERE
        if kind == "B11" and any(part.get("Order") == "T01" for part in order.iter("B11")):
            self._concentrator.reboot()
            return Status.OK
        return Status.MALFORMED


def report_for_head_end(concentrator: str, petition: str, report: bytes) -> bytes:
    """The SOAP request ``Report`` that carries a report to the head-end."""
    text = escape(report.decode(ENCODING))
    return _envelope(
        f'<Report xmlns="{HEAD_END_NAMESPACE}"><IdPet>{escape(petition)}</IdPet>'
        f"<IdDC>{escape(concentrator)}</IdDC>"
        f"<ReqStatus>0</ReqStatus><Format>0</Format><Payload>{text}</Payload></Report>"
    )


def _envelope(body: str) -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{ENCODING}"?>\n'
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    )
    return text.encode(ENCODING, "xmlcharrefreplace")
