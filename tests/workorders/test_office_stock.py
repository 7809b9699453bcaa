"""The office moves stock: entries on its chain, checked against the record, done once, known to tablets."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from sqlalchemy import insert, select
from typer.testing import CliRunner

from fieldtool.main import app
from fieldtool.tablet.tablet import Tablet as WholeTablet
from tests.fieldtool.enrolled import enrolled_tablet
from tests.fieldtool.test_stock import signed_in, where
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from workorders.gateway import audit, stock
from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn
from workorders.gateway.office import Office
from workorders.gateway.stock import MoveDone, StockMove, move_stock, stock_page
from workorders.journal.entry import Envelope
from workorders.journal.kinds import DevicePlaced, StockMoved
from workorders.journal.words import StockMovement
from workorders.people import Role
from workorders.store import projection, queries, schema
from workorders.store.queries import StockFilter
from workorders.sync.blobs import BlobFiles
from workorders.sync.wire import VerdictKind

OWN, OTHERS = "ZIV0000000001", "ZIV0000000002"
WHY = "the count of 3 March found it in the store"


@pytest.fixture
def bureau(tmp_path: Path, each_database: str) -> Bureau:
    del each_database
    return Bureau.open(tmp_path / "office", pins={"sofia": "481605"})


def move(
    bureau: Bureau,
    movement: StockMovement,
    *serials: str,
    key: str = "",
    crew: str | None = None,
    reason: str = WHY,
) -> MoveDone:
    asked = StockMove(
        key=key or uuid.uuid4().hex, movement=movement, serials=list(serials), crew=crew, reason=reason
    )
    return move_stock(bureau.office, "demo", asked, actor="sofia")


def at(bureau: Bureau, serial: str) -> tuple[str, str | None]:
    (found,) = stock_page(bureau.office, "demo", StockFilter(serial=serial)).devices
    return found.state, found.crew


def test_a_device_goes_to_a_crew_back_and_out_of_the_stock_each_with_who_and_why(bureau: Bureau) -> None:
    done = move(bureau, StockMovement.TRANSFERRED, OWN, crew="B")
    (found,) = stock_page(bureau.office, "demo", StockFilter(serial=OWN)).devices
    assert (found.state, found.crew, found.movement, found.moved_by, found.reason) == (
        "on_truck", "B", "transferred", "sofia", WHY,
    )  # fmt: skip
    with bureau.office.store.read() as connection:
        body = connection.execute(
            select(schema.entry.c.body).where(schema.entry.c.id == done.entries[OWN])
        ).scalar_one()
    payload = msgspec.json.decode(body, type=Envelope).payload
    assert (payload["from_crew"], payload["model"]) == ("A", "prime-1ph")
    assert WHY.encode() not in body, "what somebody says may be personal: it is sealed"
    move(bureau, StockMovement.RETURNED, OWN, reason="")
    assert at(bureau, OWN) == ("in_store", None)
    move(bureau, StockMovement.HANDED_OUT, OWN, crew="A")
    move(bureau, StockMovement.WRITTEN_OFF, OWN)
    assert at(bureau, OWN) == ("lost", None)
    move(bureau, StockMovement.CORRECTED, OWN, crew="B")
    assert at(bureau, OWN) == ("on_truck", "B"), "found again"
    before = projection.digest(bureau.office.store)
    projection.rebuild(bureau.office.store)
    assert projection.digest(bureau.office.store) == before


def test_the_same_key_moves_once_and_no_key_serves_for_two_things(bureau: Bureau) -> None:
    key = uuid.uuid4().hex
    first = move(bureau, StockMovement.TRANSFERRED, OWN, crew="B", key=key)
    assert move(bureau, StockMovement.TRANSFERRED, OWN, crew="B", key=key) == first
    with pytest.raises(OutOfTurn) as refused:
        move(bureau, StockMovement.RETURNED, OWN, key=key)
    assert refused.value.code == "key_used"
    bureau.now.forward(days=stock.REMEMBERED_DAYS + 1)
    move(bureau, StockMovement.RETURNED, OWN)
    with pytest.raises(OutOfTurn) as forgotten:
        move(bureau, StockMovement.TRANSFERRED, OWN, crew="B", key=key)
    assert forgotten.value.code == "not_on_truck", "keys are not kept for ever"


@pytest.mark.parametrize(
    ("movement", "serial", "crew", "code"),
    [
        (StockMovement.HANDED_OUT, OWN, "B", "not_in_store"),
        (StockMovement.HANDED_OUT, "NOBODYS", "B", "unknown_serial"),
        (StockMovement.TRANSFERRED, OWN, "A", "there_already"),
        (StockMovement.CORRECTED, OWN, "A", "there_already"),
        (StockMovement.WRITTEN_OFF, "NOBODYS", None, "unknown_serial"),
        (StockMovement.TRANSFERRED, OWN, "Z", "unknown_crew"),
        (StockMovement.HANDED_OUT, OWN, None, "invalid"),
        (StockMovement.RETURNED, OWN, "B", "invalid"),
        (StockMovement.RECEIVED, OWN, "B", "invalid"),
        (StockMovement.RETURNED, " ", None, "invalid"),
    ],
)
def test_what_does_not_fit_with_the_record_is_refused(
    bureau: Bureau, movement: StockMovement, serial: str, crew: str | None, code: str
) -> None:
    with pytest.raises((OutOfTurn, InvalidInput)) as refused:
        move(bureau, movement, serial, crew=crew)
    assert refused.value.code == code


def test_all_devices_move_or_none(bureau: Bureau) -> None:
    with pytest.raises(OutOfTurn, match=rf"^{OWN} \(there_already\)$"):
        move(bureau, StockMovement.TRANSFERRED, OTHERS, OWN, crew="A")
    assert at(bureau, OTHERS) == ("on_truck", "B")


def test_a_correction_says_why_and_what_stands_at_a_customer_is_no_stock(bureau: Bureau) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        move(bureau, StockMovement.CORRECTED, OWN, reason=" ")
    tablet = bureau.tablet()
    tablet.journal.append(DevicePlaced(serial=OWN, model="prime-1ph", usage_point="U0"), actor="ana")
    tablet.sync()
    with pytest.raises(OutOfTurn) as refused:
        move(bureau, StockMovement.CORRECTED, OWN)
    assert refused.value.code == "installed"
    with pytest.raises(NotFound):
        move_stock(bureau.office, "none", StockMove(key="k", movement=StockMovement.RETURNED, serials=[OWN]))


def test_a_tablet_may_not_write_off_what_it_has_in_hand(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    payload = StockMoved(serial=OWN, movement=StockMovement.WRITTEN_OFF)
    entry = tablet.journal.append(payload, actor="ana")
    tablet.sync()
    with tablet.store.read() as connection:
        verdict = connection.execute(
            select(schema.verdict.c.verdict, schema.verdict.c.code).where(
                schema.verdict.c.entry_id == entry.envelope.id
            )
        ).one()
    assert tuple(verdict) == (VerdictKind.QUARANTINED, "office_kind")
    assert at(bureau, OWN) == ("on_truck", "A")


@pytest.fixture
def crew_a(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WholeTablet:
    bureau.now.moment = datetime.now(UTC)
    return signed_in(enrolled_tablet(bureau, tmp_path / "a", monkeypatch), "ana", Role.INSTALLER)


def test_a_tablet_learns_of_the_offices_movement_at_its_next_sync(
    bureau: Bureau, crew_a: WholeTablet
) -> None:
    assert where(crew_a, OTHERS) is None
    move(bureau, StockMovement.TRANSFERRED, OTHERS, crew="A")
    move(bureau, StockMovement.CORRECTED, "FOUND1", crew="A")
    crew_a.sync()
    assert where(crew_a, OTHERS) == ("on_truck", "A")
    assert where(crew_a, "FOUND1") == ("on_truck", "A"), "it stands in no list"
    move(bureau, StockMovement.WRITTEN_OFF, OTHERS)
    crew_a.sync()
    assert where(crew_a, OTHERS) is None


def test_a_tablet_does_not_hold_its_own_last_word_against_a_later_one(
    bureau: Bureau, crew_a: WholeTablet
) -> None:
    """What a tablet had moved itself stayed where it had said, whatever others did with it since."""
    crew_a.stockroom.receive([OTHERS])
    crew_a.sync()
    assert where(crew_a, OTHERS) == ("on_truck", "A")
    bureau.now.moment = datetime.now(UTC) + timedelta(seconds=5)
    move(bureau, StockMovement.TRANSFERRED, OTHERS, crew="B")
    crew_a.sync()
    assert where(crew_a, OTHERS) == ("on_truck", "B")
    assert OTHERS not in [item.serial for item in crew_a.stockroom.items()]
    move(bureau, StockMovement.WRITTEN_OFF, OTHERS)
    crew_a.sync()
    assert where(crew_a, OTHERS) == ("lost", None)


def test_what_a_tablet_says_later_than_the_office_holds(bureau: Bureau, crew_a: WholeTablet) -> None:
    bureau.now.moment = datetime.now(UTC) - timedelta(hours=1)
    move(bureau, StockMovement.TRANSFERRED, OWN, crew="B")
    crew_a.stockroom.receive([OWN])
    crew_a.sync()
    assert where(crew_a, OWN) == ("on_truck", "A")
    assert at(bureau, OWN) == ("on_truck", "A")


def stocked(bureau: Bureau, number: int) -> None:
    rows = [
        {
            "serial": f"BLK{n:07d}", "project": "demo", "model": "em", "identities": {},
            "state": "in_store" if n % 2 else "on_truck", "crew": None if n % 2 else "A",
        }
        for n in range(number)
    ]  # fmt: skip
    with bureau.office.store.write() as connection:
        connection.execute(insert(schema.stock_item), rows)


def test_pages_searched_by_serial_and_place_never_hold_the_whole_stock(bureau: Bureau) -> None:
    stocked(bureau, 1000)
    page = stock_page(bureau.office, "demo", StockFilter(serial="BLK"), limit=100, offset=50)
    assert (page.total, len(page.devices), page.devices[0].serial) == (1000, 100, "BLK0000050")
    assert {place.crew: place.number for place in page.places} == {None: 500, "A": 500}
    assert page.crews == {"A": "Cuadrilla A", "B": "Cuadrilla B"}
    there = stock_page(bureau.office, "demo", StockFilter(serial="BLK", store=True))
    assert (there.total, {one.crew for one in there.devices}) == (500, {None})
    assert {place.crew: place.number for place in there.places} == {None: 500, "A": 500}, "to choose another"
    assert stock_page(bureau.office, "demo", StockFilter(serial="000099")).total == 11
    assert stock_page(bureau.office, "demo", StockFilter(serial="B%9")).total == 0, "a percent sign is one"
    assert stock_page(bureau.office, "demo", StockFilter(state="on_truck", crew="B")).total == 1


# --- over the wire ------------------------------------------------------------------------------


@pytest.fixture
def asking(bureau: Bureau) -> Iterator[Callable[..., requests.Response]]:
    with serving(bureau) as url, requests.Session() as session:
        signed = session.post(url + "/v1/sessions", json={"user": "sofia", "pin": "481605"}, timeout=20)
        session.headers["Authorization"] = f"Bearer {signed.json()['token']}"

        def ask(method: str, path: str, **options: Any) -> requests.Response:
            return session.request(method, url + path, timeout=20, **options)

        yield ask


def test_the_gateway_gives_pages_moves_once_and_notes_who_moved_what(
    bureau: Bureau, asking: Callable[..., requests.Response]
) -> None:
    first = asking("GET", "/v1/stock", params={"project": "demo", "limit": "1"}).json()
    assert (first["total"], [one["serial"] for one in first["devices"]]) == (2, [OWN])
    body = {
        "project": "demo", "key": uuid.uuid4().hex, "movement": "transferred", "serials": [OWN], "crew": "B",
    }  # fmt: skip
    answers = [asking("POST", "/v1/stock/moves", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    noted = audit.acts(bureau.office)[0]
    assert (noted.who, noted.act, noted.object, noted.outcome) == (
        "sofia",
        "POST /v1/stock/moves",
        OWN,
        "done",
    )
    refused = asking("POST", "/v1/stock/moves", json=body | {"key": uuid.uuid4().hex})
    assert (refused.status_code, refused.json()["code"]) == (409, "there_already")
    short = asking("POST", "/v1/stock/moves", json=body | {"key": "k"})
    assert short.status_code == 400
    assert asking("GET", "/v1/stock", params={"project": "demo", "limit": "501"}).status_code == 400
    with bureau.office.store.read() as connection:
        assert queries.stock(connection, crew="B", limit=10)[0].serial == OWN


def test_the_command_line_lists_and_moves_in_the_offices_name(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def opened(database: str | None, realm: str | None) -> Iterator[tuple[Office, BlobFiles]]:
        del database, realm
        yield bureau.office, bureau.files

    monkeypatch.setattr("fieldtool.commands.opening.opened_office", opened)

    def run(*words: str) -> Any:
        told = CliRunner().invoke(app, ["gateway", *words, "--project", "demo", "--json"])
        return json.loads(told.stdout) if told.exit_code == 0 else told.exit_code

    assert run("stock-move", "transfer", OWN, "--to", "B", "--user", "sofia", "--key", "k1") == run(
        "stock-move", "transfer", OWN, "--to", "B", "--user", "sofia", "--key", "k1"
    )
    found = run("stock", "--serial", "0001", "--limit", "1")
    assert (found["total"], found["devices"][0]["crew"], found["devices"][0]["moved_by"]) == (1, "B", "sofia")
    assert run("stock-move", "write-off", OWN) == 1, "a reason is needed"
    assert {row["crew"]: row["number"] for row in run("stock")["figures"]} == {"B": 2}
