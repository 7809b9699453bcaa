"""A panel's photo answers label and place of the orders in it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

import assets
from fieldtool.scanning.panelcheck import Standing
from fieldtool.tablet.panelphoto import PanelPhoto, Registering
from tests.fieldtool.jobs import work
from tests.fieldtool.panels import PANEL, SERIALS, SPARE, PanelTablet, as_tablet, panel_tablet
from tests.fieldtool.scripted import Meter, ScriptedSession
from tests.support.panel_images import panel_photo

FOREIGN = "ZIV0099999999"


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelTablet:
    tablet = panel_tablet(tmp_path, monkeypatch)
    tablet.desk.now().folders["labels"] = assets.root() / "labels"
    rows = [SimpleNamespace(serial=serial, state="on_truck") for serial in [*SERIALS, SPARE]]
    tablet.stock = lambda: rows  # type: ignore[attr-defined]  # what a photo asks for beyond a panel run
    return tablet


def jpeg(**serials: str) -> bytes:
    hung = {int(slot[1:]): serial for slot, serial in serials.items()}
    photo = panel_photo(2, 3, roll=4, yaw=6, size=(1200, 1600), serials=hung, missing=(6,), extra=False)
    return bytes(cv2.imencode(".jpg", photo.image)[1].tobytes())


def test_a_photo_registers_what_hangs_right_and_outlines_what_does_not(panel: PanelTablet) -> None:
    first, second, third = SERIALS
    panel.bring(first, until="new_scan")
    photo = PanelPhoto(as_tablet(panel), PANEL)
    assert (photo.rows, photo.columns) == (2, 3)
    photo.take(jpeg(s1=first, s2=third, s3=second, s4=SPARE, s5=FOREIGN))
    verdict = photo.verdict()
    assert verdict is not None
    assert [slot.standing for slot in verdict.slots] == [
        Standing.RIGHT,
        Standing.WRONG_SLOT,
        Standing.WRONG_SLOT,
        Standing.RIGHT,
        Standing.FOREIGN,
        Standing.FREE,
    ]
    done = photo.register()
    assert [(one.serial, one.outcome, one.steps) for one in done] == [
        (first, Registering.REGISTERED, ("new_scan",))
    ]
    assert panel.kinds(first)[-2:] == ["photo.taken", "step.done"]
    assert panel.kinds(second) == []
    again = photo.register()
    assert [one.outcome for one in again] == [Registering.LATER]


def test_a_typed_serial_proves_no_label(panel: PanelTablet) -> None:
    panel.bring(SERIALS[0], until="new_scan")
    photo = PanelPhoto(as_tablet(panel), PANEL)
    photo.take(jpeg(s1=FOREIGN, s2=SERIALS[1], s3=SERIALS[2], s4=SPARE, s5="ZIV0012340099"))
    photo.say(1, SERIALS[0], by_camera=False)
    verdict = photo.verdict()
    assert verdict is not None
    assert verdict.slots[0].standing is Standing.RIGHT
    assert [one.outcome for one in photo.register() if one.slot == 1] == [Registering.LATER]
    assert "photo.taken" not in panel.kinds(SERIALS[0])[-2:]


def test_where_label_and_place_are_accepted_nothing_is_left_to_register(panel: PanelTablet) -> None:
    """It said *waits for an earlier step* of an order that wants no more of any photo."""
    ScriptedSession.field["probe"] = Meter(serial=SERIALS[0], energy="0.0")
    work(panel.bring(SERIALS[0]), until="join")
    photo = PanelPhoto(as_tablet(panel), PANEL)
    photo.take(jpeg(s1=SERIALS[0], s2=SERIALS[1], s3=SERIALS[2], s4=SPARE, s5=FOREIGN))
    assert [one.outcome for one in photo.register() if one.slot == 1] == [Registering.NOTHING]
    assert [one.outcome for one in photo.register() if one.slot == 2] == [Registering.LATER]
