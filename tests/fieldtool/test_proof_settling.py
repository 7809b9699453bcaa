"""What silence means where the office is told: lists, and pushes; and pushes over TLS."""

from __future__ import annotations

import http.client
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from fieldtool.proofserver import _handler, _Server
from fieldtool.proofsettling import PushSettling, settle_list
from tests.drivers.concentrators.test_reports import S24, payload, soap
from tests.support.tls import certificate
from tests.workorders.offices import FILES, Bureau, write_project
from tests.workorders.test_proof_rounds import LONG_AGO, failed, stand
from workorders.clock import utc_text
from workorders.gateway.app import ListenError, bind, tls_context
from workorders.gateway.load import load_project
from workorders.gateway.proof import Sighting, Waits

TWO = FILES["network.csv"] + "C2;concentrator;T2;Concentrador;mac=404022000002;10\n"


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    """Behind each of two concentrators a device that waits to be heard since January; it is March."""
    opened = Bureau.open(tmp_path / "office")
    load_project(opened.office, write_project(tmp_path / "project", network=TWO))
    stand(opened, 1, "C1")
    stand(opened, 1, "C2")
    return opened


def heard(bureau: Bureau, through: str | None, hours_ago: float) -> Sighting:
    """Somebody else was heard."""
    at = utc_text(bureau.now.moment - timedelta(hours=hours_ago))
    return Sighting(serial=f"other-{through}", heard_at=at, concentrator=through)


def test_a_list_decides_behind_the_concentrators_that_it_heard_lately(bureau: Bureau) -> None:
    """Nobody settled what a list proved: a device that was never heard stayed pending for ever."""
    told = [heard(bureau, "C1", 1), heard(bureau, "C2", 14)]
    assert settle_list(bureau.office, "demo", told, Waits()) == {"failed": 1, "silent": 0}
    assert failed(bureau) == {"C1-1"}
    assert settle_list(bureau.office, "demo", told, Waits())["failed"] == 0, "once"


def test_an_old_list_and_an_empty_one_say_nothing_of_today(bureau: Bureau) -> None:
    old = Sighting(serial="other", heard_at=LONG_AGO, concentrator="C1")
    for told in ([old], [], [Sighting(serial="C1-1")], [heard(bureau, "C1", -3)]):
        settle_list(bureau.office, "demo", told, Waits())
    assert failed(bureau) == set()


def test_where_a_list_names_no_concentrator_time_alone_decides(bureau: Bureau) -> None:
    settle_list(bureau.office, "demo", [heard(bureau, None, 1)], Waits())
    assert failed(bureau) == {"C1-1", "C2-1"}


def test_a_push_decides_behind_its_concentrator_and_not_again_for_an_hour(bureau: Bureau) -> None:
    settling = PushSettling(bureau.office, "demo", Waits())
    assert settling.settle() == {"failed": 0, "silent": 0}
    assert failed(bureau) == set()
    settling.spoke("C1")
    assert settling.settle()["failed"] == 1
    assert failed(bureau) == {"C1-1"}
    settling.spoke("C1")
    assert settling._waiting == set()
    settling.spoke("C2")
    assert settling.settle()["failed"] == 1


@pytest.fixture
def pems(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key."""
    return certificate(tmp_path)


def test_pushes_come_over_tls_and_who_does_not_speak_it_is_let_go(
    bureau: Bureau, pems: tuple[Path, Path]
) -> None:
    """They could only come in clear: what a concentrator says decides what is billed."""
    spoke: list[str] = []
    handler = _handler(bureau.office, "demo", None, spoke.append)
    made = bind("127.0.0.1:0", tls=True)
    port = made.getsockname()[1]
    with _Server(made, handler, tls_context(*pems)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            clear = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            clear.request("POST", "/", b"x")
            with pytest.raises((OSError, http.client.HTTPException)):
                clear.getresponse()
            trusted = ssl.create_default_context(cafile=pems[0])
            sealed = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusted)
            body = soap("Report", payload(S24.replace("CIR4621511030", "C1")), concentrator="C1")
            sealed.request("POST", "/WS_STG/WS_STG.asmx", body)
            assert sealed.getresponse().status == 200
            sealed.close()
        finally:
            server.shutdown()
    assert spoke == ["C1"]


def test_a_certificate_that_is_of_no_use_is_named(tmp_path: Path, pems: tuple[Path, Path]) -> None:
    assert tls_context(None, None) is None
    for pem, key in ((tmp_path / "none.pem", None), (pems[1], pems[1]), (None, pems[1])):
        with pytest.raises(ListenError) as told:
            tls_context(pem, key)
        assert told.value.code == "bad_certificate"
        assert str(pem or key) in str(told.value)
