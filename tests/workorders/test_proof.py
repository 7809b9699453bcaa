"""What networks say of devices becomes evidence at the office: matched, after the mounting, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from tests.workorders.offices import Bureau, Tablet
from workorders.clock import utc_text
from workorders.gateway.proof import Sighting, Waits, claim, release, settle, take_sightings
from workorders.journal import kinds
from workorders.journal.words import JoinState
from workorders.network.orphans import OrphanList, orphan_page, orphans
from workorders.store import schema

MAC = "40:40:22:12:34:56"


@pytest.fixture
def bureau(tmp_path: Path, each_database: str) -> Iterator[Bureau]:
    opened = Bureau.open(tmp_path)
    opened.now.moment = datetime.now(UTC)  # tablets go by the machine's clock
    yield opened
    opened.office.store.close()


def mount(tablet: Tablet, serial: str, number: int = 0) -> None:
    order_id = tablet.order_ids()[number]
    for payload in (
        kinds.OrderStarted(procedure="exchange", procedure_version=1),
        kinds.DevicePlaced(
            serial=serial,
            model="prime-1ph",
            usage_point=f"U{number}",
            concentrator="C1",
            identities={"mac": MAC},
        ),
        kinds.JoinChecked(serial=serial, state=JoinState.PENDING, how="optical_prime"),
    ):
        tablet.journal.append(payload, order_id=order_id, actor="ana")
    tablet.sync()
    tablet.bureau.now.forward(minutes=1)


def state(bureau: Bureau, serial: str) -> tuple[str, str | None, str]:
    join = schema.join_state
    with bureau.office.store.read() as connection:
        row = connection.execute(select(join).where(join.c.serial == serial)).one()
    return row.state, row.reason, row.how


def test_a_sighting_counts_after_the_mounting_with_a_fine_status_and_is_written_once(bureau: Bureau) -> None:
    tablet = bureau.tablet("A", "t1")
    tablet.sync()
    mount(tablet, "ZIV1")
    now = bureau.office.now()

    fine = Sighting(serial="ZIV1", heard_at=utc_text(now), concentrator="C1", status=2)

    def seen(**word: object) -> Sighting:
        return msgspec.structs.replace(fine, **word)

    poor = [
        seen(heard_at=utc_text(now - timedelta(days=30))),
        seen(status=1),
        seen(heard_at=None),
        seen(heard_at=utc_text(now + timedelta(days=1))),
        seen(serial="NOBODYS"),
    ]
    report = take_sightings(bureau.office, "demo", poor, "concentrator_s24")
    assert (report.seen, report.early, report.unwell, report.silent) == (5, 1, 1, 1)
    assert (report.doubtful, report.foreign, report.known, report.reported) == (1, 1, 0, 0)
    assert state(bureau, "ZIV1")[0] == "pending"
    with bureau.office.store.read() as connection:
        lists = orphans(connection, now=utc_text(now), project="demo")
    assert [row.serial for row in lists.heard_without_site] == ["NOBODYS"]

    good = take_sightings(bureau.office, "demo", [seen()], "concentrator_s24")
    assert (good.known, good.reported) == (1, 1)
    assert state(bureau, "ZIV1") == ("joined", None, "concentrator_s24")
    later = seen(heard_at=utc_text(now + timedelta(minutes=1)))
    assert take_sightings(bureau.office, "demo", [later], "concentrator_s24").reported == 0
    moved = seen(heard_at=utc_text(now + timedelta(minutes=2)), concentrator="C2")
    assert take_sightings(bureau.office, "demo", [moved], "concentrator_s24").reported == 1
    with bureau.office.store.read() as connection:
        lists = orphans(connection, now=utc_text(now), project="demo")
    assert [(row.serial, row.expected, row.heard_by) for row in lists.other_concentrator] == [
        ("ZIV1", "C1", "C2")
    ]
    assert tablet.sync().equal is True


def test_a_network_that_knows_no_serial_is_matched_by_identity(bureau: Bureau) -> None:
    tablet = bureau.tablet("A", "t1")
    tablet.sync()
    mount(tablet, "ZIV1")
    at = utc_text(bureau.office.now())
    by_mac = Sighting(identity="404022123456", heard_at=at)
    assert take_sightings(bureau.office, "demo", [by_mac], "device_lookup").reported == 1
    assert state(bureau, "ZIV1") == ("joined", None, "device_lookup")
    mount(tablet, "ZIV2", 1)  # with the same MAC: whose word is it?
    assert take_sightings(bureau.office, "demo", [by_mac], "device_lookup").doubtful == 1
    other = Sighting(serial="ZIV2", heard_at=at, identities={"mac": "404022999999"})
    take_sightings(bureau.office, "demo", [other], "concentrator_s24")
    assert state(bureau, "ZIV2")[:2] == ("orphan", "other_identity")
    mount(tablet, "ZIV2", 2)  # and it is said to stand at another supply point too
    with bureau.office.store.read() as connection:
        now = utc_text(bureau.office.now())
        pages = [orphan_page(connection, which, now=now, project="demo") for which in OrphanList]
        late = orphan_page(connection, OrphanList.TWO_PLACES, now=now, project="demo", limit=1, offset=1)
        by_crew = [
            orphan_page(connection, OrphanList.TWO_PLACES, now=now, project="demo", crew=crew)
            for crew in ("A", "B")
        ]
        nowhere = orphan_page(connection, OrphanList.TWO_PLACES, now=now, project="demo", under="GONE")
    assert [(page.total, page.crews) for page in by_crew] == [(2, ["A"]), (0, ["A"])]
    assert {row.crew for row in by_crew[0].rows} == {"A"}
    assert nowhere.total == 0
    found = {page.which.value: (page.total, [row.serial for row in page.rows]) for page in pages}
    assert found["two_places"] == (2, ["ZIV2", "ZIV2"])
    assert (late.total, len(late.rows)) == (2, 1)
    assert set(found["other_identity"][1]) == {"ZIV2"}


def test_waiting_decides_once_and_the_next_word_joins_it_again(bureau: Bureau) -> None:
    tablet = bureau.tablet("A", "t1")
    tablet.sync()
    mount(tablet, "ZIV1")
    mount(tablet, "ZIV2", 1)
    heard = Sighting(serial="ZIV2", heard_at=utc_text(bureau.office.now()), concentrator="C1", status=2)
    take_sightings(bureau.office, "demo", [heard], "concentrator_s24")
    waits = Waits(failed_hours=24, silent_hours=24)
    assert settle(bureau.office, "demo", waits) == {"failed": 0, "silent": 0}
    bureau.now.forward(hours=30)
    assert settle(bureau.office, "demo", waits) == {"failed": 1, "silent": 1}
    assert settle(bureau.office, "demo", waits) == {"failed": 0, "silent": 0}
    assert state(bureau, "ZIV1")[:2] == ("failed", "not_heard_in_time")
    assert state(bureau, "ZIV2")[:2] == ("orphan", "silent")
    bureau.now.forward(minutes=5)
    words = [
        Sighting(serial=one, heard_at=utc_text(bureau.office.now()), status=2) for one in ("ZIV1", "ZIV2")
    ]
    assert take_sightings(bureau.office, "demo", words, "concentrator_s24").reported == 2
    assert state(bureau, "ZIV1")[0] == state(bureau, "ZIV2")[0] == "joined"


def test_of_many_askers_one_asks_and_a_dead_one_lets_go(bureau: Bureau) -> None:
    office, hold = bureau.office, timedelta(minutes=10)
    assert claim(office, "demo", "C1", "a", hold=hold)
    assert not claim(office, "demo", "C1", "b", hold=hold)
    assert claim(office, "demo", "C2", "b", hold=hold)
    bureau.now.forward(minutes=11)
    assert claim(office, "demo", "C1", "b", hold=hold)  # a died
    release(office, "demo", "C1", "a", again=timedelta(0))  # and comes back too late
    assert not claim(office, "demo", "C1", "c", hold=hold)
    release(office, "demo", "C1", "b", again=timedelta(hours=1))
    assert not claim(office, "demo", "C1", "c", hold=hold)
    bureau.now.forward(minutes=61)
    assert claim(office, "demo", "C1", "c", hold=hold)
