"""The list of orders and the page of one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QCoreApplication

from tests.ui.person import Person
from ui.controllers.orders import OrdersModel, fold
from ui.preview import orders
from ui.preview.orders import many_orders
from ui.preview.tablet import PreviewTablet
from ui.views import Failure, OrderRow


def test_search_finds_serial_supply_and_address_without_accents_or_spaces() -> None:
    model = OrdersModel()
    model.fill(orders.ROWS)
    for text, expected in (
        ("72418863", 1),
        ("11822047", 1),
        ("calleria", 2),
        ("begazo lote", 1),
        ("zzz", 0),
        ("", 7),
    ):
        model.search(text)
        assert model.count == expected, text


def test_a_longer_search_never_brings_rows_back_that_a_shorter_one_dropped() -> None:
    model = OrdersModel()
    model.fill(many_orders(2000))
    for text in ("t", "ta", "taj", "tajibos", "tajibos 14", "tajibos 140", "tajibos 14", "jr"):
        model.search(text)
        narrowed = [model.data(model.index(row, 0), 256) for row in range(model.rowCount())]
        fresh = OrdersModel()
        fresh.fill(many_orders(2000))
        fresh.search(text)
        assert narrowed == [fresh.data(fresh.index(row, 0), 256) for row in range(fresh.rowCount())], text


def test_folding_keeps_letters_and_figures_only() -> None:
    assert fold("Áv. Ñuñoa 12-3") == "avnunoa123"


def test_typing_in_the_search_shows_only_what_matches(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("orders")
        crew.until_sees("Av. Centenario")
        field = next(item for item in crew.visible() if item.inherits("QQuickTextField"))
        crew.tap_item(field)
        crew.type("portillo")
        crew.until(lambda: not crew.sees("Av. Centenario"))
        assert crew.sees("Jr. Coronel Portillo 482")
        crew.type("x")
        crew.until_sees("Nada con «portillox»")
        crew.tap("Ver todas las órdenes")
        crew.until_sees("Av. Centenario")


def test_scanning_a_meter_opens_its_order(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("orders")
        crew.tap("Escanear")
        crew.until_sees("Cambio de medidor · SCZ-118207")
        crew.tap("Continuar en paso 11")
        crew.until_sees("Sitio y cliente")


def test_leaving_the_list_while_its_rows_are_still_made_breaks_nothing(person: Callable[..., Person]) -> None:
    """Rows made ahead of time were broken off half made when the page closed: a warning for each."""
    with person(PreviewTablet(rows=many_orders(200)), inline=True) as crew:
        for moment in range(36):
            crew.screens.app.go("orders")
            for _ in range(moment % 6):
                QCoreApplication.processEvents()
                crew.window.grabWindow()
            crew.screens.app.go("more")
            QCoreApplication.processEvents()


def test_what_could_not_be_read_is_said_with_a_way_out(person: Callable[..., Person]) -> None:
    class Broken(PreviewTablet):
        broken = True

        def orders(self) -> tuple[OrderRow, ...]:
            if self.broken:
                raise Failure(
                    "La base de datos está dañada",
                    "Avise a la oficina: lo no enviado se recupera.",
                    "store.corrupt",
                )
            return orders.ROWS

    tablet = Broken()
    with person(tablet) as crew:
        crew.screens.app.go("orders")
        crew.until_sees("La base de datos está dañada")
        assert crew.sees("store.corrupt")
        tablet.broken = False
        crew.tap("Volver a leer")
        crew.until_sees("Av. Centenario")


def test_an_unforeseen_error_shows_a_code_and_no_traceback(person: Callable[..., Person]) -> None:
    class Surprised(PreviewTablet):
        def orders(self) -> tuple[OrderRow, ...]:
            raise ZeroDivisionError("division by zero")

    with person(Surprised()) as crew:
        crew.screens.app.go("orders")
        crew.until_sees("Algo no salió bien")
        assert crew.sees("ZeroDivisionError")
        assert not crew.sees("division by zero")


def test_not_executed_asks_for_what_its_reason_needs(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as crew:
        crew.screens.app.openOrder("SCZ-118204")
        crew.tap("No ejecutada…")
        crew.until_sees("elija el motivo")
        crew.tap("Sin acceso")
        crew.until_sees("falta la foto")
        crew.tap("Tomar foto")
        crew.tap("Cerrar sin ejecutar")
        crew.until_sees("Buscar serie")
    assert tablet.closed == [("SCZ-118204", "no_access", "", "preview")]


def test_a_cancelled_order_cannot_be_started_and_says_why(person: Callable[..., Person]) -> None:
    class Cancelled(PreviewTablet):
        def order(self, order_id: str) -> object:  # type: ignore[override]  # the view itself, changed
            return msgspec.structs.replace(orders.ORDER, status="cancelled", step=0)

    with person(Cancelled()) as crew:
        crew.screens.app.openOrder("SCZ-118204")
        crew.until_sees("la oficina la canceló")
        button = crew.button("Empezar")
        assert button is not None
        assert not button.isEnabled()


def test_the_language_changes_while_the_page_is_open(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("more")
        crew.tap("Português")
        crew.until_sees("Escura, para a noite")
        crew.tap("English")
        crew.until_sees("Dark, for the night")
        crew.tap("Dark")
        crew.until(lambda: crew.screens.app.dark)
