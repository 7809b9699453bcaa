"""Signing in with a PIN, by finger and by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from tests.ui.person import Person
from ui.preview.tablet import RIGHT_PIN, PreviewTablet

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
