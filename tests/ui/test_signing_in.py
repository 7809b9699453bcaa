"""Signing in with a PIN, by finger and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from tests.ui.person import Person
from ui.preview import orders
from ui.preview.tablet import RIGHT_PIN, PreviewTablet
from ui.wiring.start import screens_of_this_machine
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


def test_the_language_is_chosen_before_anybody_signs_in(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.until_sees("¿Quién trabaja con este equipo?")
        crew.tap("English")
        crew.until_sees("Who works with this tablet?")
    state = msgspec.structs.replace(orders.STATUS, enrolled=False)
    with person(PreviewTablet(state=state)) as crew:
        crew.tap("Português")
        crew.until_sees("Inscrever este aparelho")


def test_a_new_passphrase_is_asked_twice_and_says_what_it_still_lacks(person: Callable[..., Person]) -> None:
    state = msgspec.structs.replace(orders.STATUS, locked="new")
    with person(PreviewTablet(state=state)) as crew:
        crew.until_sees("Elija la frase de acceso")
        crew.until(lambda: crew.writes_in("Frase de acceso"))
        crew.type("12345678901")
        crew.until_sees("falta 1 carácter")
        crew.type("2")
        crew.until_sees("no solo cifras")
        crew.type(" y letras")
        crew.press(Qt.Key.Key_Return)
        crew.type("123456789012 y")
        crew.until_sees("las dos no son iguales")
        crew.type(" letras")
        crew.tap("Usar esta frase")
        crew.until_sees(NAME)


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIELDTOOL_PASSPHRASE", raising=False)


def looking_at(qtbot: QtBot, home: Home) -> Person:
    screens, backend = screens_of_this_machine(home)
    return Person(qtbot, backend, screens)


def test_a_machine_without_a_keyring_asks_for_its_passphrase(
    qtbot: QtBot, tmp_path: Path, no_keyring: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Chosen once, asked for at each start; a wrong one is said and costs nothing; it is kept nowhere."""
    home, phrase = Home(tmp_path), "tres tristes contadores"
    crew = looking_at(qtbot, home)
    with crew:
        crew.until_sees("Elija la frase de acceso")
        crew.tap("English")
        crew.until_sees("Choose this tablet's passphrase")
        crew.tap_item(next(item for item in crew.visible() if item.inherits("QQuickTextField")))
        for _ in range(2):
            crew.type(phrase)
            crew.press(Qt.Key.Key_Return)
        crew.until_sees("Enrol this tablet", patience=6)
    crew = looking_at(qtbot, home)
    with crew:
        crew.until_sees("Enter this tablet's passphrase")  # the language was kept
        crew.until(lambda: crew.writes_in("Passphrase"))
        for _ in range(3):
            crew.type("tres tristes medidores")
            crew.press(Qt.Key.Key_Return)
            crew.until_sees("The passphrase does not open this machine's data.", patience=6)
            crew.until(lambda: not crew.screens.app.session.busy)
        crew.type(phrase)
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Enrol this tablet", patience=6)
    assert phrase not in caplog.text
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and phrase.encode() in p.read_bytes()]


def test_data_whose_key_lay_in_a_lost_keyring_asks_for_no_new_passphrase(
    qtbot: QtBot, tmp_path: Path, no_keyring: None
) -> None:
    home = Home(tmp_path)
    home.database(Realm.LIVE).write_bytes(b"encrypted under a key that is not here")
    crew = looking_at(qtbot, home)
    with crew:
        crew.until_sees("Falta la clave de los datos de este equipo.")
        assert not crew.sees("Elija la frase de acceso")


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
