"""*Red*: down by rows and up by the button, a search that pauses with the typing, a level that is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldtool.text import Language
from tests.fieldtool.enrolled import enrolled_tablet
from tests.ui.person import Person
from tests.workorders.offices import Bureau
from ui import views
from ui.preview.tablet import PreviewTablet
from ui.wiring.formats import Formats
from ui.wiring.network import network_level
from workorders.network.tree import Node, load_network


def test_a_crew_goes_down_to_a_panel_and_up_again(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("more")
        crew.tap("Ver la red")
        crew.until_sees("Subestación Guaracachi 69/24,9 kV")
        crew.tap("Subestación Guaracachi 69/24,9 kV")
        crew.until_sees("Panel P2, piso 2")
        crew.tap("Panel P2, piso 2")
        crew.until_sees("37904000264")
        crew.tap("Subir")
        crew.until_sees("Panel P1, piso 1")
        crew.screens.app.network.setSearch("zzz")
        crew.until_sees("No hay nada con ese nombre")


def test_the_real_tree_is_walked_and_searched_by_name_and_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formats = Formats(Language.ES, ZoneInfo("America/Lima"), lambda text, **values: text.format(**values))
    tablet = enrolled_tablet(Bureau.open(tmp_path / "office"), tmp_path / "home", monkeypatch)
    try:
        top = network_level(tablet, "", "", 60, formats)
        assert [row.key for row in top.rows] == ["SE"]
        level = network_level(tablet, "SE", "", 60, formats)
        assert {row.key for row in level.rows} >= {"T1"}
        assert [one.key for one in network_level(tablet, "T1", "", 60, formats).path] == ["", "SE"]
        found = network_level(tablet, "", "40:40:22:00:00:01", 60, formats)
        assert [row.key for row in found.rows] == ["C1"]
        assert [row.title for row in network_level(tablet, "", "old0", 60, formats).rows] == ["OLD0"]
        with pytest.raises(views.Failure):
            network_level(tablet, "GONE", "", 60, formats)
    finally:
        tablet.close()


def test_a_search_finds_what_it_found_before_there_were_many_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that ends like more nodes than a page holds was taken for a label, and nothing was found."""
    formats = Formats(Language.ES, ZoneInfo("America/Lima"), lambda text, **values: text.format(**values))
    tablet = enrolled_tablet(Bureau.open(tmp_path / "office"), tmp_path / "home", monkeypatch)
    try:
        with tablet.store.write() as connection:
            nodes = [Node(mrid="T1", kind="transformer", name="T1")]
            nodes += [
                Node(mrid=f"CX{n}", kind="concentrator", name=f"Concentrador {n}", parent="T1")
                for n in range(100)
            ]
            load_network(connection, "demo", nodes)
        found = network_level(tablet, "", "concentrador", 60, formats)
        assert (len(found.rows), found.more) == (60, True)
        assert [row.title for row in network_level(tablet, "", "Concentrador 42", 60, formats).rows] == [
            "Concentrador 42"
        ]
    finally:
        tablet.close()
