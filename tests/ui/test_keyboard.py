"""Everything is reached without a finger: Tab, arrows, Enter, Escape."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt

from tests.ui.person import Person
from ui.gallery.render import read
from ui.preview.tablet import RIGHT_PIN, PreviewTablet


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
