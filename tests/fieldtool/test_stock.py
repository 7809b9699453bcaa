"""The stock in a crew's hands: taken over, handed on, brought back, counted; and what becomes of it."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fieldtool.errors import JobError
from fieldtool.identity import Cause, MatchInput, StockItem, match
from fieldtool.run.surroundings import Person
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.enrolled import enrolled_tablet
from tests.workorders.offices import Bureau
from workorders import sealedbox
from workorders.gateway.keys import keys_for
from workorders.gateway.pull import TabletRow
from workorders.journal.entry import Realm
from workorders.journal.kinds import DevicePlaced, DeviceRemoved
from workorders.people import Role
from workorders.store import projection, queries
from workorders.sync import wire
from workorders.sync.keyring import context

OWN, OTHERS, FOREIGN = "ZIV0000000001", "ZIV0000000002", "ZIV0000009999"


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office")


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return signed_in(enrolled_tablet(bureau, tmp_path / "a", monkeypatch), "ana", Role.INSTALLER)


def signed_in(tablet: Tablet, person: str, role: Role) -> Tablet:
    tablet._person = Person(id=person, name=person, role=role, crew=tablet.identity.crew)
    return tablet


def ring_of(bureau: Bureau, crew: str) -> set[str]:
    """Serials whose secrets the office would give to a tablet of that crew."""
    key = X25519PrivateKey.generate()
    row = TabletRow(tablet_id="t", crew=crew, project="demo", sealing_key=key.public_key().public_bytes_raw())
    answer = keys_for(bureau.office, row, None)
    box = base64.b64decode(answer.sealed or "")
    ring = msgspec.json.decode(sealedbox.open_sealed(key, box, context("t")), type=wire.KeyRing)
    return {item.serial for item in ring.meter_secrets if item.serial.startswith("ZIV")}


def where(tablet: Tablet, serial: str) -> tuple[str, str | None] | None:
    with tablet.store.read() as connection:
        item = queries.stock_by_serial(connection, serial)
    return (item.state, item.crew) if item else None


def test_what_was_handed_to_another_crew_leaves_this_truck_and_comes_to_theirs(
    bureau: Bureau, tablet: Tablet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = signed_in(enrolled_tablet(bureau, tmp_path / "b", monkeypatch, crew="B"), "beto", Role.INSTALLER)
    assert where(other, OWN) is None
    [moved] = tablet.stockroom.transfer([f" {OWN[:3]} {OWN[3:].lower()}"], "B")
    assert (moved.serial, moved.was, moved.crew, moved.doubt) == (OWN, "on_truck", "B", None)
    assert where(tablet, OWN) == ("on_truck", "B")
    tablet.sync()
    other.sync()
    assert where(other, OWN) == ("on_truck", "B")
    assert [item.serial for item in other.stockroom.items()] == [OWN, OTHERS]
    with other.store.read() as connection:
        item = queries.stock_by_serial(connection, OWN)
    assert item is not None
    assert item.identities == {"mac": "404022000101"}
    assert ring_of(bureau, "B") == {OWN, OTHERS}, "who has the meter in hand has its keys"
    assert ring_of(bureau, "A") == set()


def test_the_same_meter_is_a_mismatch_before_it_is_taken_over_and_none_afterwards(tablet: Tablet) -> None:
    def judged() -> Cause | None:
        with tablet.store.read() as connection:
            item = queries.stock_by_serial(connection, OTHERS)
        stock = (
            {}
            if item is None
            else {OTHERS: StockItem(serial=OTHERS, model=item.model, state=item.state, crew=item.crew)}
        )
        given = MatchInput(
            order_serial=None, order_model=None, label=OTHERS, optical=OTHERS, stock=stock, crew="A"
        )
        return match(given).cause

    assert judged() is Cause.NOT_ON_TRUCK
    [row] = tablet.stockroom.receive([OTHERS])
    assert row.doubt == "not_listed"
    assert judged() is None


def test_a_meter_brought_back_is_in_the_store_and_an_old_one_is_returned(tablet: Tablet) -> None:
    room = tablet.stockroom
    room.give_back([OWN])
    assert where(tablet, OWN) == ("in_store", None)
    tablet.journal.append(DeviceRemoved(serial="OLD0", usage_point="U0"), order_id=None, actor="ana")
    assert where(tablet, "OLD0") is None
    room.give_back(["OLD0"])
    assert where(tablet, "OLD0") == ("returned", None)
    assert room.items() == []


def test_what_was_mounted_since_is_installed_whatever_the_truck_said(tablet: Tablet) -> None:
    tablet.stockroom.receive([OWN])
    tablet.journal.append(DevicePlaced(serial=OWN, model="prime-1ph", usage_point="U0"), actor="ana")
    assert where(tablet, OWN) == ("installed", "A")
    assert OWN not in tablet.stockroom.expected("A")
    [row] = tablet.stockroom.transfer([OWN], "B")
    assert row.doubt == "installed"
    assert where(tablet, OWN) == ("installed", "B")
    with tablet.store.read() as connection:
        assert [case.kind for case in queries.exceptions(connection)] == ["stock_standing"]


def test_a_count_tells_the_office_what_is_missing_and_what_nobody_expected(
    bureau: Bureau, tablet: Tablet
) -> None:
    result = tablet.stockroom.count([FOREIGN])
    assert (result.missing, result.unexpected) == ([OWN], [FOREIGN])
    assert where(tablet, OWN) == ("on_truck", "A"), "a count moves nothing"
    tablet.sync()
    with bureau.office.store.read() as connection:
        [case] = [one for one in queries.exceptions(connection) if one.kind == "stock_difference"]
        [counted] = queries.last_counts(connection)
    assert (case.detail["missing"], case.detail["unexpected"]) == (OWN, FOREIGN)
    assert (counted.crew, counted.found, counted.missing, counted.actor) == ("A", 1, [OWN], "ana")
    with bureau.office.store.read() as connection:
        figures = {(row.crew, row.state): row.number for row in queries.stock_figures(connection)}
    assert figures[("A", "on_truck")] == 1


def test_a_device_that_no_list_names_is_counted_in_the_project_that_moved_it(tablet: Tablet) -> None:
    """It stood in the figures of every project."""
    tablet.stockroom.receive([FOREIGN])
    with tablet.store.read() as connection:
        own = queries.stock_figures(connection, project=tablet.identity.project)
        other = queries.stock_figures(connection, project="another")
        whole = queries.stock_figures(connection)
        listed = queries.stock(connection, project=tablet.identity.project)
    assert other == []
    assert own == whole
    assert FOREIGN in {item.serial for item in listed}


def test_an_installer_hands_nothing_out_of_the_store_and_nobody_acts_unseen(tablet: Tablet) -> None:
    with pytest.raises(JobError) as caught:
        tablet.stockroom.hand_out([OWN], "B")
    assert caught.value.code == "stock_role"
    signed_in(tablet, "luz", Role.LEAD).stockroom.hand_out([FOREIGN], "B")
    assert where(tablet, FOREIGN) == ("on_truck", "B")
    tablet._person = None
    with pytest.raises(JobError) as unseen:
        tablet.stockroom.receive([OWN])
    assert unseen.value.code == "nobody_signed_in"
    for serials in ([], ["  "]):
        with pytest.raises(JobError) as nothing:
            signed_in(tablet, "ana", Role.INSTALLER).stockroom.receive(serials)
        assert nothing.value.code == "stock_nothing"


def test_the_projection_folds_stock_the_same_from_nothing(tablet: Tablet) -> None:
    room = tablet.stockroom
    room.transfer([OWN], "B")
    room.receive([FOREIGN, OTHERS])
    room.count([OTHERS])
    tablet.journal.append(DevicePlaced(serial=OTHERS, model="prime-1ph", usage_point="U1"), actor="ana")
    before = projection.digest(tablet.store)
    projection.rebuild(tablet.store)
    assert projection.digest(tablet.store) == before
    assert tablet.identity.realm is Realm.DEMO
