"""The scanning view: what is in view, what is refused and why, and the ways without a camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import assets
from drivers import torch
from fieldtool.scanning import Code, Symbology
from fieldtool.scanning.classify import classify
from fieldtool.scanning.rules import load_rules
from fieldtool.settings import Home
from fieldtool.text import Language
from tests.fieldtool.world import OLD_SERIAL, World, make_world
from tests.ui.person import Person
from tests.ui.world_tablet import wired
from ui.app import Screens
from ui.preview import orders
from ui.preview.photo import PreviewCamera
from ui.preview.tablet import PreviewTablet
from ui.views import Failure, Sighting
from ui.wiring.camera import LiveCamera
from ui.wiring.formats import Formats
from ui.wiring.looking import PRINT_AFTER_S
from ui.wiring.scanwords import not_read
from ui.wiring.start import camera_of


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_the_wrong_code_is_refused_with_the_reason_until_the_right_one_comes(
    person: Callable[..., Person],
) -> None:
    state = msgspec.structs.replace(orders.STATUS, enrolled=False)
    tablet = PreviewTablet(state=state, sight=Sighting(refused="Ese código no es de inscripción."))
    with person(tablet) as crew:
        crew.tap("Escanear el QR")
        crew.until_sees("Ese código no es de inscripción.")
        tablet.sight = None
        crew.until_sees("¿Quién trabaja con este equipo?")


def test_without_a_camera_a_hand_held_reader_types_the_code(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(sight=Failure("No hay cámara.", "", "no-camera"))) as crew:
        crew.screens.app.go("orders")
        crew.tap("Escanear")
        crew.until_sees("Sin cámara")
        crew.until(lambda: crew.writes_in("Serie, suministro u orden"))
        crew.type("1LGZ0072418863")
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Cambio de medidor · SCZ-118207")


def test_escape_leaves_the_view_and_the_keyboard_is_back_on_the_page(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(sight=Sighting())) as crew:
        crew.screens.app.go("orders")
        crew.tap("Escanear")
        crew.until(lambda: crew.writes_in("Serie, suministro u orden"))
        crew.press(Qt.Key.Key_Escape)
        crew.until(lambda: not crew.sees("Buscando"))
        assert crew.screens.app.place == "orders"
        assert not crew.screens.app.scan.open


def test_the_serial_of_the_meter_is_not_taken_for_a_seal(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    run = world.run()
    backend.runs._current = run
    looking = backend.looking
    assert looking.look("order").text == OLD_SERIAL
    assert looking.look("seal") == Sighting(
        refused="Es la serie del medidor, no un precinto.", codes=looking.look("seal").codes
    )
    assert looking.look("ticket").refused == "Ese código no es de inscripción."
    sight.look_at_seal("P-004711")
    found = looking.look("seal")
    while found.text != "P-004711":
        found = looking.look("seal")
    [code] = found.codes
    left, top, width, height = code.frame
    assert 0 < left < left + width < 1
    assert 0 < top < top + height < 1
    backend.camera.close()


def test_the_box_and_a_label_that_says_two_serials_are_told_apart_from_nothing() -> None:
    rules = load_rules(assets.root() / "labels")
    formats = Formats(
        language=Language.ES, zone=ZoneInfo("UTC"), say=lambda text, **words: text.format(**words)
    )

    def said(*texts: str) -> Failure:
        codes = [Code(text, Symbology.CODE_128, ((0, 0), (1, 0), (1, 1), (0, 1))) for text in texts]
        return not_read(formats, classify(codes, rules, model="prime-1ph"))

    assert said("BXZIV0012345678B").code == "scan.box"
    two = said("ZIV0012345678", "ZIV0012345679")
    assert two.code == "scan.competing"
    assert "ZIV0012345678, ZIV0012345679" in two.message
    assert said("??").code == "scan.nothing"


def test_another_camera_is_looked_through_and_the_last_one_leads_to_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, shade in (("front", 40), ("back", 200)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.full((90, 120, 3), shade, np.uint8))
    there = [(tmp_path / name).as_uri() for name in ("front", "back")]
    monkeypatch.setattr("ui.wiring.camera.discover", lambda: there)
    camera = LiveCamera()
    assert camera.frame()[0, 0, 0] == 40
    assert camera.other()
    assert camera.frame()[0, 0, 0] == 200
    assert camera.large()[0, 0, 0] == 200
    assert camera.other()
    assert camera.frame()[0, 0, 0] == 40
    monkeypatch.setattr("ui.wiring.camera.discover", lambda: there[:1])
    assert not camera.other()
    camera.close()


def test_the_camera_that_was_chosen_is_looked_through_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, shade in (("front", 40), ("back", 200)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.full((90, 120, 3), shade, np.uint8))
    there = [(tmp_path / name).as_uri() for name in ("front", "back")]
    monkeypatch.setattr("ui.wiring.camera.discover", lambda: there)
    home = Home(tmp_path / "home")
    camera = camera_of(home)
    assert camera.other()
    camera.close()
    again = camera_of(home)
    assert again.frame()[0, 0, 0] == 200
    again.close()
    monkeypatch.setattr("ui.wiring.camera.discover", lambda: there[:1])
    assert camera_of(home).url() == there[0], "it was unplugged"


def test_the_lamp_has_a_button_where_there_is_one_and_goes_off_with_the_view(
    person: Callable[..., Person],
) -> None:
    tablet = PreviewTablet(sight=Sighting(torch="off"))
    with person(tablet) as crew:
        crew.screens.app.go("orders")
        crew.tap("Escanear")
        crew.tap("Linterna")
        crew.until(lambda: tablet.sight.torch == "on")
        crew.tap("Apagar luz")
        crew.until(lambda: tablet.sight.torch == "off")
        crew.tap("Linterna")
        crew.until(lambda: tablet.sight.torch == "on")
        crew.tap("Cancelar")
        crew.until(lambda: tablet.sight.torch == "off")
        tablet.sight = Sighting()
        crew.tap("Escanear")
        crew.until(lambda: crew.screens.app.scan.open and crew.button("Linterna") is None)


def test_the_lamp_goes_off_when_the_camera_is_let_go(tmp_path: Path) -> None:
    """It would burn on in a bag until the battery is empty."""
    led = tmp_path / "white:torch"
    led.mkdir()
    (led / "max_brightness").write_text("1")
    (led / "brightness").write_text("0")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "dark.png"), np.zeros((48, 64, 3), np.uint8))
    camera = LiveCamera(pictures.as_uri(), find_lamp=lambda: torch.find_led(tmp_path))
    assert camera.torch == ""
    camera.frame()
    assert camera.light(True)
    assert (camera.torch, (led / "brightness").read_text()) == ("on", "1")
    camera.close()
    assert (camera.torch, (led / "brightness").read_text()) == ("off", "0")


def test_a_code_that_was_read_is_heard_where_the_crew_wants_it(qtbot: QtBot) -> None:
    heard: list[str] = []
    kept: dict[str, str] = {}
    tablet = PreviewTablet()
    screens = Screens(
        tablet,
        reduced_motion=True,
        sound=lambda: heard.append("beep"),
        remember=kept.__setitem__,
        providers={"camera": PreviewCamera(None)},
    )
    with Person(qtbot, tablet, screens) as crew:
        app = crew.screens.app

        def read_one() -> None:
            app.go("orders")
            crew.tap("Escanear")
            crew.until(lambda: app.place == "order")

        read_one()
        assert heard == []
        crew.window.resize(1280, 1600)  # the page is longer than a tablet
        app.go("more")
        crew.tap("Con sonido")
        assert (heard, kept) == (["beep"], {"beep": "yes"})
        read_one()
        assert len(heard) == 2
        app.startOrder("SCZ-118204")
        crew.until(lambda: app.procedure.stepKey != "")
        app.procedure.act("scan", {})
        crew.until(lambda: len(heard) == 3)
        app.setBeep(False)
        read_one()
    assert (len(heard), kept) == (3, {"beep": ""})


def test_a_machine_without_a_sound_has_no_choice_of_it(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("more")
        crew.until_sees("Idioma")
        assert not crew.sees("Al leer un código")


def test_a_camera_that_is_listed_and_is_not_there_leaves_the_view_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows lists two whatever is plugged in: the button led from the only camera into the dark."""
    (tmp_path / "front").mkdir()
    cv2.imwrite(str(tmp_path / "front" / "a.png"), np.full((90, 120, 3), 40, np.uint8))
    there = [(tmp_path / "front").as_uri(), (tmp_path / "gone.png").as_uri()]
    monkeypatch.setattr("ui.wiring.camera.discover", lambda: there)
    camera = LiveCamera()
    assert not camera.other()
    assert camera.frame()[0, 0, 0] == 40
    camera.close()


def test_print_is_offered_without_a_code_and_goes_nowhere_without_a_tap(
    person: Callable[..., Person],
) -> None:
    """One reading of print in nine is confidently wrong: nothing may be filled in by itself."""
    tablet = PreviewTablet(sight=Sighting(printed="1LGZ0072418863"))
    with person(tablet) as crew:
        crew.screens.app.go("orders")
        crew.tap("Escanear")
        crew.until_sees("Impreso, sin comprobar")
        scan = crew.screens.app.scan
        assert (scan.text, scan.state) == ("", "looking")
        crew.tap("No")
        crew.until(lambda: not crew.sees("Impreso, sin comprobar"))
        assert scan.open
        assert scan.text == ""
        tablet.sight = Sighting(printed="1LGZ0072418864")
        crew.until(lambda: scan.printed == "1LGZ0072418864")
        tablet.sight = Sighting(printed="1LGZ0072418863")
        crew.tap("Sí")
        crew.until(lambda: not scan.open)


def test_print_is_tried_only_for_a_meter_and_after_a_while_without_codes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, _ = wired(world, tmp_path)
    backend.runs._current = world.run()
    looking = backend.looking
    asked: list[int] = []
    monkeypatch.setattr(type(looking._labels()), "printed", lambda self, image: asked.append(1) or "ZIV1")
    now = [100.0]
    monkeypatch.setattr("ui.wiring.looking.time.monotonic", lambda: now[0])
    monkeypatch.setattr("fieldtool.scanning.decode", lambda image, budget_ms: [])
    assert looking.look("order").printed == ""
    now[0] += PRINT_AFTER_S + 0.1
    assert looking.look("seal").printed == ""
    assert looking.look("order").printed == "ZIV1"
    assert looking.look("order").printed == ""
    assert asked == [1]
    backend.camera.close()
