"""The photo of the whole panel as a step of the panel's own order, counted against its meters' orders."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

import assets
from fieldtool.errors import StepRefused
from fieldtool.headless import HeadlessRun
from fieldtool.procedure.views import PanelPhotoBody, RunEnd
from fieldtool.run import ProcedureRun, panels
from fieldtool.tablet import panelphoto
from fieldtool.tablet.panelphoto import photo_of, sight_of
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.panels import PANEL, SERIALS, SPARE, PanelTablet, as_tablet, panel_tablet
from tests.fieldtool.world import codes
from tests.support.panel_images import panel_photo
from workorders.journal.kinds import OrderIssued
from workorders.journal.sealing import new_order_key
from workorders.journal.words import TaskKind
from workorders.orders import Customer, NewAsset, Place, WorkOrder, order_plain, seal_customer
from workorders.store import keys

FOREIGN = "ZIV0099999999"


@pytest.fixture
def tablet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelTablet:
    return with_photos(panel_tablet(tmp_path, monkeypatch))


def with_photos(tablet: PanelTablet) -> PanelTablet:
    """A tablet whose runs see its panels' photos, and whose truck carries the meters."""
    tablet.desk.now().folders["labels"] = assets.root() / "labels"
    rows = [SimpleNamespace(serial=serial, state="on_truck") for serial in [*SERIALS, SPARE]]
    tablet.stock = lambda: rows  # type: ignore[attr-defined]  # what a photo asks for beyond a panel run
    world = tablet.world
    world.around = dataclasses.replace(
        world.around, panel_photo=lambda panel: sight_of(as_tablet(tablet), panel)
    )
    return tablet


def panel_order(tablet: PanelTablet, panel: str = PANEL) -> WorkOrder:
    """The order that mounts the panel itself, issued."""
    world = tablet.world
    given = w.order(
        mrid="order-panel",
        number="RN-P",
        kind=TaskKind.INSTALL_PANEL,
        procedure="panel",
        program=None,
        old_asset=None,
        new_asset=NewAsset(serial="PN-0001", model="panel"),
        place=Place(transformer="CT-28101", panel=panel),
    )
    key = new_order_key()
    with world.store.write() as connection:
        keys.put_order_key(connection, given.mrid, key)
    customer = Customer(name="Ana", address="Calle 1", phone="1", position="39.4,-0.3")
    issued = OrderIssued(order=order_plain(given), customer=seal_customer(customer, key, given.mrid))
    world.journal.append(issued, order_id=given.mrid)
    return given


def at_the_step(tablet: PanelTablet) -> ProcedureRun:
    run = ProcedureRun(tablet.surroundings(), panel_order(tablet))
    run.start()
    scan = {"serial": "PN-0001", "codes": ["PN-0001"], "identities": {}}
    work(run, {"slot_count": {"value": "6"}, "new_scan": scan, "match": PASSED}, until="photo_slots")
    step = run.shown_step()
    assert step is not None
    assert step.id == "photo_slots"
    return run


PASSED = {"override": {"person": "lead", "reason": "confirmado", "pin": "482615"}}


def jpeg(**serials: str) -> bytes:
    hung = {int(slot[1:]): serial for slot, serial in serials.items()}
    missing = tuple(slot for slot in range(1, 7) if slot not in hung)
    photo = panel_photo(2, 3, roll=4, yaw=6, size=(1200, 1600), serials=hung, missing=missing, extra=False)
    return bytes(cv2.imencode(".jpg", photo.image)[1].tobytes())


def body(run: ProcedureRun) -> PanelPhotoBody:
    page = run.view(w.Language.ES).current
    assert page is not None
    assert isinstance(page.body, PanelPhotoBody)
    return page.body


def test_the_photo_is_counted_against_the_orders_of_the_panel_and_kept_on_its_order(
    tablet: PanelTablet,
) -> None:
    run = at_the_step(tablet)
    first, second, third = SERIALS
    assert not body(run).taken
    photo_of(as_tablet(tablet), PANEL).take(jpeg(s1=first, s2=second, s3=third, s4=SPARE))
    shown = body(run)
    assert (shown.expected, shown.right, shown.missing, shown.foreign) == (3, 3, [], [])
    step = run.procedure.step("photo_slots")
    assert isinstance(step, panels.m.PanelPhotoStep)
    run.accept({"photos": [panels.take(run, step)]})
    answer = run.state.answer("photo_slots")
    assert answer is not None
    assert (answer.expected, answer.right) == (3, 3)  # type: ignore[union-attr]
    work(run, {"administrator": {"outcome": "absent"}})
    assert run.state.end is RunEnd.COMPLETED


def test_what_is_missing_and_what_does_not_belong_stops_until_somebody_says_why(tablet: PanelTablet) -> None:
    run = at_the_step(tablet)
    photo_of(as_tablet(tablet), PANEL).take(jpeg(s1=SERIALS[0], s2=SERIALS[2], s4=SPARE, s5=FOREIGN))
    step = run.procedure.step("photo_slots")
    assert isinstance(step, panels.m.PanelPhotoStep)
    taken = panels.take(run, step)
    with pytest.raises(StepRefused) as caught:
        run.accept({"photos": [taken]})
    assert codes(caught) == {"panel_wrong", "panel_missing"}
    named = {problem.code: problem.params["named"] for problem in caught.value.problems}
    assert FOREIGN in named["panel_wrong"]
    assert SERIALS[1] in named["panel_missing"]
    run.accept({"photos": [taken], "reason": "otherwise_on_site", "note": "falta un departamento"})
    work(run, {"administrator": {"outcome": "absent"}})
    assert run.state.end is RunEnd.COMPLETED


def test_without_a_photo_the_step_is_not_passed(tablet: PanelTablet) -> None:
    run = at_the_step(tablet)
    with pytest.raises(StepRefused) as caught:
        run.accept({"photos": []})
    assert codes(caught) == {"photo_missing", "panel_not_read"}


def test_the_order_that_mounts_the_panel_is_no_meter_of_it(tablet: PanelTablet) -> None:
    """Its own number was expected in a slot, and missing for ever."""
    panel_order(tablet)
    photo = photo_of(as_tablet(tablet), PANEL)
    photo.take(jpeg(s1=SERIALS[0], s2=SERIALS[1], s3=SERIALS[2], s4=SPARE))
    verdict = photo.verdict()
    assert verdict is not None
    assert (verdict.expected, verdict.missing) == (3, ())


def test_a_photo_of_another_visit_is_forgotten(tablet: PanelTablet, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = photo_of(as_tablet(tablet), PANEL)
    photo.take(jpeg(s1=SERIALS[0], s2=SERIALS[1], s3=SERIALS[2], s4=SPARE))
    assert photo_of(as_tablet(tablet), PANEL) is photo
    monkeypatch.setattr(panelphoto, "FRESH_S", -1.0)
    assert photo_of(as_tablet(tablet), PANEL) is not photo


def test_the_answers_of_a_file_name_the_picture(tablet: PanelTablet, tmp_path: Path) -> None:
    run = at_the_step(tablet)
    picture = jpeg(s1=SERIALS[0], s2=SERIALS[1], s3=SERIALS[2], s4=SPARE)
    (tmp_path / "panel.jpg").write_bytes(picture)
    answers = {"photo_slots": {"image": "panel.jpg"}}
    outcome = HeadlessRun(run, answers, pictures=tmp_path, stop_before="place").go()
    assert (outcome.state, outcome.step) == ("stopped", "place")
