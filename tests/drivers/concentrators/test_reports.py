"""What concentrators push and network servers answer: read where it is sound, else refused by name."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from xml.sax.saxutils import escape

import pytest

from drivers.concentrators.errors import ConcentratorError, ConcentratorGarbage, ConcentratorUnreachable
from drivers.concentrators.lookup import LookupUnauthorised, look_up
from drivers.concentrators.reports import ReqStatus, read_push, status_text

S24 = (
    '<Report IdRpt="S24" IdPet="0" Version="3.1.c"><Cnc Id="CIR4621511030"><S24 Fh="20260529093051000S">'
    '<Meter MeterId="CIR0141406756" ComStatus="2" Date="20260529092508000S" Active="Y"/></S24></Cnc></Report>'
)
S21 = (
    '<Report IdRpt="S21" IdPet="7"><Cnc Id="CIR4621511030">'
    '<Cnt Id="CIR0141406756"><S21 Fh="20260529093051000S" L1v="231" Pimp="412" PP="1"/></Cnt>'
    '<Cnt Id="CIR0141406757" ErrCat="1" ErrCode="2"/></Cnc></Report>'
)


def soap(operation: str, inner: str, concentrator: str = "CIR4621511030", status: str = "0") -> bytes:
    return (
        '<?xml version="1.0" encoding="ISO-8859-15"?><soap:Envelope '
        'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<{operation} xmlns="http://www.asais.fr/ns/Saturne/STG/ws"><IdPet>7</IdPet><IdDC>{concentrator}</IdDC>'
        f"<ReqStatus>{status}</ReqStatus><Format>0</Format>{inner}</{operation}></soap:Body></soap:Envelope>"
    ).encode("iso8859-15")


def payload(report: str) -> str:
    return f"<Payload>{escape(report)}</Payload>"


@pytest.mark.parametrize(
    "body",
    [
        soap("Report", payload(S24)),
        soap("Report", f"<Payload>{S24}</Payload>"),
        soap(
            "Report", f"<Payload>{base64.b64encode(gzip.compress(S24.encode(), mtime=0)).decode()}</Payload>"
        ),
        gzip.compress(soap("Report", payload(S24.replace("Version=", "\x01Version=")))),
        soap("UpdateMetersStatus", payload(S24)),
    ],
    ids=["text", "element", "base64 gzip", "gzip and a control byte", "UpdateMetersStatus"],
)
def test_a_pushed_list_is_read_in_every_form(body: bytes) -> None:
    push = read_push(body)
    assert (push.concentrator, push.status, push.report) == ("CIR4621511030", ReqStatus.OK, "S24")
    assert [(meter.serial, meter.joined) for meter in push.meters] == [("CIR0141406756", True)]
    assert push.meters[0].date == datetime(2026, 5, 29, 7, 25, 8, tzinfo=UTC)


def test_instantaneous_values_are_rows_and_no_answer_is_never_a_zero() -> None:
    push = read_push(soap("Report", payload(S21), status="4"))
    assert push.status is ReqStatus.PARTIAL
    there, silent = push.rows
    assert (there.meter, there.values["Pimp"], there.error) == ("CIR0141406756", "412", None)
    assert (silent.meter, silent.values, silent.error) == ("CIR0141406757", {}, "1/2")


def test_a_status_alone_is_no_report() -> None:
    assert read_push(soap("UpdateRequestStatus", "", status="2")).status is ReqStatus.METER_TIMEOUT
    assert read_push(soap("Report", "", status="7")).status is ReqStatus.NOT_HERE


def test_a_status_that_the_specification_does_not_have_takes_nothing_from_its_report() -> None:
    """Makes add their own; the whole push used to be refused, with the meters in it."""
    push = read_push(soap("Report", payload(S24), status="99"))
    assert (push.status, len(push.meters)) == (99, 1)
    assert status_text(push.status) == "status 99, which the specification does not have"
    assert read_push(soap("UpdateRequestStatus", "", status="3")).status == 3
    assert status_text(ReqStatus.METER_TIMEOUT) == "meter timeout"


def test_base64_may_be_wrapped_over_lines() -> None:
    packed = base64.b64encode(gzip.compress(S24.encode(), mtime=0)).decode()
    wrapped = "\r\n  ".join(packed[at : at + 76] for at in range(0, len(packed), 76))
    push = read_push(soap("Report", f"<Payload>\n{wrapped}\n</Payload>"))
    assert [meter.serial for meter in push.meters] == ["CIR0141406756"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", ""),
        (b"<html/>", "in the body"),
        (soap("Order", ""), "in the body"),
        (soap("Report", payload(S24), concentrator=""), "IdDC"),
        (soap("Report", payload(S24), concentrator="OTHER"), "but it is of CIR4621511030"),
        (soap("Report", payload(S24), status="fine"), "ReqStatus"),
        (soap("Report", ""), "without one"),
        (soap("Report", payload(S24[:-20])), ""),
        (soap("Report", "<Payload>H4sIAAAA!!</Payload>"), "base64"),
        (b'<!DOCTYPE x [<!ENTITY e "e">]>' + soap("Report", payload(S24)), ""),
        (gzip.compress(soap("Report", payload(S24)))[:-12], "cut short"),
    ],
)
def test_what_is_no_report_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ConcentratorError) as told:
        read_push(body)
    assert why in (told.value.detail or "")


@contextmanager
def server(answers: dict[str, tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Grpc-Metadata-Authorization")
            asked.append(self.path)
            status, body = answers.get(self.path, (404, "{}")) if token == "Bearer s3cret" else (401, "{}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{made.server_address[1]}", asked
    finally:
        made.shutdown()
        made.server_close()


def test_a_device_is_looked_up_and_the_token_is_told_to_nobody() -> None:
    def device(eui: str, seen: str | None) -> tuple[int, str]:
        return 200, json.dumps({"device": {"devEui": eui, "name": "m"}, "lastSeenAt": seen})

    answers = {
        "/api/devices/70b3d54990000123": device("70b3d54990000123", "2026-05-29T07:25:08.123456789Z"),
        "/api/devices/70b3d54990000124": device("70b3d54990000124", None),
        "/api/devices/70b3d54990000125": device("ffffffffffffffff", None),
        "/api/devices/70b3d54990000126": (200, "<html>"),
    }
    with server(answers) as (url, asked):
        heard = look_up(url, "70:B3:D5:49:90:00:01:23", "s3cret")
        assert heard is not None
        assert heard.last_seen == datetime(2026, 5, 29, 7, 25, 8, 123456, tzinfo=UTC)
        never = look_up(url, "70B3D54990000124", "s3cret")
        assert never is not None
        assert never.last_seen is None
        assert look_up(url, "70B3D54990000199", "s3cret") is None
        for wrong in ("70B3D54990000125", "70B3D54990000126"):
            with pytest.raises(ConcentratorGarbage):
                look_up(url, wrong, "s3cret")
        with pytest.raises(LookupUnauthorised) as told:
            look_up(url, "70B3D54990000123", "wr0ng")
        assert "wr0ng" not in f"{told.value!r} {told.value.detail}"
        assert not any("s3cret" in path for path in asked)
    with pytest.raises(ConcentratorUnreachable):
        look_up(url, "70B3D54990000123", "s3cret", timeout=1)
