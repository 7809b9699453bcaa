"""*Existencias*: devices are gathered one by one, and one act takes them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldtool.run.surroundings import Person as Signed
from fieldtool.text import Language
from tests.fieldtool.enrolled import enrolled_tablet
from tests.ui.person import Person
from tests.workorders.offices import Bureau
from ui.preview.tablet import PreviewTablet
from ui.wiring.formats import Formats
from ui.wiring.stock import move_stock, stock_view
from workorders.people import Role


def test_a_crew_hands_meters_on_from_the_stock_page(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as crew:
        crew.screens.app.go("more")
        crew.tap("Ver y mover")
        crew.until_sees("En este camión")
        crew.tap("Entregar a otra cuadrilla")
        crew.until_sees("elija la cuadrilla")
        crew.tap("Cuadrilla Piraí")
        crew.until_sees("escanee al menos uno")
        crew.tap("Escanear")
        crew.until(lambda: crew.screens.app.stock.picked == ["37904000009"])
        crew.screens.app.scan.close()
        crew.until(lambda: not crew.screens.app.scan.open)
        crew.screens.app.stock.pick(" 37904000009 ")
        crew.screens.app.stock.pick("37904000132")
        crew.tap("Guardar")
        crew.until_sees("2 equipos guardados en este equipo")
    assert tablet.answers == [
        ("stock:transfer", {"serials": ["37904000132", "37904000009"], "crew": "SCZ-02"})
    ]


def test_a_count_shows_what_does_not_agree(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("stock")
        crew.until_sees("En este camión")
        crew.tap("Contar")
        crew.tap("Cerrar el conteo")
        crew.until_sees("Falta 37904000246")
        crew.tap("Contar")
        crew.tap("Cancelar")
        assert crew.sees("Existencias")


def test_the_real_tablet_tells_in_words_what_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet = enrolled_tablet(Bureau.open(tmp_path / "office"), tmp_path / "home", monkeypatch)
    tablet._person = Signed(id="ana", name="Ana", role=Role.INSTALLER, crew="A")
    formats = Formats(
        Language.ES,
        ZoneInfo("America/Lima"),
        lambda text, **values: text.format(**values),
        tablet.desk.now().folders,
    )
    shown = stock_view(tablet, formats)
    assert [(row.serial, row.state) for row in shown.rows] == [("ZIV0000000001", "En el camión")]
    assert [crew.key for crew in shown.crews] == ["B"]
    done = move_stock(tablet, "receive", ["ZIV0000009999"], "", formats)
    assert (done.tone, done.doubts) == ("attention", ("ZIV0000009999: no está en la lista",))
    counted = move_stock(tablet, "count", ["ZIV0000000001"], "", formats)
    assert counted.doubts == ("Falta ZIV0000009999",)
    assert move_stock(tablet, "transfer", ["ZIV0000000001"], "B", formats).tone == "good"
    assert [row.serial for row in stock_view(tablet, formats).rows] == ["ZIV0000009999"]
