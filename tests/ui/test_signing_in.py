"""Signing in with a PIN, by finger and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt

from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from tests.ui.person import Person
from ui.preview import orders
from ui.preview.tablet import RIGHT_PIN, PreviewTablet
from ui.wiring.unopened import unopened
from workorders.journal.entry import Realm

NAME = "María Quispe Huamán"


def test_a_pin_typed_on_our_own_pad_opens_the_orders(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.tap(NAME)
        for figure in RIGHT_PIN:
            crew.tap(figure)
        crew.tap("Entrar")
        crew.until_sees("Macororó VIII, bloque C, piso 3, panel P3, posición 11")


def test_a_real_keyboard_serves_as_well(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.tap(NAME)
        crew.until_sees("Escriba su PIN")
        crew.type(RIGHT_PIN)
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Buscar serie")


def test_wrong_pins_say_how_many_are_left_and_then_lock_with_a_countdown(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet()) as crew:
        crew.tap(NAME)
        crew.until_sees("Escriba su PIN")
        for expected in ("Quedan 2 intentos", "Queda 1 intento", "Otra vez en 0:30"):
            crew.type("111111")
            crew.press(Qt.Key.Key_Return)
            crew.until_sees(expected)
        crew.type("1")
        assert crew.screens.app.session.lockedSeconds > 0


def test_who_leaves_finds_the_tiles_again(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.session.choose("p1")
        crew.screens.app.session.enter(RIGHT_PIN)
        crew.tap("Más")
        crew.tap("Salir")
        crew.until_sees("¿Quién trabaja con este equipo?")


def test_a_tablet_that_no_office_knows_asks_for_its_code_and_then_shows_its_people(
    person: Callable[..., Person],
) -> None:
    state = msgspec.structs.replace(orders.STATUS, enrolled=False)
    with person(PreviewTablet(state=state)) as crew:
        crew.until_sees("Inscribir este equipo")
        address, code = (item for item in crew.visible() if item.inherits("QQuickTextField"))
        crew.tap_item(address)
        crew.type("https://oficina.example")
        crew.tap_item(code)
        crew.type("corto")
        crew.tap("Inscribir")
        crew.until_sees("Ese código no sirve")
        crew.tap_item(code)
        crew.type("-y-ahora-largo")
        crew.tap("Inscribir")
        crew.until_sees(NAME)


def test_data_that_cannot_be_opened_is_said_in_words(
    person: Callable[..., Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.database(Realm.LIVE).write_bytes(b"this is no database" * 400)
    monkeypatch.setenv("FIELDTOOL_PASSPHRASE", "correct horse battery staple 91")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever part of opening finds it first
        Tablet.open(home, Realm.LIVE)
    assert isinstance(caught.value, Exception)
    with person(unopened(caught.value, Language.ES)) as crew:
        crew.until(lambda: bool(crew.screens.app.session.failure.get("message")))
        assert crew.sees(str(crew.screens.app.session.failure["code"]))
        assert not crew.sees("Traceback")
