"""The office's stock page: found by place and serial, picked, moved all or none, with who and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.ui.person import Person
from tests.ui.test_keyboard import tab_to
from tests.ui.test_office_filters import Laptop, dropdown
from tests.workorders.servers import serving
from ui import views
from ui.preview.office import PreviewOffice
from ui.preview.stocked import STOCK
from ui.preview.tablet import PreviewTablet

OWN, OTHERS = "ZIV0000000001", "ZIV0000000002"
KEY = "k" * 32


def test_the_page_says_what_the_gateway_holds_and_moves_it(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    with serving(laptop.bureau) as url:
        office = laptop.start(url)
        everything = office.stock("", "", 100)
        assert [(row.serial, row.where, row.place) for row in everything.rows] == [
            (OWN, "En el camión · Cuadrilla A", "truck"),
            (OTHERS, "En el camión · Cuadrilla B", "truck"),
        ]
        assert [one.title for one in everything.wheres] == [
            "Todo", "Almacén · 0", "Cuadrilla A · 1", "Cuadrilla B · 1",
        ]  # fmt: skip
        office.move_stock(KEY, "written_off", (OWN,), "", "nadie lo encontró")
        office.move_stock(KEY, "written_off", (OWN,), "", "nadie lo encontró")
        (lost,) = office.stock("", "0001", 100).rows
        assert (lost.where, lost.reason) == ("Dado de baja", "nadie lo encontró")
        assert lost.moved.startswith("Dado de baja · ")
        with pytest.raises(views.Failure, match="No se movió ningún equipo") as refused:
            office.move_stock(KEY.upper(), "handed_out", (OTHERS, OWN), "A", "")
        assert refused.value.hint == f"{OTHERS} no está en el almacén, {OWN} no está en el almacén"
    stale = office.stock("", "", 100)
    assert (stale.fresh, len(stale.rows)) == (False, 2)
    with pytest.raises(views.Failure) as offline:
        office.stock("", "0001", 100)
    assert offline.value.code == "office_unreachable", "a search is no question to keep an answer of"
    laptop.store.close()


def test_devices_are_picked_over_searches_and_handed_to_a_crew(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.screens.app.go("officeStock")
        first, second = STOCK.rows[0].serial, STOCK.rows[1].serial
        supervisor.tap(first)
        supervisor.until_sees("1 elegido")
        supervisor.screens.app.officeStock.search(second)
        supervisor.until(lambda: supervisor.button(first) is None)
        supervisor.tap(second)
        supervisor.until_sees("2 elegidos")
        supervisor.tap("Entregar…")
        supervisor.until_sees("Entregar 2 equipos")
        confirm = supervisor.button("Anotar")
        assert confirm is not None
        assert not confirm.isEnabled(), "to whom?"
        supervisor.tap_item(dropdown(supervisor, "Cuadrilla"))
        supervisor.tap("Cuadrilla Manantay")
        supervisor.tap("Anotar")
        supervisor.until(lambda: bool(tablet.the_office.decisions))
        supervisor.until(lambda: supervisor.screens.app.officeStock.serials == [])
    assert tablet.the_office.decisions == [(f"{first} {second}", "handed_out PUC-03", "")]


def test_what_lies_in_two_kinds_of_places_is_not_handed_out_and_what_is_installed_not_picked(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet()) as supervisor:
        supervisor.screens.app.go("officeStock")
        supervisor.tap(STOCK.rows[0].serial)
        supervisor.tap(STOCK.rows[2].serial)
        supervisor.until_sees("todos del almacén, o todos de camiones")
        supervisor.screens.app.officeStock.pick(STOCK.rows[4].serial)
        assert len(supervisor.screens.app.officeStock.serials) == 2
        for name in ("Entregar…", "Al almacén…"):
            button = supervisor.button(name)
            assert button is not None
            assert not button.isEnabled()
        supervisor.press(Qt.Key.Key_Escape)
        supervisor.until(lambda: supervisor.screens.app.officeStock.serials == [])


def test_a_device_is_written_off_by_keyboard_with_a_reason(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.screens.app.go("officeStock")
        supervisor.until_sees(STOCK.rows[0].serial)
        supervisor.press(Qt.Key.Key_Down)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("1 elegido")
        tab_to(supervisor, "Dar de baja…")
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("Dar de baja 1 equipo")
        confirm = supervisor.button("Anotar")
        assert confirm is not None
        assert not confirm.isEnabled(), "why?"
        supervisor.until(
            lambda: supervisor.writes_in("Motivo (hace falta)") or not supervisor.press(Qt.Key.Key_Tab)
        )
        supervisor.type("robado")
        tab_to(supervisor, "Anotar")
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until(lambda: bool(tablet.the_office.decisions))
    assert tablet.the_office.decisions[0][1:] == ("written_off", "robado")


@pytest.mark.parametrize("size", [(1280, 800), (800, 1280)])
def test_a_dialog_stands_whole_on_a_ground_of_its_own(
    person: Callable[..., Person], size: tuple[int, int]
) -> None:
    """It had no height: its words stood over the page's, and half of it below the window."""
    with person(PreviewTablet()) as supervisor:
        supervisor.window.resize(*size)
        supervisor.screens.app.go("officeStock")
        supervisor.tap(STOCK.rows[0].serial)
        supervisor.tap("Dar de baja…")
        supervisor.until_sees("Dar de baja 1 equipo")
        (ground,) = [
            item for item in supervisor.visible() if item.metaObject().className() == "QQuickPopupItem"
        ]
        frame = ground.mapRectToScene(ground.boundingRect())
        for name in ("Volver", "Anotar"):
            button = supervisor.button(name)
            assert button is not None
            assert frame.contains(button.mapRectToScene(button.boundingRect()))
        assert supervisor.window.contentItem().boundingRect().contains(frame)


class Deaf(PreviewOffice):
    """The answer to the first movement is lost."""

    def move_stock(self, key: str, movement: str, serials: tuple[str, ...], crew: str, reason: str) -> None:
        self.decisions.append((key, movement, reason))
        if len(self.decisions) == 1:
            raise views.Failure("Sin contacto con la oficina", "", "office_unreachable")


def test_a_movement_asked_for_again_after_a_lost_answer_is_the_same_one(
    person: Callable[..., Person],
) -> None:
    """With a new key the office would refuse it, as done already by somebody."""
    office = Deaf(stocked=STOCK)
    with person(PreviewTablet(the_office=office)) as supervisor:
        supervisor.screens.app.go("officeStock")
        supervisor.tap(STOCK.rows[2].serial)
        stock = supervisor.screens.app.officeStock
        stock.move("returned", "", "")
        supervisor.until_sees("Sin contacto con la oficina")
        assert len(stock.serials) == 1, "what was picked stays picked"
        stock.move("returned", "", "")
        supervisor.until(lambda: stock.serials == [] and not stock.busy)
        stock.pick(STOCK.rows[2].serial)
        stock.move("returned", "", "")
        supervisor.until(lambda: len(office.decisions) == 3)
    keys = [key for key, _, _ in office.decisions]
    assert keys[0] == keys[1] != keys[2]
