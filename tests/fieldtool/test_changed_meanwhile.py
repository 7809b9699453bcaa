"""The office changes an order while a crew is at it and the tablet syncs: what counts is the order of now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fieldtool.errors import JobError
from fieldtool.run.surroundings import Person
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool import world as w
from tests.fieldtool.enrolled import enrolled_tablet
from tests.fieldtool.world import make_world, walk
from tests.workorders.offices import Bureau
from workorders.gateway import acts
from workorders.journal.kinds import DeviceRemoved, OrderNotDone
from workorders.journal.words import OrderStatus
from workorders.people import Role


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    found = Bureau.open(tmp_path / "office")
    found.now.moment = datetime.now(UTC)
    return found


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    tablet = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    tablet._person = Person(id="ana", name="Ana", role=Role.INSTALLER, crew="A")
    return tablet


def test_a_flag_and_a_serial_that_came_with_a_sync_count_without_a_restart(
    bureau: Bureau, tablet: Tablet
) -> None:
    """The open run kept the order as it was: the relay would have cut off somebody who depends on it."""
    order_id = tablet.find_order("000") or ""
    run = tablet.start(order_id)
    changes = {"flags": ["medical_dependency"], "program_values": {"apn": "x"}}
    acts.change_order(bureau.office, order_id, changes)
    tablet.sync()
    assert tablet.start(order_id) is run
    assert "medical_dependency" in run.job().flags
    assert run.order.program_values == {"apn": "x"}
    assert run.context().order_version == run.order.version == 2


def test_an_order_that_was_cancelled_before_anything_was_done_is_not_gone_on_with(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id = tablet.find_order("000") or ""
    tablet.start(order_id)
    acts.cancel_order(bureau.office, order_id, "duplicate")
    tablet.sync()
    with pytest.raises(JobError) as caught:
        tablet.start(order_id)
    assert caught.value.code == "not_open"


def test_a_crew_with_the_meter_in_its_hands_goes_on_whatever_another_tablet_said(
    bureau: Bureau, tablet: Tablet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = tablet.find_order("000") or ""
    run = tablet.start(order_id)
    tablet.sync()
    other = enrolled_tablet(bureau, tmp_path / "b", monkeypatch)
    other.journal.append(OrderNotDone(reason="weather", crew="A"), order_id=order_id, order_version=1)
    other.sync()
    run.append_beside([DeviceRemoved(serial="M0")])
    tablet.sync()
    assert tablet.detail(order_id).row.status == OrderStatus.NOT_DONE
    assert tablet.start(order_id) is run, "nobody is left with an open box"


def test_the_match_is_made_again_with_the_serial_that_the_office_names_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch)
    run = world.run()
    walk(run, until="new_scan")
    run.accept({"serial": w.OTHER_SERIAL, "codes": [w.OTHER_SERIAL], "identities": {"mac": "404022B8DE87"}})
    world.meters["new"].serial = w.OTHER_SERIAL
    run.read_meter()
    run.accept({})
    assert run.state.match is not None
    assert run.state.match.payload.verdict == "mismatch"
    named = w.NewAsset(serial=w.OTHER_SERIAL, model="prime-1ph")
    run.use(world.around, msgspec.structs.replace(world.order, new_asset=named, version=2))
    assert run.bench.match is not None
    assert run.bench.match.equal
    assert run.accept({}).step == "match"
