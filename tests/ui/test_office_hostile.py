"""The supervisor's pages where things go wrong: silence, slowness, another language, names without end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fieldtool.office import REMEMBERED_ANSWERS, StoreMemory
from tests.ui.person import Person
from tests.ui.test_office_filters import Laptop
from tests.workorders.servers import serving
from ui import officeviews, views
from ui.preview.office import PreviewOffice
from ui.preview.tablet import PreviewTablet
from workorders.gateway import persons
from workorders.people import Role
from workorders.store.engine import open_store

LONG = (
    "Asentamiento Humano Víctor Manuel Maldonado Begazo, manzana 14, lote 22, interior del pasaje Los "
    "Aguajes sin número, frente al pozo"
)


class Silent(PreviewOffice):
    """Does not answer."""

    def _unreachable(self) -> views.Failure:
        return views.Failure("No hay contacto con la oficina", "Compruebe la red.", "office_unreachable")

    def queue(self) -> officeviews.Queue:
        raise self._unreachable()

    def listed(self, name: str, count: int) -> officeviews.OrderList:
        raise self._unreachable()


@pytest.mark.parametrize(
    ("place", "claim"),
    [("exceptions", "Nada espera una decisión"), ("officeOrders", "Ninguna orden en esta lista")],
)
def test_an_office_that_did_not_answer_has_not_said_that_there_is_nothing(
    person: Callable[..., Person], place: str, claim: str
) -> None:
    """The page of exceptions gave the all-clear, and said nothing of the failure."""
    with person(PreviewTablet(the_office=Silent())) as supervisor:
        supervisor.screens.app.go(place)
        supervisor.until_sees("No hay contacto con la oficina")
        assert not supervisor.sees(claim)
        assert supervisor.button("Probar otra vez") is not None


class Endless(PreviewOffice):
    """Every address is a hundred and twenty characters long."""

    def listed(self, name: str, count: int) -> officeviews.OrderList:
        found = super().listed(name, count)
        return msgspec.structs.replace(
            found, rows=tuple(msgspec.structs.replace(row, title=LONG) for row in found.rows)
        )


def test_a_name_of_120_characters_makes_its_row_higher(person: Callable[..., Person]) -> None:
    """It lay over the rows above and below."""
    assert len(LONG) > 120
    with person(PreviewTablet(the_office=Endless())) as supervisor:
        supervisor.screens.app.go("officeOrders")
        supervisor.until_sees(LONG)
        rows = [
            one for one in supervisor.visible() if one.metaObject().className().startswith("CaseDelegate")
        ]
        assert rows
        for row in rows:
            words = [
                one for one in supervisor.visible() if one.inherits("QQuickText") and row.isAncestorOf(one)
            ]
            ground = row.mapRectToScene(row.boundingRect())
            assert all(ground.contains(one.mapRectToScene(one.boundingRect())) for one in words)


class Slow(PreviewOffice):
    """Answers when it is let."""

    let = threading.Event()

    def sla(self) -> officeviews.Sla:
        self.let.wait(10)
        return super().sla()


def test_a_slow_answer_shows_that_it_is_on_its_way(person: Callable[..., Person]) -> None:
    """A filter was chosen, and for seconds nothing on the page told that anything happened."""
    office = Slow()
    with person(PreviewTablet(the_office=office)) as supervisor:

        def asking() -> bool:
            return any(one.metaObject().className().startswith("AskingLine") for one in supervisor.visible())

        supervisor.screens.app.go("sla")
        supervisor.until(asking)
        office.let.set()
        supervisor.until_sees("Alimentador PU-2")
        supervisor.until(lambda: not asking())


class Asked(PreviewOffice):
    """Notes which case is asked for."""

    def case(self, exception_id: str) -> officeviews.Case:
        self.decisions.append((exception_id, "asked", ""))
        return super().case(exception_id)


def test_another_language_reaches_the_open_case_too(person: Callable[..., Person]) -> None:
    office = Asked()
    with person(PreviewTablet(the_office=office)) as supervisor:
        supervisor.screens.app.go("exceptions")
        supervisor.tap("Ejecutada después de anulada")
        supervisor.until_sees("Lo que pidió la oficina")
        supervisor.screens.app.setLanguage("pt")
        supervisor.until(lambda: len(office.decisions) == 2)
        assert office.decisions[0] == office.decisions[1]


def test_no_more_answers_are_remembered_than_are_of_use(tmp_path: Path) -> None:
    """Every filter, page and order is another question: the store grew with each."""
    store = open_store(tmp_path / "tablet.db", b"d" * 32, role="tablet")
    memory = StoreMemory(store)
    for number in range(REMEMBERED_ANSWERS + 2):
        memory.keep(f"/v1/orders/{number}?", "2026-03-01T00:00:00.000Z", "{}")
    memory.keep("/v1/orders/2?", "2026-03-02T00:00:00.000Z", "{}")
    memory.keep("/v1/board?", "2026-03-02T00:00:00.000Z", "{}")
    assert [memory.recall(f"/v1/orders/{number}?") is None for number in (0, 1, 2, 3, 4)] == [
        True, True, False, True, False,
    ]  # fmt: skip
    store.close()


def test_whoever_may_look_and_not_decide_is_told_so_in_their_language(tmp_path: Path) -> None:
    """The gateway's English words stood in the page: *a engineer may not do this*."""
    laptop = Laptop(tmp_path)
    persons.add_user(
        laptop.bureau.office, name="Iris", role=Role.ENGINEER, person_id="iris", pin="593817", project="demo"
    )
    with serving(laptop.bureau) as url:
        office = laptop.start(url, "iris", "593817")
        assert [row.serial for row in office.stock("", "0001", 100).rows] == ["ZIV0000000001"]
        with pytest.raises(views.Failure) as refused:
            office.move_stock("k" * 32, "returned", ("ZIV0000000001",), "", "")
    assert (refused.value.code, refused.value.message) == (
        "office_not_allowed",
        "Su función no permite hacer esto.",
    )
    laptop.store.close()
