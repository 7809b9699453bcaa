"""Recorded sessions on the screen: of an order, of the page *Medidor*; explained in words, and saved."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from PySide6.QtCore import Qt

from drivers.errors import DriverError
from drivers.session.client import OpticalSession
from drivers.trace.record import parse_trace
from drivers.trace.sentences import ENGLISH
from fieldtool import words
from fieldtool.depot.keeping import Recordings
from fieldtool.run.surroundings import Person as Holder
from fieldtool.security.keys import recording_key
from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from tests.drivers.field import virtual_meter
from tests.fieldtool.world import OLD_SERIAL, make_world, walk
from tests.ui.person import Person
from tests.ui.test_meter_live import AtMeter
from tests.ui.world_tablet import CrewOnly, wired
from ui import views
from ui.gallery.render import read
from ui.preview.configuring import PLAN_DONE
from ui.preview.recordings import FAILED, PreviewRecordings
from ui.preview.steps import STEPS
from ui.preview.tablet import PreviewTablet
from workorders.journal.entry import Realm
from workorders.people import Role


@pytest.fixture
def saved_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stick that is plugged in."""
    folder = tmp_path / "stick"
    folder.mkdir()
    monkeypatch.setenv("FIELDTOOL_USB", str(folder))
    return folder


def test_a_failed_session_of_an_order_is_explained_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved_to: Path
) -> None:
    world = make_world(tmp_path, monkeypatch)
    monkeypatch.setattr("fieldtool.commissioning.OpticalSession", OpticalSession)
    backend, _ = wired(world, tmp_path)
    order_id = world.order.mrid
    assert backend.order(order_id).recordings == 0
    with virtual_meter("prime-1ph", "--serial", OLD_SERIAL, "--days", "0") as meter:
        wrong = {name: bytes(value[:-1]) + b"\x00" for name, value in meter.secrets.items()}
        world.around = dataclasses.replace(
            world.around, port_for=lambda role: meter.url, secrets=lambda serial, name: wrong.get(name)
        )
        run = world.run()
        walk(run, until="old_read")
        with pytest.raises(DriverError):
            run.read_meter()
        run.close()
    assert backend.order(order_id).recordings == 1
    recordings = backend.recordings()
    shown = recordings.of_order(order_id)
    assert (shown.title, len(shown.rows), shown.tone) == (world.order.number, 1, "wrong")
    assert shown.rows[0].detail, "the step where it was recorded"
    texts = " ".join(frame.text for frame in shown.frames)
    assert "Pide que se identifique" in texts
    assert "SNRM" in texts
    assert shown.problems == sum(frame.problem for frame in shown.frames) > 0
    first = Path(recordings.save().saved)
    second = Path(recordings.save().saved)
    assert {first.parent, second.parent} == {saved_to}
    assert first != second, "a file of before is never written over"
    assert parse_trace(first.read_text().splitlines())
    backend.translator.use("en")
    assert "Asks who is there" in " ".join(frame.text for frame in recordings.again().frames)


def test_what_the_page_medidor_heard_is_read_also_where_it_failed_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch)
    monkeypatch.undo()
    scripted, _ = wired(world, tmp_path)
    with virtual_meter("prime-1ph", "--days", "0") as meter:
        backend = CrewOnly(
            cast("Tablet", AtMeter(world, tmp_path, meter)), scripted.translator, scripted.camera
        )
        with pytest.raises(views.Failure):
            backend.recordings().of_meter()
        assert backend.read_meter(lambda view: None).recorded
        shown = backend.recordings().of_meter()
        assert (shown.title, shown.verdict) == (meter.serial, "Terminó bien")
        meter.secrets = {name: bytes(value[:-1]) + b"\x00" for name, value in meter.secrets.items()}
        with pytest.raises(views.Failure):
            backend.read_meter(lambda view: None)
    assert backend.meter().recorded
    assert backend.recordings().of_meter().tone == "wrong"
    cache = cast("AtMeter", backend.tablet).home.cache()
    assert not list((cache / "recordings").iterdir()), "readings do not lie about in clear"
    other = Holder(id="another", name="Luz", role=Role.LEAD, crew="PRM-01")
    cast("AtMeter", backend.tablet).signed_in = other
    assert not backend.meter().recorded, "the next person has no business with it"


@pytest.mark.parametrize("language", list(Language))
def test_every_sentence_of_the_explainer_is_said_in_every_language(language: Language) -> None:

    place = re.compile(r"\{\w+\}")
    for code, english in ENGLISH.items():
        said = words.text(f"trace.{code}", language)
        assert words.has(f"trace.{code}", language), code
        assert sorted(place.findall(said)) == sorted(place.findall(english)), code


def test_a_crew_opens_what_failed_and_saves_it(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(the_recordings=PreviewRecordings(FAILED))
    with person(tablet) as crew:
        crew.window.resize(1280, 1600)  # the history of an order lies below the fold
        crew.screens.app.openOrder(tablet.rows[0].id)
        crew.tap("Grabaciones")
        crew.until_sees("16:1 → 2:1 SNRM")
        crew.tap("Solo lo que falló")
        crew.until(lambda: not crew.sees("16:1 → 2:1 SNRM"))
        assert crew.sees("4,9 s de silencio antes")
        crew.tap("Guardar archivo")
        crew.until_sees("RN2600041-1.jsonl")
        blocked = crew.button("ayer 16:48")
        assert blocked is not None
        assert not read(blocked, "enabled")
        crew.press(Qt.Key.Key_Escape)
        crew.until(lambda: crew.screens.app.place == "order")


def test_recordings_of_the_bench_are_opened_from_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: Callable[..., Person]
) -> None:
    """They are sealed: without a page nobody but the command line could read why a meter did not pass."""
    world = make_world(tmp_path, monkeypatch)
    scripted, _ = wired(world, tmp_path)
    tablet = scripted.tablet
    home, key = Home(tmp_path / "home"), recording_key(bytes(32))
    monkeypatch.setattr(tablet, "ports", list, raising=False)
    monkeypatch.setattr(tablet, "home", home, raising=False)
    monkeypatch.setattr(tablet, "realm", Realm.TRAINING, raising=False)
    monkeypatch.setattr(tablet, "keeping", SimpleNamespace(recording_key=lambda: key), raising=False)
    kept = Recordings(home.recordings(Realm.TRAINING), key=lambda: key)
    for serial in ("ZIV0000000001", "ZIV0000000002"):
        running = kept.begin(0)
        assert running is not None
        running.write_bytes(b'{"t":0.0,"trace":2,"mode":"e"}\n{"t":0.1,"dir":"tx","hex":"2F3F210D0A"}\n')
        kept.end(0, serial, passed=False)
    assert scripted.bench().load().recordings == 2
    shown = scripted.recordings().of_bench()
    assert [row.title for row in shown.rows] == ["ZIV0000000002", "ZIV0000000001"]
    assert (shown.title, shown.verdict) == ("ZIV0000000002", "El medidor nunca respondió")
    assert scripted.recordings().choose(shown.rows[1].key).title == "ZIV0000000001"
    preview = PreviewTablet()
    with person(preview) as crew:
        crew.window.resize(1280, 1100)
        crew.screens.app.go("bench")
        crew.tap("Grabaciones")
        crew.until_sees("El medidor dejó de responder.")
        assert preview.the_recordings.asked == ["bench"]


@pytest.mark.parametrize("step", ["read_old", "configure", "relay", "join"])
def test_every_page_of_work_at_a_meter_offers_its_recording(person: Callable[..., Person], step: str) -> None:
    """A plan, a relay or a join can go oddly without failing, and nothing of it was kept then."""
    shown = {"configure": PLAN_DONE, **{name: STEPS[name] for name in ("read_old", "relay", "join")}}[step]
    offered = msgspec.structs.replace(shown, recording="offered")
    tablet = PreviewTablet(step=step, overrides={step: offered})
    with person(tablet) as crew:
        crew.window.resize(1280, 1100)
        crew.screens.app.startOrder(tablet.rows[0].id)
        crew.tap("Adjuntar grabación")
        crew.until(lambda: (f"{step}:recording", {}) in tablet.answers)
