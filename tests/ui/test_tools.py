"""The meter tool and the sync page."""

from __future__ import annotations

from collections.abc import Callable

from tests.ui.person import Person
from ui import views
from ui.preview.tablet import PreviewTablet


def test_reading_a_meter_shows_what_it_says_and_what_is_wrong_with_the_wiring(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet(meter_view=views.Meter(state="ready"))) as crew:
        crew.screens.app.go("meter")
        crew.tap("Leer")
        crew.until_sees("Transformador de corriente de L2 invertido")
        assert crew.sees("−8,29")
        crew.tap("Eventos")
        crew.until_sees("Tapa de bornes abierta")


def test_a_sync_takes_away_what_waited(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("sync")
        crew.until_sees("12 por enviar")
        crew.tap("Intentar ahora")
        crew.until_sees("Todo enviado")
        crew.until(lambda: crew.sees("Conectado · último 10:50"))


def test_without_a_probe_the_page_says_what_to_do(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(meter_view=views.Meter(state="absent"))) as crew:
        crew.screens.app.go("meter")
        crew.until_sees("No hay sonda")
        assert crew.button("Leer") is None
