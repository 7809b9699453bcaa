"""The STG-DC client against the virtual concentrator in its process, and against answers that do harm."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from drivers.concentrators import stg
from drivers.concentrators.errors import (
    ConcentratorError,
    ConcentratorGarbage,
    ConcentratorRefused,
    ConcentratorTooLarge,
    ConcentratorUnreachable,
)
from drivers.virtual.concentrator.field import Concentrator, Identity, MeterEntry, stamp
from drivers.virtual.concentrator.service import NAMESPACE, Service

REAL_S24 = """<Report IdRpt="S24" IdPet="0" Version="3.1.c">
  <Cnc Id="CIR4621511030"><S24 Fh="20180529093051000S">
    <Meter MeterId="CIR0141406756" ComStatus="2" Date="20180529092508000S" Active="Y"/>
    <Meter MeterId="CIR0501500336" ComStatus="0" Date="20180516093930000S" Active="N"/>
    <Meter MeterId="SAG0155345864" ComStatus="1" Date="20180128202953000W" Active="Y"/>
    <Meter MeterId="SAG0155345865" ComStatus="" Date="" Active=""/>
  </S24></Cnc></Report>"""


@contextmanager
def concentrator(*options: str) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "drivers", "virtual-concentrator", "--listen", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextmanager
def answering(body: bytes, status: int = 200, drip: float = 0.0, **headers: str) -> Iterator[str]:
    """A server that answers every request with the same octets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            for at in range(0, len(body), 1024 if drip else max(1, len(body))):
                try:
                    self.wfile.write(body[at : at + (1024 if drip else len(body))])
                    self.wfile.flush()
                except OSError:
                    return
                stop.wait(drip)

        def log_message(self, *args: object) -> None:
            pass

    stop = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/WS_DC/WS_DC.asmx"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


def soap(inner: str, encoding: str = "ISO-8859-15") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<RequestResponse xmlns="{NAMESPACE}"><RequestResult>{inner}</RequestResult></RequestResponse>'
        "</s:Body></s:Envelope>"
    )
    return text.encode(encoding)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


# -- the virtual concentrator --


@pytest.mark.parametrize("options", [(), ("--gzip",)])
def test_reports_of_the_virtual_concentrator(tmp_path: Path, options: tuple[str, ...]) -> None:
    config = tmp_path / "dc.toml"
    config.write_text(
        '[concentrator]\nid = "ZIV0004394499"\nmac = "40:40:22:00:00:99"\n'
        '[[meters]]\nserial = "ZIV0040123456"\n'
        '[[meters]]\nserial = "ZIV0040123457"\nafter_s = 3600\n'
        '[[meters]]\nserial = "ZIV0040123458"\ncom_status = 1\nanswers = false\n'
    )
    with concentrator("--config", str(config), *options) as ready:
        url = ready["url"]
        meters = stg.fetch_meters(url)
        assert [(m.serial, m.com_status, m.joined) for m in meters] == [
            ("ZIV0040123456", 2, True),
            ("ZIV0040123458", 1, False),
        ]
        assert meters[0].date is not None
        assert abs((datetime.now(UTC) - meters[0].date).total_seconds()) < 300
        data = stg.fetch_meter_data(url, ["ZIV0040123456", "ZIV0040123457", "ZIV0040123458"])
        assert data[0].mac == "40:40:22:64:3C:40"
        assert data[0].prime_firmware == "V2203"
        assert [d.error for d in data] == [None, "1/7", "1/2"], "not here, and no answer: no values, no zeros"
        assert data[1].mac is None
        found = stg.fetch_concentrator(url)
        assert (found.id, found.mac, found.disconnect_after) == ("ZIV0004394499", "40:40:22:00:00:99", 86400)
        with_mac = stg.fetch_meters(url, ["ZIV0040123456"], with_mac=True)
        assert [m.mac for m in with_mac] == ["40:40:22:64:3C:40"]


def test_a_meter_given_power_at_run_time_appears_by_itself() -> None:
    with concentrator() as ready:
        assert stg.fetch_meters(ready["url"]) == []
        reply = requests.post(ready["control"], json={"serial": "ZIV0040123456", "after_s": 0.3}, timeout=5)
        assert reply.status_code == 201
        assert stg.fetch_meters(ready["url"]) == []
        deadline = time.monotonic() + 10
        while not (meters := stg.fetch_meters(ready["url"])):
            assert time.monotonic() < deadline
        assert meters[0].joined
        assert requests.delete(ready["control"] + "/ZIV0040123456", timeout=5).status_code == 204
        assert stg.fetch_meters(ready["url"]) == []
        for wrong in ({"serial": ""}, {"serial": "A", "x": 1}, {"serial": "a b"}, []):
            assert requests.post(ready["control"], json=wrong, timeout=5).status_code == 400


@pytest.mark.parametrize("config", ["[[meters]]\nserial = 5\n", "x = [", "[concentrator]\nnope = 1\n"])
def test_a_mistake_in_the_configuration_is_explained(tmp_path: Path, config: str) -> None:
    path = tmp_path / "dc.toml"
    path.write_text(config)
    command = [sys.executable, "-m", "drivers", "virtual-concentrator", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


class Time:
    now = 1_789_000_000.0

    def __call__(self) -> float:
        return self.now


def call(service: Service, operation: str, **fields: str) -> tuple[int, str]:
    inner = "".join(f"<{name}>{escaped(value)}</{name}>" for name, value in fields.items())
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body>'
        f'<{operation} xmlns="{NAMESPACE}">{inner}</{operation}></s:Body></s:Envelope>'
    )
    status, answer = service.handle(body.encode())
    return status, answer.decode("ISO-8859-15")


def test_a_meter_that_falls_silent_is_listed_as_an_error() -> None:
    here = Concentrator(Identity(), clock := Time())
    here.add(MeterEntry("ZIV1", after_s=10, lost_after_s=100))
    assert here.meters() == []
    clock.now += 10
    assert [(m.com_status, m.active) for m in here.meters()] == [(2, True)]
    clock.now += 1000
    (meter,) = here.meters()
    assert (meter.com_status, meter.active) == (0, False)
    assert (here.now() - meter.heard).total_seconds() == pytest.approx(910)


def test_orders_unregister_a_meter_and_reboot() -> None:
    here = Concentrator(Identity(), clock := Time())
    service = Service(here)
    for serial in ("ZIV1", "ZIV2"):
        here.add(MeterEntry(serial, after_s=10))
    clock.now += 11
    order = '<Order IdPet="1" IdReq="B06"><Cnc Id="X"><Cnt Id="ZIV1"><B06/></Cnt></Cnc></Order>'
    assert "<OrderResult>0</OrderResult>" in call(service, "Order", IdPet="1", Order=order)[1]
    assert "<OrderResult>7</OrderResult>" in call(service, "Order", IdPet="1", Order=order)[1]
    assert [m.entry.serial for m in here.meters()] == ["ZIV2"]
    reboot = '<Order IdPet="2" IdReq="B11" Version="3.1.c"><Cnc Id="X"><B11 Order="T01"/></Cnc></Order>'
    assert "<OrderResult>0</OrderResult>" in call(service, "Order", IdPet="2", Order=reboot)[1]
    assert here.meters() == []
    assert "<OrderResult>5</OrderResult>" in call(service, "Order", IdPet="3", Order="<nonsense")[1]


def test_an_asynchronous_request_delivers_the_report() -> None:
    delivered: list[tuple[str, bytes]] = []
    here = Concentrator(Identity(), Time())
    service = Service(here, lambda petition, report: delivered.append((petition, report)))
    status, answer = call(service, "AsynchRequest", IdPet="77", IdRpt="S12", Source="DCF")
    assert status == 200
    assert "<AsynchRequestResult>1</AsynchRequestResult>" in answer
    assert delivered[0][0] == "77"
    assert b'IdRpt="S12"' in delivered[0][1]
    assert call(Service(here), "AsynchRequest", IdPet="77", IdRpt="S12")[0] == 500


@pytest.mark.parametrize("body", [b"", b"<a/>", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
def test_the_service_answers_nonsense_with_a_fault(body: bytes) -> None:
    status, answer = Service(Concentrator(Identity(), Time())).handle(body)
    assert status == 500
    assert b"<soap:Fault>" in answer


# -- answers of real concentrators, and worse --


@pytest.mark.parametrize("shape", ["text", "element", "gzip", "cdata"])
def test_a_real_report_is_understood_in_every_shape(shape: str) -> None:
    inner = {"element": REAL_S24, "cdata": f"<![CDATA[{REAL_S24}]]>"}.get(shape, escaped(REAL_S24))
    body = soap(inner)
    with answering(gzip.compress(body) if shape == "gzip" else body) as url:
        meters = stg.fetch_meters(url)
    assert [(m.serial, m.com_status, m.active) for m in meters] == [
        ("CIR0141406756", 2, True),
        ("CIR0501500336", 0, False),
        ("SAG0155345864", 1, True),
        ("SAG0155345865", None, False),
    ]
    assert meters[0].date == datetime(2018, 5, 29, 7, 25, 8, tzinfo=UTC), "S: two hours ahead of UTC"
    assert meters[2].date == datetime(2018, 1, 28, 19, 29, 53, tzinfo=UTC), "W: one hour"
    assert meters[3].date is None


def test_control_characters_and_latin_letters_do_not_hurt() -> None:
    report = REAL_S24.replace("CIR4621511030", "CIR\x03\x0fñ€").replace("CIR0141406756", "CIR0141406756&#1;")
    with answering(soap(escaped(report).replace("&amp;#1;", "&amp;#1;"))) as url:
        assert stg.fetch_meters(url)[0].serial == "CIR0141406756"


@pytest.mark.parametrize("report", ['<Report IdRpt="S24"/>', '<Report IdRpt="S24"><Cnc Id="C"/></Report>'])
def test_a_report_without_a_list_is_not_taken_for_an_empty_one(report: str) -> None:
    """Else a meter would seem to be missing although the concentrator said nothing of it."""
    with answering(soap(escaped(report))) as url, pytest.raises(ConcentratorGarbage):
        stg.fetch_meters(url)


def test_a_meter_with_an_error_has_no_values() -> None:
    report = (
        '<Report IdRpt="S06" IdPet="1" Version="3.1.c"><Cnc Id="C"><Cnt Id="ZIV1" ErrCat="1" ErrCode="2"/>'
        '<Cnt Id="ZIV2"><S06 Fh="20180101204134000W" NS="2" Mac="00:80:E1:15:42:96"/></Cnt></Cnc></Report>'
    )
    with answering(soap(escaped(report))) as url:
        data = stg.fetch_meter_data(url, ["ZIV1", "ZIV2"])
    assert data[0] == stg.MeterData("ZIV1", error="1/2")
    assert data[1].error is None
    assert data[1].mac == "00:80:E1:15:42:96"


BOMB = gzip.compress(b"<a>" + b"x" * (stg.MAX_PLAIN + 10))
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<Report IdRpt="S24">&b;</Report>'
)
FILE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Report IdRpt="S24">&x;</Report>'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (BOMB, ConcentratorTooLarge),
        (b"y" * (stg.MAX_WIRE + 1), ConcentratorTooLarge),
        (LAUGHS.encode(), ConcentratorGarbage),
        (soap(escaped(LAUGHS)), ConcentratorGarbage),
        (FILE.encode(), ConcentratorGarbage),
        (soap(escaped(FILE)), ConcentratorGarbage),
        (b"", ConcentratorGarbage),
        (b"<html><body>login</body></html>", ConcentratorGarbage),
        (gzip.compress(soap("x"))[:-9], ConcentratorGarbage),
        (b"\x1f\x8bnonsense", ConcentratorGarbage),
        (soap(escaped(REAL_S24.replace("S24", "S12"))), ConcentratorGarbage),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', ConcentratorGarbage),
        (base64.b64encode(REAL_S24.encode()), ConcentratorGarbage),
    ],
)
def test_hostile_and_broken_answers_are_refused(body: bytes, error: type[ConcentratorError]) -> None:
    with answering(body) as url, pytest.raises(error) as caught:
        stg.fetch_meters(url)
    assert caught.value.code.startswith("concentrator-")
    assert caught.value.hint
    assert "passwd" not in str(caught.value)


def test_an_answer_that_drips_for_ever_is_given_up() -> None:
    begun = time.monotonic()
    with answering(b" " * 400_000, drip=0.05) as url, pytest.raises(ConcentratorUnreachable):
        stg.fetch_meters(url, timeout=0.4)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("status", [401, 404, 500, 503, 302])
def test_an_http_error_is_a_refusal(status: int) -> None:
    with answering(b"no", status, Location="http://127.0.0.1:9/") as url, pytest.raises(ConcentratorRefused):
        stg.fetch_meters(url)


def test_nobody_there() -> None:
    with pytest.raises(ConcentratorUnreachable):
        stg.fetch_meters("http://127.0.0.1:9/WS_DC/WS_DC.asmx", timeout=2)
    for url in ("file:///etc/passwd", "ftp://x", ""):
        with pytest.raises(ConcentratorRefused):
            stg.fetch_meters(url)


@given(st.integers(1_000_000_000, 2_000_000_000))
def test_a_time_comes_back_from_its_stamp(at: int) -> None:
    moment = datetime.fromtimestamp(at, UTC)
    assert stg.parse_stamp(stamp(moment)) == moment


@given(st.text(max_size=30))
def test_no_text_breaks_the_time_parser(text: str) -> None:
    stg.parse_stamp(text)


@given(st.binary(max_size=300))
def test_no_answer_breaks_the_parser(body: bytes) -> None:
    try:
        stg._find_report(stg.parse_document(stg.inflate(body)), "S24")
    except ConcentratorError:
        return
    raise AssertionError("random octets are no report")
