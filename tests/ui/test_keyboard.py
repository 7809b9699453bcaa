"""Everything is reached without a finger: Tab, arrows, Enter, Escape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.fieldtool.world import make_world
from tests.ui.person import Person
from tests.ui.test_exchange import Exchange
from tests.ui.world_tablet import wired
from ui.gallery.render import read
from ui.preview.tablet import RIGHT_PIN, PreviewTablet

STRIP, RAIL = 64, 112


def tab_to(crew: Person, text: str) -> None:
    """Presses Tab until the focus is on what is called so."""
    crew.until_sees(text)
    crew.until(lambda: crew.window.isActive())
    for _ in range(60):
        item = crew.window.activeFocusItem()
        names = [str(read(item, name)) for name in ("text", "title")] if item is not None else []
        if any(name.startswith(text) for name in names):
            return
        crew.press(Qt.Key.Key_Tab)
    raise AssertionError(f"Tab never came to {text!r}")


def test_a_crew_signs_in_opens_an_order_and_goes_a_step_on_by_keyboard(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as crew:
        crew.until_sees("¿Quién trabaja con este equipo?")
        tab_to(crew, "María")
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Escriba su PIN")
        crew.type(RIGHT_PIN)
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("posición 14")
        crew.press(Qt.Key.Key_Down)
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Cambio de medidor · SCZ-118204")
        tab_to(crew, "Continuar en paso 11")
        crew.press(Qt.Key.Key_Return)
        crew.until_sees("Sitio y cliente")
        tab_to(crew, "Sí, estoy aquí")
        crew.press(Qt.Key.Key_Return)
        crew.until(lambda: tablet.step == "hazards")
    assert tablet.answers[0][0] == "site"


class Keys(Person):
    """A person without a finger: what they would tap they come to by Tab, and press Enter."""

    def tap(self, text: str) -> None:
        """Figures are typed; all else is come to."""
        if text.isdigit():
            self.type(text)
        else:
            super().tap(text)

    def tap_item(self, item: QQuickItem) -> None:
        """Tab until the focus is there, then Enter."""
        self.come_to(item)
        self.press(Qt.Key.Key_Return)
        self.taps += 1

    def come_to(self, item: QQuickItem) -> None:
        """Tab until the focus is there."""
        self.until(lambda: self.window.isActive())
        for _ in range(80):
            if item.hasActiveFocus():
                return
            self.press(Qt.Key.Key_Tab)
        raise AssertionError(f"Tab never came to {read(item, 'text')!r}")

    def hold(self, text: str, milliseconds: int) -> None:
        """Keeps the space bar down on a button."""
        button = self.button(text)
        assert button is not None
        self.come_to(button)
        QTest.keyPress(self.window, Qt.Key.Key_Space)
        self.bot.wait(milliseconds)
        QTest.keyRelease(self.window, Qt.Key.Key_Space)


class ExchangeByKeys(Exchange):
    """The signature is drawn with the arrows."""

    def do_signature(self) -> None:
        pad = next(
            item for item in self.crew.visible() if item.metaObject().className().startswith("SignaturePad")
        )
        assert isinstance(self.crew, Keys)
        self.crew.come_to(pad)
        assert self.crew.button("Guardar firma") is not None
        self.crew.press(Qt.Key.Key_Space)
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Right):
            self.crew.press(key)
        self.crew.press(Qt.Key.Key_Space)
        self.crew.tap("Guardar firma")


def test_a_whole_exchange_is_done_without_a_finger(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch)
    backend, sight = wired(world, tmp_path)
    with Keys(qtbot, backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        ExchangeByKeys(crew, sight, world).finish()
        crew.until_sees("Orden terminada. Guardada en este equipo.")
    assert world.kinds()[-1] == "order.completed"


def test_a_supervisor_opens_a_case_and_chooses_from_a_list_by_keyboard(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.session.choose("p4")
        crew.screens.app.session.enter(RIGHT_PIN)
        crew.until(lambda: crew.screens.app.place == "board")
        crew.screens.app.go("exceptions")
        crew.until_sees("Misma serie en dos lugares")
        tab_to(crew, "Misma serie")
        crew.press(Qt.Key.Key_Down)
        crew.press(Qt.Key.Key_Return)
        crew.until(lambda: crew.screens.app.office.case.get("id") == "e2")
        crew.screens.app.go("officeOrders")
        tab_to(crew, "Por aprobar")
        crew.press(Qt.Key.Key_Space)
        crew.until_sees("Atrasadas")
        crew.press(Qt.Key.Key_Escape)
        crew.until(lambda: not crew.sees("Atrasadas"))


@pytest.mark.parametrize("place", ["sync", "more", "meter", "board", "exceptions", "officeOrders"])
def test_the_first_tab_leads_into_the_page(person: Callable[..., Person], place: str) -> None:
    with person(PreviewTablet(), inline=True) as crew:
        crew.screens.app.session.choose("p4" if place in ("board", "exceptions", "officeOrders") else "p1")
        crew.screens.app.session.enter(RIGHT_PIN)
        crew.screens.app.go(place)
        crew.until(lambda: crew.window.isActive() and crew.screens.app.place == place)
        crew.press(Qt.Key.Key_Tab)
        item = crew.window.activeFocusItem()
        assert item is not None
        assert crew.place(item).y() > STRIP
        assert crew.place(item).x() > RAIL


def test_what_the_keyboard_comes_to_is_scrolled_into_view(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(step="place")) as crew:
        crew.screens.app.startOrder("SCZ-118204")
        crew.until_sees("Ubicación en la red")
        tab_to(crew, "24")
        item = crew.window.activeFocusItem()
        foot = crew.button("Atrás")
        assert item is not None
        assert foot is not None
        bottom = item.mapToScene(QPointF(0, item.height())).y()
        assert bottom <= foot.mapToScene(QPointF(0, 0)).y()
