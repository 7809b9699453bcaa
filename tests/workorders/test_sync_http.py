"""The same round over a real socket; and a gateway that answers 500, garbage, nothing or half a body."""

from __future__ import annotations

import contextlib
import gzip
import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import requests

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from tests.workorders.test_sync_pull import photograph
from tests.workorders.test_sync_push import execute
from workorders.gateway import admin, enrolment
from workorders.store.engine import open_store
from workorders.sync import wire
from workorders.sync.backoff import LONGEST_SECONDS, Backoff
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import deposit_key, enrol, recover_key
from workorders.sync.errors import InsecureUrl, Refused
from workorders.sync.http import HttpTransport, check_url
from workorders.sync.round import SyncRound, SyncState
from workorders.sync.usage import MonthUsage, add_usage, usage_of


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.fixture
def staffed(tmp_path: Path) -> Bureau:
    """An office whose supervisor and lead can sign in; a PIN takes its time to make."""
    return Bureau.open(tmp_path, pins={"sofia": "481605", "luz": "481606"})


def http(tablet: Tablet, url: str) -> HttpTransport:
    return HttpTransport(url, tablet=tablet.identity.tablet, key=tablet.identity.signer())


def test_enrol_sync_and_recover_over_a_socket(bureau: Bureau) -> None:
    with serving(bureau) as url:
        issued = enrolment.create_enrolment_code(bureau.office, crew="A", project="demo", url=url)
        ticket = EnrolTicket(url=url, code=parse_code(issued.code), root=issued.root_sha256)
        store = open_store(bureau.folder / "t" / "tablet.db", b"t" * 32, role="tablet")
        identity = enrol(store, HttpTransport(url), ticket, name="t", realm=bureau.office.realm)
        tablet = Tablet(bureau, store, identity, bureau.files)
        transport = http(tablet, url)
        assert tablet.sync(transport).equal is True
        order_id = tablet.order_ids()[0]
        tablet.blobs = type(tablet.blobs)(bureau.folder / "t" / "blobs")
        photograph(tablet, order_id, b"x" * 100_000)
        execute(tablet, order_id)
        report = tablet.sync(transport)
        assert (report.state, report.code, report.message) == ("done", None, None)
        assert (report.verdicts, report.blobs_sent, report.equal) == ({"applied": 5}, 1, True)
        assert 100_000 < transport.sent < 130_000, "the sealed photo, and what goes around it"
        assert 1_000 < transport.received < 100_000
        deposit_key(transport, identity, b"t" * 32)
        code = parse_code(enrolment.create_recovery_code(bureau.office, identity.tablet).code)
        assert recover_key(HttpTransport(url), code, identity.tablet) == b"t" * 32


def test_a_tablet_whose_clock_is_wrong_by_a_year_syncs(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    with serving(bureau) as url:
        transport = HttpTransport(
            url,
            tablet=tablet.identity.tablet,
            key=tablet.identity.signer(),
            clock=lambda: datetime.now(UTC) + timedelta(days=365),
        )
        assert tablet.sync(transport).state is SyncState.DONE


def test_requests_without_or_with_a_wrong_proof_are_refused(bureau: Bureau) -> None:
    tablet, other = bureau.tablet("A", "t1"), bureau.tablet("B", "t2")
    with serving(bureau) as url:
        for path in (
            "/v1/sync/pull",
            "/v1/keys",
            "/v1/reference",
            "/v1/orders",
            "/v1/admin/users",
            "/v1/board",
        ):
            answer = requests.get(url + path, timeout=10)
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        forger = HttpTransport(url, tablet=tablet.identity.tablet, key=other.identity.signer())
        report = tablet.sync(forger)
        assert (report.state, report.code) == (SyncState.PAUSED, "wrong_signature")
        admin.revoke_tablet(bureau.office, tablet.identity.tablet, "lost")
        assert tablet.sync(http(tablet, url)).code == "revoked"


def sign_in(url: str, user: str, pin: str) -> dict[str, str]:
    answer = requests.post(f"{url}/v1/sessions", json={"user": user, "pin": pin}, timeout=10)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_roles_reach_no_further_than_they_should(staffed: Bureau) -> None:
    with serving(staffed) as url:
        supervisor, lead = sign_in(url, "sofia", "481605"), sign_in(url, "luz", "481606")
        assert requests.get(f"{url}/v1/orders", headers=lead, timeout=10).status_code == 403
        assert requests.get(f"{url}/v1/admin/users", headers=supervisor, timeout=10).status_code == 403
        page = requests.get(f"{url}/v1/orders", headers=supervisor, timeout=10).json()
        order_id = page["orders"][0]["order_id"]
        cancel = requests.post(
            f"{url}/v1/orders/{order_id}/cancel", headers=supervisor, json={"reason": "double"}, timeout=10
        )
        assert (cancel.status_code, cancel.json()["status"]) == (200, "cancelled")
        again = requests.post(
            f"{url}/v1/orders/{order_id}/cancel", headers=supervisor, json={"reason": "double"}, timeout=10
        )
        assert (again.status_code, again.json()["code"]) == (409, "order_over")
        assert (
            requests.delete(f"{url}/v1/sessions/current", headers=supervisor, timeout=10).status_code == 204
        )
        assert requests.get(f"{url}/v1/orders", headers=supervisor, timeout=10).status_code == 401


def test_wrong_pins_make_an_account_wait(staffed: Bureau) -> None:
    with serving(staffed) as url:
        wrong = [
            requests.post(f"{url}/v1/sessions", json={"user": user, "pin": "000001"}, timeout=10)
            for user in ("sofia",) * 6 + ("nobody",)
        ]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429, 401]
    assert int(wrong[5].headers["Retry-After"]) > 0


def test_bodies_beyond_the_limits_are_refused_and_unreadable_pushes_kept(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    bomb = gzip.compress(bytes(wire.MAX_PLAIN_BYTES + 1))
    with serving(bureau) as url:
        headers = {"Content-Encoding": "gzip"}
        for data, head, status in (
            (bomb, headers, 413),
            (bomb[: len(bomb) // 2], headers, 400),
            (b"no gzip", headers, 400),
            (b"{}", {"Content-Encoding": "br"}, 415),
        ):
            answer = requests.post(f"{url}/v1/sync/push", data=data, headers=head, timeout=30)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                "application/problem+json",
            )
        transport = http(tablet, url)
        transport.meta()
        for body in (b'{"entries": 7}', b"\xff no json"):
            with pytest.raises(Refused) as refused:
                transport._send("POST", "/v1/sync/push", body)
            assert refused.value.code == "unreadable_body"
    from tests.workorders.test_sync_push import kept

    assert kept(bureau) == [("quarantined", "unreadable_body")] * 2


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://office.example/", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://office.example", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.org", False),
        ("ftp://127.0.0.1", False),
        ("office.example", False),
        ("", False),
    ],
)
def test_plain_http_goes_to_this_machine_only(url: str, fine: bool) -> None:
    if fine:
        assert not check_url(url).endswith("/")
    else:
        with pytest.raises(InsecureUrl):
            check_url(url)


# --- a gateway that is not well -------------------------------------------------------------------


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that sends these bytes to one connection after another, and hangs up."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.settimeout(20)

    def work() -> None:
        for answer in answers:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def response(body: bytes, status: str = "200 OK", *extra: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", "Connection: close", *extra]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


BAD = {
    "nothing": (b"", SyncState.OFFLINE, "unreachable"),
    "500": (response(b"oops", "500 Internal Server Error"), SyncState.FAILED, "gateway_failed"),
    "a wait that is no number": (  # a superscript two, which Python calls a digit
        response(b"", "503 Service Unavailable", "Retry-After: ?").replace(b"?", b"\xb2"),
        SyncState.FAILED,
        "gateway_failed",
    ),
    "garbage": (b"\x00\xff" * 500, SyncState.OFFLINE, "unreachable"),
    "another web page": (response(b"<html>Log in</html>"), SyncState.FAILED, "bad_answer"),
    "elsewhere": (response(b"", "302 Found", "Location: http://portal/"), SyncState.FAILED, "bad_answer"),
    "half a body": (response(b'{"protocol"', length=500), SyncState.OFFLINE, "unreachable"),
    "other json": (response(b'{"protocol": "x"}'), SyncState.FAILED, "bad_answer"),
    "broken gzip": (
        response(b"\x1f\x8bxxxx", "200 OK", "Content-Encoding: gzip"),
        SyncState.OFFLINE,
        "unreachable",
    ),
    "not accepted": (response(b"", "401 Unauthorized"), SyncState.PAUSED, "not_accepted"),
    "not found": (response(b"", "404 Not Found"), SyncState.FAILED, "not_found"),
}


@pytest.mark.parametrize("name", BAD)
def test_whatever_answers_the_round_ends_with_a_code_and_loses_nothing(bureau: Bureau, name: str) -> None:
    tablet = bureau.tablet()
    tablet.sync()
    execute(tablet, tablet.order_ids()[0])
    answer, state, code = BAD[name]
    with answering(answer) as url:
        report = tablet.sync(http(tablet, url))
    assert (report.state, report.code, report.pending) == (state, code, 4)
    assert tablet.sync().verdicts == {"applied": 4}


def test_a_busy_gateway_says_when_to_come_back(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    busy = response(b"", "503 Service Unavailable", "Retry-After: 120")
    with answering(busy) as url:
        report = tablet.sync(http(tablet, url))
    assert (report.state, report.retry_after) == (SyncState.FAILED, 120.0)
    waits = [Backoff(random.Random(seed)).failed(120.0) for seed in range(20)]
    assert min(waits) == 120.0


def test_the_wait_between_rounds_doubles_up_to_a_quarter_of_an_hour() -> None:
    backoff = Backoff(random.Random(1))
    ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    for ceiling in ceilings:
        assert 0 <= backoff.failed() <= ceiling <= LONGEST_SECONDS
    backoff.succeeded()
    assert backoff.failed() <= 1


class Lying:
    """A transport whose push answers about other entries than were pushed."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def push(self, request: wire.PushRequest) -> wire.PushResponse:
        answer: wire.PushResponse = self._inner.push(request)  # type: ignore[attr-defined]  # a transport
        return msgspec.structs.replace(answer, verdicts=list(reversed(answer.verdicts)))


def test_an_answer_about_other_entries_is_not_believed(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    report = tablet.sync(Lying(tablet.transport()))  # type: ignore[arg-type]  # speaks like one
    assert (report.code, report.pending > 0) == ("bad_answer", True)
    assert tablet.sync().equal is True


def test_a_round_can_be_stopped_between_requests(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    stages: list[str] = []
    report = SyncRound(
        tablet.store, tablet.identity, tablet.journal, tablet.transport(), tablet.blobs, now=bureau.now
    ).run(progress=lambda step: stages.append(step.stage), cancelled=lambda: "push" in stages)
    assert (report.state, report.stage) == (SyncState.CANCELLED, "push")
    assert stages[:2] == ["meta", "references"]
    assert tablet.sync().equal is True


def test_what_a_round_costs_is_counted_by_month_and_survives(tmp_path: Path) -> None:
    path, key = tmp_path / "usage.db", bytes(32)
    with open_store(path, key, role="tablet", create=True) as store, store.write() as connection:
        add_usage(connection, "2026-10", 70, 7)
        add_usage(connection, "2026-11", 1000, 200)
        add_usage(connection, "2026-11", 10, 2)
    with open_store(path, key, role="tablet") as store, store.write() as connection:
        assert usage_of(connection, "2026-11") == MonthUsage(sent=1010, received=202)
        assert usage_of(connection, "2026-12").total == 0
        for month in range(1, 13):
            add_usage(connection, f"2027-{month:02d}", 1, 1)
        assert usage_of(connection, "2026-10").total == 0, "months long past are let go"
        assert usage_of(connection, "2026-11").total == 1212


def test_a_round_ends_at_once_while_the_gateway_says_nothing(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transport = http(tablet, f"http://127.0.0.1:{silent.getsockname()[1]}")

        def stop_when_asked() -> None:
            asked, _ = silent.accept()
            with asked:
                transport.cancel()

        taken = threading.Thread(target=stop_when_asked)
        taken.start()
        began = datetime.now(UTC)
        report = tablet.sync(transport)
        taken.join()
    assert (report.state, report.code) == (SyncState.CANCELLED, "cancelled")
    assert datetime.now(UTC) - began < timedelta(seconds=5)


def test_the_first_pull_says_how_much_comes(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    from workorders.sync.round import Stage, SyncProgress

    monkeypatch.setattr("workorders.sync.wire.PULL_PAGE_ENTRIES", 3)
    tablet = bureau.tablet()
    seen: list[SyncProgress] = []
    with serving(bureau) as url:
        transport = http(tablet, url)
        round_ = SyncRound(
            tablet.store, tablet.identity, tablet.journal, transport, tablet.blobs, now=bureau.now
        )
        assert round_.run(seen.append).state is SyncState.DONE
        assert set(transport.kinds) == {"records", "lists"}
        assert sum(transport.kinds.values()) == transport.sent + transport.received
    pulls = [(at.done, at.total) for at in seen if at.stage is Stage.PULL]
    assert pulls[2:] == [(3, 4)]
