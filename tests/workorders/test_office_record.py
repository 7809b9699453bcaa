"""The office's edges: how often somebody may ask, who did what, and what is kept and tried again."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Connection
from typer.testing import CliRunner

from fieldtool.commands import opening
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from tests.workorders.test_authorisations import Doors
from tests.workorders.test_sync_push import execute
from workorders.gateway import audit, persons, quarantine
from workorders.gateway.app import create_app
from workorders.gateway.errors import NotFound, OutOfTurn
from workorders.gateway.push import keep_unreadable
from workorders.gateway.service import bodies
from workorders.gateway.service.rates import Buckets, Limits, Rate, address_of
from workorders.gateway.service.room import Room
from workorders.journal.entry import Entry, to_wire
from workorders.people import Role
from workorders.store import projection
from workorders.store.verify import verify_store
from workorders.sync.wire import VerdictKind


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


def doors(bureau: Bureau, client: TestClient[Litestar], *roles: Role) -> Doors:
    made = Doors(bureau, client)
    for role in roles:
        persons.add_user(bureau.office, name=role.title(), role=role, person_id=f"p-{role}", without_pin=True)
        made.let_in(role)
    return made


@pytest.fixture
def client(bureau: Bureau) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(bureau.office, bureau.files), raise_server_exceptions=False) as client:
        yield client


# ---- how often


def test_a_bucket_empties_and_fills_again() -> None:
    time = [0.0]
    bucket = Buckets(Rate(3, 0.5), lambda: time[0])
    assert [bucket.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    assert bucket.take("b") == 0
    time[0] = 2.0
    assert [bucket.take("a"), bucket.take("a")] == [0, 2]
    time[0] = 1e9
    assert [bucket.take("a") for _ in range(4)] == [0, 0, 0, 2], "not more than the burst"


def test_whoever_asks_too_often_is_told_when_to_come_again(bureau: Bureau) -> None:
    limits = Limits(asker=Rate(4, 0.01), address=Rate(1000, 100), unproven=Rate(2, 0.01))
    app = create_app(bureau.office, bureau.files, limits=limits)
    with TestClient(app, raise_server_exceptions=False) as client:
        made = doors(bureau, client, Role.SUPERVISOR, Role.ENGINEER)
        asked = [made.ask("supervisor", "GET", "/v1/projects") for _ in range(6)]
        assert asked == [200] * 4 + [429] * 2
        assert made.ask("engineer", "GET", "/v1/projects") == 200, "another one has another bucket"
        assert made.ask("stranger", "GET", "/v1/projects") == 401, "a guess uses up nobody's"
        # Each spelling that the router takes counts: a slash more was a way round the small bucket.
        spelt = [client.base_url.join(path) for path in ("/v1/enrol", "/v1//enrol/", "/v1/enrol/")]
        guesses = [client.post(path, json={}) for path in spelt]
        assert [answer.status_code for answer in guesses] == [400, 400, 429], "stricter where codes are tried"
        answer = guesses[-1]
        assert int(answer.headers["Retry-After"]) > 1
        assert answer.json()["code"] == "too_many_requests"
        assert client.get("/v1/meta").status_code == 200


def test_a_flood_from_one_address_is_stopped_before_its_bodies_are_read(bureau: Bureau) -> None:
    app = create_app(bureau.office, bureau.files, limits=Limits(address=Rate(3, 0.01)))
    with TestClient(app, raise_server_exceptions=False) as client:
        asked = [client.post("/v1/sync/push", content=b"x" * 5_000_000).status_code for _ in range(5)]
    assert asked == [413] * 3 + [429] * 2


def test_bodies_that_nobody_has_proven_hold_only_so_much_memory(bureau: Bureau) -> None:
    """Forty connections that stopped before the end of a file held 1.6 GB, without any proof of who asks."""
    app = create_app(bureau.office, bureau.files)
    app.state.room = room = Room(bytes=3_000_000, share=2_000_000)
    with TestClient(app, raise_server_exceptions=False) as client:
        path, fits, more = "/v1/blobs/" + "a" * 64, b"x" * 1_900_000, b"x" * 2_100_000
        assert client.put(path, content=fits).status_code == 401
        full = client.put(path, content=more)
        assert (full.status_code, full.json()["code"]) == (429, "too_many_bodies")
        assert int(full.headers["Retry-After"]) > 0
        assert (room.held, dict(room.of)) == (0, {}), "all is given back"
        room.take("another address", 1_500_000)
        full = client.put(path, content=fits)
        assert (full.status_code, full.json()["code"]) == (503, "no_room")
        assert client.get("/v1/meta").status_code == 200
        packed = gzip.compress(b"0" * 2_500_000)
        answer = client.post("/v1/sync/push", content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 429, "counted as it is once unpacked"
        room.give_back("another address", 1_500_000)
        assert (room.held, dict(room.of)) == (0, {})


def test_a_body_that_stops_coming_is_waited_for_only_so_long(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.1)
    with serving(bureau) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as line:
            line.sendall(b"POST /v1/enrol HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\n{")
            answer = b""
            while part := line.recv(4096):
                answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request_timeout" in answer


# ---- who did what


def test_what_is_asked_of_the_office_is_written_down(bureau: Bureau, client: TestClient[Litestar]) -> None:
    made = doors(bureau, client, Role.SUPERVISOR, Role.ENGINEER)
    order = client.get("/v1/orders", headers=_as(made)).json()["orders"][0]
    reason = {"reason": "El cliente Quispe llamó"}
    path = f"/v1/orders/{order['order_id']}/cancel"
    assert client.post(path, json=reason, headers=_as(made)).status_code == 200
    assert made.ask("engineer", "POST", path) == 403
    assert client.post("/v1/sessions", json={"user": "ana", "pin": "000111"}).status_code == 401
    found = audit.acts(bureau.office)
    assert [(one.who, one.act, one.object, one.outcome) for one in found] == [
        ("-", "POST /v1/sessions", "ana", "401"),
        ("p-engineer", "POST /v1/orders/{order_id}/cancel", order["order_id"], "403"),
        ("p-supervisor", "POST /v1/orders/{order_id}/cancel", order["order_id"], "done"),
    ]
    assert {one.source for one in found} == {"testclient"}
    assert "Quispe" not in str(found), "no customer stands there"
    assert "000111" not in str(found)
    page = audit.acts(bureau.office, before=found[0].number, limit=1)
    assert page == [found[1]]


def test_an_act_that_was_cut_stands_there_without_an_outcome(bureau: Bureau) -> None:
    audit.begin(bureau.office, who="a", role="operator", act="gateway load", source="command line")
    assert audit.acts(bureau.office)[0].outcome is None


def _as(made: Doors) -> dict[str, str]:
    return {"Authorization": f"Bearer {made.tokens['supervisor']}"}


def test_commands_are_acts_too_and_those_that_look_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fieldtool.main import app

    monkeypatch.setenv("FIELDTOOL_HOME", str(tmp_path))
    monkeypatch.setenv("FIELDTOOL_PASSPHRASE", "una frase larga de prueba")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    run = CliRunner()
    with opening.kept_open():
        for words, status in (
            ("gateway users add Ana --role lead --id ana --realm demo --json", 0),
            ("gateway users list --json", 0),
            ("gateway revoke nobody --reason lost", 1),
            ("gateway quarantine list --json", 0),
            ("gateway quarantine retry 7 --json", 1),
        ):
            done = run.invoke(app, words.split())
            assert done.exit_code == status, done.output
        found = run.invoke(app, ["gateway", "audit", "--json"]).stdout
    acts = json.loads(found)["acts"]
    assert [(one["act"], one["object"], one["outcome"]) for one in acts] == [
        ("gateway quarantine retry", "7", "not_found"),
        ("gateway revoke", "nobody", "not_found"),
        ("gateway users add", "ana", "done"),
    ]


# ---- what is kept


def test_what_could_not_be_folded_is_taken_in_after_an_update(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet = bureau.tablet()
    tablet.sync()
    order_id = tablet.order_ids()[0]
    entries = execute(tablet, order_id)
    fold = projection.fold

    def broken(connection: Connection, some: list[Entry]) -> None:
        if connection.engine.url == bureau.office.store.engine.url:
            raise ArithmeticError("an older program")
        fold(connection, some)

    monkeypatch.setattr(projection, "fold", broken)
    assert tablet.sync().verdicts == {"quarantined": len(entries)}
    monkeypatch.undo()
    waiting = quarantine.kept(bureau.office, waiting=True)
    assert {one.code for one in waiting} == {"not_foldable"}
    first = quarantine.kept_bytes(bureau.office, waiting[0].number)
    assert first.body.decode() in [to_wire(entry).body for entry in entries]
    for one in waiting:
        done = quarantine.retry(bureau.office, one.number)
        assert [verdict.verdict for verdict in done.verdicts] == [VerdictKind.APPLIED]
    assert quarantine.kept(bureau.office, waiting=True) == []
    assert len(quarantine.kept(bureau.office)) == len(waiting), "the bytes stay"
    assert verify_store(bureau.office.store).ok
    report = tablet.sync()
    assert (report.equal, report.pending) == (True, 0), "the tablet has learned it"
    with pytest.raises(NotFound):
        quarantine.kept_bytes(bureau.office, 999)
    again = quarantine.retry(bureau.office, waiting[0].number)
    assert [verdict.verdict for verdict in again.verdicts] == [VerdictKind.DUPLICATE], "nothing twice"


def test_a_body_that_is_still_none_stays_as_it_came(bureau: Bureau) -> None:
    keep_unreadable(bureau.office, b"\xff\x00", "t")
    number = quarantine.kept(bureau.office)[0].number
    with pytest.raises(OutOfTurn) as refused:
        quarantine.retry(bureau.office, number)
    assert refused.value.code == "not_readable"
    assert quarantine.kept_bytes(bureau.office, number).text is None


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:208", "192.0.2.8"),
        ("2001:db8::5", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_of_ipv4_is_counted_by_itself_however_the_socket_names_it(
    client: str, counted: str
) -> None:
    """On a socket of both families all of IPv4 shared one bucket: a depot could shut out all others."""
    assert address_of({"client": (client, 1)}) == counted  # type: ignore[typeddict-item]  # all it reads
