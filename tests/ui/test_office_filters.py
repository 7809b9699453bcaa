"""Plazos: what is chosen holds on every page of the office, over restarts, once the office answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtQuick import QQuickItem

from fieldtool.office import OfficeClient, StoreMemory
from fieldtool.text import Language
from tests.ui.person import Person
from tests.ui.test_keyboard import tab_to
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from ui import officeviews, views
from ui.gallery.render import read
from ui.preview import sla
from ui.preview.office import PreviewOffice
from ui.preview.tablet import PreviewTablet
from ui.wiring.formats import Formats
from ui.wiring.office import WiredOffice
from ui.wiring.officesla import KeptChoices
from workorders.store.engine import Store, open_store
from workorders.store.settings import set_setting


def say(text: str, **params: str) -> str:
    return text.format(**params) if params else text


class Laptop:
    """A supervisor's machine beside an office with eight orders, four each for crews A and B."""

    def __init__(self, folder: Path) -> None:
        self.bureau = Bureau.open(folder, pins={"sofia": "481605"})
        self.store: Store = open_store(folder / "laptop" / "tablet.db", b"d" * 32, role="tablet")

    def start(self, url: str, user: str = "sofia", pin: str = "481605") -> WiredOffice:
        """The program, started (again)."""
        client = OfficeClient(url, StoreMemory(self.store), self.bureau.office.now)
        client.sign_in(user, pin)
        formats = Formats(Language.ES, ZoneInfo("America/Lima"), say)
        kept = KeptChoices(lambda: self.store)
        return WiredOffice(lambda: client, lambda: formats, self.bureau.office.now, kept)


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    found = Laptop(tmp_path)
    yield found
    found.store.close()


def set_(table: officeviews.Sla) -> dict[str, str]:
    return {one.name: one.current for one in table.filters if one.current}


def test_a_filter_holds_on_every_page_and_after_a_restart(laptop: Laptop) -> None:
    with serving(laptop.bureau) as url:
        office = laptop.start(url)
        assert [(row.title, row.on_time) for row in office.sla().rows] == [
            ("Cuadrilla A", "4"),
            ("Cuadrilla B", "4"),
        ]
        assert set_(office.choose("crew", "=B")) == {"crew": "=B"}
        assert office.listed("late", 100).filters == (
            views.Choice(key="crew", title="Cuadrilla: Cuadrilla B"),
        )
        assert office.orphans("site_never_heard", None, None, 100).crew == "B"
        again = laptop.start(url)
        assert (again.sla().total or sla.SLA.rows[0]).on_time == "4"
        assert again.listed("late", 100).filters[0].title == "Cuadrilla: Cuadrilla B", (
            "by its name, not its key"
        )
        assert again.orphans("site_never_heard", None, "", 100).crew == ""
        assert set_(again.sla()) == {}, "what the orphans' page takes away is gone everywhere"


def test_a_place_that_is_no_zone_of_orders_narrows_the_orphans_alone(laptop: Laptop) -> None:
    """Orders are told apart by zones, orphans by any node: under a node that none has, no order is left."""
    with serving(laptop.bureau) as url:
        office = laptop.start(url)
        (zone,) = [one for one in office.sla().filters if one.name == "zone"]
        assert [one.key for one in zone.options] == ["", "=SE"]
        assert office.orphans("silent", "T1", None, 100).zone == "T1"
        assert set_(office.sla()) == {}
        assert laptop.start(url).orphans("silent", None, None, 100).zone == "T1"
        assert office.orphans("silent", "SE", None, 100).zone == "SE"
        assert set_(office.sla()) == {"zone": "=SE"}
        office.choose("", "")
        assert office.orphans("silent", None, None, 100).zone == ""


def test_without_contact_nothing_is_chosen_that_cannot_be_shown(laptop: Laptop) -> None:
    """The choice was kept although the table stayed: the page of orders then stood under a filter that Plazos
    did not show."""
    with serving(laptop.bureau) as url:
        office = laptop.start(url)
        office.choose("crew", "=A")
        office.choose("crew", "")
    with pytest.raises(views.Failure) as refused:
        office.choose("crew", "=B")
    assert refused.value.code == "office_unreachable"
    assert set_(office.sla()) == {}
    again = office.choose("crew", "=A")
    assert (again.fresh, set_(again)) == (False, {"crew": "=A"}), "this one was answered before"


def test_a_project_keeps_its_own_filters(laptop: Laptop) -> None:
    with serving(laptop.bureau) as url:
        office = laptop.start(url)
        office.choose("crew", "=A")
        office.choose("group_by", "project")
        (row,) = office.sla().rows
        assert (row.key, row.title) == ("=demo", "Demostración")
        table = office.choose("project", row.key)
        assert (table.group_by, set_(table)) == ("project", {"crew": "=A"})


def test_choices_that_cannot_be_read_any_more_are_none(laptop: Laptop) -> None:
    with laptop.store.write() as connection:
        set_setting(connection, "office.choices", {"by_project": {"demo": {"group_by": "colour"}}})
    assert KeptChoices(lambda: laptop.store).get().by_project == {}


# --- as a person --------------------------------------------------------------------------------


def dropdown(person: Person, label: str) -> QQuickItem:
    (found,) = [
        item
        for item in person.visible()
        if item.metaObject().className().startswith("Dropdown") and read(item, "label") == label
    ]
    return found


def test_a_filter_is_marked_followed_and_taken_away(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as supervisor:
        supervisor.screens.app.go("sla")
        supervisor.until_sees("Alimentador PU-2")
        assert not read(dropdown(supervisor, "Cuadrilla"), "filtering")
        supervisor.tap_item(dropdown(supervisor, "Cuadrilla"))
        supervisor.tap("PUC-03")
        supervisor.until(lambda: bool(read(dropdown(supervisor, "Cuadrilla"), "filtering")))
        supervisor.tap("Alimentador PU-3")
        supervisor.until_sees("Zona: Alimentador PU-3")
        assert supervisor.sees("Cuadrilla: PUC-03")
        supervisor.tap("Cuadrilla: PUC-03")
        supervisor.until(lambda: not supervisor.sees("Cuadrilla: PUC-03"))
        supervisor.screens.app.go("sla")
        supervisor.until_sees("Quitar filtros")
        supervisor.tap("Quitar filtros")
        supervisor.until(lambda: not supervisor.sees("Quitar filtros"))
        supervisor.screens.app.go("officeOrders")
        supervisor.until(lambda: not supervisor.sees("Zona: Alimentador PU-3"))


def test_plazos_is_walked_by_keyboard(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as supervisor:
        supervisor.screens.app.go("sla")
        supervisor.until_sees("Alimentador PU-2")
        dropdown(supervisor, "Contratista").forceActiveFocus(Qt.FocusReason.TabFocusReason)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("Ucayali Medición E.I.R.L.")
        supervisor.press(Qt.Key.Key_Down)
        supervisor.press(Qt.Key.Key_Down)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until(lambda: bool(read(dropdown(supervisor, "Contratista"), "filtering")))
        tab_to(supervisor, "Quitar filtros")
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until(lambda: not supervisor.sees("Quitar filtros"))


@pytest.mark.parametrize("label", ["Zona", "Contratista"])
def test_the_names_of_a_filter_stand_whole_inside_the_window(
    person: Callable[..., Person], label: str
) -> None:
    """The list of the last filter reached over the window's edge, and long names were cut off in it."""
    with person(PreviewTablet()) as supervisor:
        supervisor.screens.app.go("sla")
        supervisor.until_sees("Alimentador PU-2")
        order = [one.label for one in sla.SLA.filters]
        supervisor.tap_item(dropdown(supervisor, label))
        names = [one.title for one in sla.SLA.filters[order.index(label)].options][1:]
        supervisor.until(lambda: all(supervisor.button(name) is not None for name in names))
        shown = [
            one for one in supervisor.visible() if one.inherits("QQuickText") and read(one, "text") in names
        ]
        assert [read(one, "text") for one in shown if read(one, "truncated")] == []
        edges = [one.mapToScene(QPointF(one.width() + 40, 0)).x() for one in shown]
        assert max(edges) <= supervisor.window.width()
        supervisor.press(Qt.Key.Key_Escape)


class Counting(PreviewOffice):
    """Counts what is asked."""

    asked = 0

    def listed(self, name: str, count: int) -> officeviews.OrderList:
        self.asked += 1
        return super().listed(name, count)


def test_a_figure_of_the_board_asks_once_for_the_orders_behind_it(person: Callable[..., Person]) -> None:
    """The board asked, and the page that it opened asked again."""
    office = Counting()
    with person(PreviewTablet(the_office=office)) as supervisor:
        supervisor.screens.app.go("board")
        supervisor.until_sees("0,3 %")
        tiles = [one for one in supervisor.visible() if one.metaObject().className().startswith("FigureTile")]
        supervisor.tap_item(tiles[1])
        supervisor.until_sees("Jr. Tacna 310")
        assert office.asked == 1
