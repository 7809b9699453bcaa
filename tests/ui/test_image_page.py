"""Firmware on the screen: on a virtual meter in another process, and the page itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt

from drivers.virtual.image_file import make_image
from fieldtool.run.surroundings import Person
from fieldtool.tablet.tablet import Tablet
from tests.drivers.field import Meter, virtual_meter
from tests.drivers.test_image import PRODUCT, SIZE
from tests.fieldtool.world import make_world
from tests.ui.person import Person as Crew
from tests.ui.test_meter_live import AtMeter
from tests.ui.world_tablet import CrewOnly, wired
from ui import imageviews, views
from ui.gallery.render import read
from ui.preview import images
from ui.preview.tablet import PreviewTablet
from workorders.journal import kinds
from workorders.journal.lifts import read_payload
from workorders.people import Role
from workorders.store import entries, schema


@pytest.fixture
def meter() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.2") as running:
        yield running


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meter: Meter) -> Iterator[CrewOnly]:
    """A tablet that has read the meter, with one right image and one of another model."""
    world = make_world(tmp_path, monkeypatch)
    monkeypatch.undo()
    folder = tmp_path / "home" / "firmware"
    folder.mkdir(parents=True)
    (folder / "fw140.bin").write_bytes(make_image(PRODUCT, "V1.40.00", SIZE))
    (folder / "fw140.bin.toml").write_text(
        'models = ["prime-1ph"]\nversion = "V1.40.00"\nidentifier = "FW140"', encoding="utf-8"
    )
    (folder / "other.bin").write_bytes(b"other")
    (folder / "other.bin.toml").write_text('models = ["g3-1ph"]', encoding="utf-8")
    scripted, _ = wired(world, tmp_path)
    tablet = AtMeter(world, tmp_path, meter)
    made = CrewOnly(cast("Tablet", tablet), scripted.translator, scripted.camera)
    made.read_meter(lambda view: None)
    made.leave_meter()
    yield made
    made.leave_meter()


def sign_in(backend: CrewOnly, role: Role) -> None:
    cast("AtMeter", backend.tablet).signed_in = Person(id="p", name="Luz", role=role, crew="PRM-01")


def written(backend: CrewOnly) -> list[tuple[str, str]]:
    """Writes in the tablet's chain: what was intended, and what became of it."""
    table = schema.entry
    with backend.tablet.store.read() as connection:
        found = entries.fold_order(connection, table.c.order_id.is_(None))
    told = []
    for entry in found:
        payload = read_payload(entry.envelope)
        if isinstance(payload, kinds.MeterIntent):
            told.append(("intent", payload.name or ""))
        elif isinstance(payload, kinds.MeterChanged):
            told.append(("outcome", payload.state))
    return told


def test_an_image_is_sent_stopped_resumed_and_runs_once_confirmed(backend: CrewOnly, meter: Meter) -> None:
    """Stopping leaves the meter as it was and costs nothing that was sent; all of it is in the journal."""
    image = backend.image()
    shown = image.load()
    assert [(row.title, bool(row.blocked)) for row in shown.files] == [
        ("fw140.bin", False),
        ("other.bin", True),
    ]
    image.choose(shown.files[1].key)
    with pytest.raises(views.Failure, match="otro modelo"):
        image.send(lambda view: None)
    assert written(backend) == []

    shown = image.choose(shown.files[0].key)
    assert [fact.tone for fact in shown.facts] == ["good", "", ""]

    def stop_midway(view: imageviews.Image) -> None:
        if view.progress > 0.4 and view.stoppable:
            image.stop()

    stopped = image.send(stop_midway)
    assert (stopped.state, stopped.verdict, stopped.tone) == ("choosing", "Detenido", "attention")
    assert "de 18 bloques" in stopped.verdict_detail
    assert stopped.recorded, "an hour on the line is what one wants to look into"
    heard = backend.recordings().of_meter()
    assert heard.title == meter.serial
    assert any("action-request" in frame.text for frame in heard.frames)

    seen: list[imageviews.Image] = []
    shown = image.send(seen.append)
    assert (shown.state, shown.verdict) == ("verified", "Imagen comprobada")
    assert not shown.verdict_detail.startswith("18 "), "what the meter holds is not sent again"
    assert any(view.left for view in seen)

    assert shown.not_yours, "an installer sends; who may not bring it back does not let it run"
    with pytest.raises(views.Failure) as refused:
        image.activate(meter.serial[-4:], lambda view: None)
    assert refused.value.code == "firmware_role"
    sign_in(backend, Role.LEAD)
    assert image.load().not_yours == ""
    with pytest.raises(views.Failure):
        image.activate("0000", lambda view: None)
    done = image.activate(meter.serial[-4:], seen.append)
    assert (done.state, done.verdict_detail) == ("activated", "V1.36.04 → V1.40.00")
    assert any("reinicia" in view.progress_text and not view.stoppable for view in seen)
    assert written(backend) == [
        ("intent", "firmware image"),
        ("outcome", "failed"),
        ("intent", "firmware image"),
        ("outcome", "verified"),
        ("intent", "firmware activation"),
        ("outcome", "verified"),
    ]
    assert backend.meter().state == "ready", "what was read is of the former firmware"


def test_another_meter_at_the_probe_gets_nothing(backend: CrewOnly) -> None:
    image = backend.image()
    image.choose(image.load().files[0].key)
    with virtual_meter("prime-1ph", "--days", "0", "--serial", "99887766") as other:
        cast("AtMeter", backend.tablet).port = other.url
        image.load()
        image.choose(image.load().files[0].key)
        with pytest.raises(views.Failure) as refused:
            image.send(lambda view: None)
    assert "other" in refused.value.code
    assert written(backend) == []


def test_activation_takes_four_figures_and_a_long_press(person: Callable[..., Crew]) -> None:
    tablet = PreviewTablet(the_image=images.PreviewImage())
    with person(tablet) as crew:
        crew.screens.app.go("image")
        crew.tap("Enviar y comprobar")
        crew.until_sees("Imagen comprobada")
        crew.tap("Activar…")
        crew.until_sees("Qué pasa al activar")
        crew.press(Qt.Key.Key_Escape)
        assert tablet.the_image.asked == ["send"]
        crew.tap("Activar…")
        crew.until_sees("Qué pasa al activar")
        button = crew.button("Activar el firmware")
        assert button is not None
        assert not button.isEnabled()
        crew.type("8736")
        crew.until(lambda: bool(read(crew.button("Activar el firmware"), "enabled")))


def test_an_image_of_another_model_cannot_be_sent(person: Callable[..., Crew]) -> None:
    with person(PreviewTablet(the_image=images.PreviewImage())) as crew:
        crew.screens.app.go("image")
        crew.tap("5ctm-trifasico-v2.11.bin")
        crew.until_sees("esta imagen no sirve aquí")
        button = crew.button("Enviar y comprobar")
        assert button is not None
        assert not button.isEnabled()


def test_who_may_not_activate_is_told_who_does(person: Callable[..., Crew]) -> None:
    with person(PreviewTablet(the_image=images.PreviewImage(images.NOT_YOURS))) as crew:
        crew.screens.app.go("image")
        crew.until_sees("Activa firmware el jefe de cuadrilla, supervisión o ingeniería.")
        button = crew.button("Activar…")
        assert button is not None
        assert not button.isEnabled()


def test_a_failure_leaves_the_page_with_the_recording_of_what_failed(
    backend: CrewOnly, person: Callable[..., Crew]
) -> None:
    cast("AtMeter", backend.tablet).meter.secrets["block_key"] = bytes(16)
    with person(backend) as crew:
        crew.screens.app.go("image")
        crew.tap("fw140.bin")
        crew.tap("Enviar y comprobar")
        crew.until_sees("Ver grabación", patience=6)
        crew.tap("Ver grabación")
        crew.until_sees("Grabación de la sesión óptica")
        crew.until(lambda: crew.screens.app.recording.recording["tone"] == "wrong")
