"""The supervisor's pages on a real gateway: figures, queue, evidence, decision; and without contact."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import Qt

from fieldtool.office import OfficeClient, StoreMemory
from fieldtool.tablet.tablet import Tablet as TabletApp
from fieldtool.text import Language
from tests.ui.person import Person
from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from tests.workorders.test_sync_pull import photograph
from tests.workorders.test_sync_push import execute
from ui import views
from ui.gallery.render import read
from ui.preview.tablet import RIGHT_PIN, PreviewTablet
from ui.wiring.formats import Formats
from ui.wiring.office import WiredOffice
from ui.wiring.recordings import WiredRecordings
from workorders.clock import utc_text
from workorders.gateway import acts, admin, audit
from workorders.gateway.proof import Sighting, take_sightings
from workorders.journal.kinds import RECORDING_BLOB
from workorders.store.engine import open_store


class Desk:
    """A laptop beside an office whose one crew has executed two orders, one of them cancelled."""

    def __init__(self, folder: Path) -> None:
        self.bureau = Bureau.open(folder, pins={"sofia": "481605"})
        self.tablet: Tablet = self.bureau.tablet()
        self.tablet.sync()
        self.fine, self.cancelled = self.tablet.order_ids()[:2]
        photograph(self.tablet, self.fine, b"\xff\xd8\xff" + b"x" * 1000)
        execute(self.tablet, self.fine)
        execute(self.tablet, self.cancelled)
        acts.cancel_order(self.bureau.office, self.cancelled, "customer moved", actor="sofia")
        self.tablet.sync()
        self.store = open_store(folder / "desk" / "tablet.db", b"d" * 32, role="tablet")
        self.client: OfficeClient | None = None

    def open(self, url: str) -> WiredOffice:
        self.client = OfficeClient(url, StoreMemory(self.store), self.bureau.office.now)
        self.client.sign_in("sofia", "481605")
        formats = Formats(Language.ES, ZoneInfo("America/Lima"), say)
        return WiredOffice(lambda: self.client, lambda: formats, self.bureau.office.now)


def say(text: str, **params: str) -> str:
    return text.format(**params) if params else text


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.store.close()


def test_a_supervisor_finds_what_went_wrong_and_decides_it(desk: Desk) -> None:
    with serving(desk.bureau) as url:
        office = desk.open(url)
        board = office.board("", 14)
        figures = {tile.key: tile.value for tile in board.tiles}
        assert (figures["waiting_approval"], board.fresh, board.open_cases > 0) == ("2", True, True)
        row = next(one for one in office.queue().rows if one.title == "Ejecutada después de anulada")
        case = office.case(row.id)
        assert any(fact.label == "Anulada" for fact in case.office)
        assert any(fact.label == "Estado" for fact in case.crew)
        office.decide(case, "accepted", "la cuadrilla no tenía señal")
        assert row.id not in [one.id for one in office.queue().rows]
        with pytest.raises(views.Failure, match="ya está decidida"):
            office.case(row.id)


def test_a_supervisor_walks_the_network_as_the_office_has_it(desk: Desk) -> None:
    """It was asked for at an address where the office has nothing."""
    with serving(desk.bureau) as url:
        office = desk.open(url)
        assert [row.key for row in office.network("", 60).rows] == ["SE"]


def test_what_record_and_network_do_not_agree_about_is_listed_by_crew_and_zone(desk: Desk) -> None:
    with serving(desk.bureau) as url:
        office = desk.open(url)
        sight = [Sighting(serial="ZIV9999", heard_at=utc_text(desk.bureau.office.now()), concentrator="C1")]
        take_sightings(desk.bureau.office, "demo", sight, "concentrator_s24")
        found = office.orphans("heard_without_site", "", "", 100)
        assert [row.serial for row in found.rows] == ["ZIV9999"]
        assert ("Lo oye", "C1") in [(fact.label, fact.value) for fact in found.rows[0].facts]
        assert found.todo.startswith("La red lo oye y nadie lo montó")
        assert "T1" in [zone.key for zone in found.zones]
        assert len(office.orphans("heard_without_site", "T1", "", 100).rows) == 1
        assert office.orphans("heard_without_site", "", "B", 100).rows == ()


def test_a_supervisor_walks_the_orphans_by_keyboard(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.tap("Ana Suárez Vaca")
        supervisor.until_sees("Escriba su PIN")
        supervisor.type(RIGHT_PIN)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("Despliegue")
        supervisor.tap("Huérfanos")
        supervisor.until_sees("Elija un equipo para ver qué dice cada lado.")
        supervisor.press(Qt.Key.Key_Down)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("4 nov, 10:42")
        supervisor.screens.app.orphans.chooseCrew("UCY-11")
        supervisor.until(lambda: len(supervisor.screens.app.orphans.list["rows"]) == 7)
        assert supervisor.screens.app.orphans.open == {}


def test_work_of_a_revoked_tablet_is_seen_by_order_and_accepted_with_a_reason(desk: Desk) -> None:
    """Only the command line could do it; who accepted what and why stands in the office's record."""
    admin.revoke_tablet(desk.bureau.office, desk.tablet.identity.tablet, "lost")
    third = desk.tablet.order_ids()[2]
    execute(desk.tablet, third)
    desk.tablet.sync()
    with serving(desk.bureau) as url:
        office = desk.open(url)
        (row,) = office.kept("").rows
        assert (row.count, office.kept("").open) == ("4", None)
        found = office.kept(row.key).open
        assert found is not None
        assert [(order.id, order.state) for order in found.orders] == [(third, "4 registros")]
        assert [fact.detail for fact in found.facts if fact.label == "Revocada"] == ["lost"]
        with pytest.raises(views.Failure):
            office.accept_kept(row.key, " ")
        assert office.accept_kept(row.key, "la cuadrilla la tuvo siempre") == "Recibido: 3 · En revisión: 1"
        assert office.kept(row.key).rows == ()
    acts_done = [(one.who, one.outcome) for one in audit.acts(desk.bureau.office) if "accept" in one.act]
    assert acts_done[0] == ("sofia", "done")


def test_a_supervisor_accepts_what_a_revoked_tablet_handed_over(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.screens.app.go("kept")
        supervisor.until_sees("Elija una tableta")
        supervisor.tap("Tableta TB-0388 · UCY-11")
        supervisor.until_sees("Órdenes que tocan")
        supervisor.tap("Aceptar…")
        supervisor.until_sees("Aceptar 4 registros")
        (confirm,) = [
            item
            for item in supervisor.visible()
            if item.inherits("QQuickAbstractButton") and read(item, "text") == "Aceptar registros"
        ]
        assert not confirm.isEnabled(), "not without a reason"
        supervisor.tap("La cuadrilla la tuvo siempre")
        supervisor.tap("Aceptar registros")
        supervisor.until(lambda: len(supervisor.screens.app.kept.list["rows"]) == 1)
    assert tablet.the_office.decisions == [("TB-0388", "accept_kept", "La cuadrilla la tuvo siempre")]


def test_the_boards_figure_of_orphans_opens_the_page_of_devices(person: Callable[..., Person]) -> None:
    """It opened a list of orders."""
    with person(PreviewTablet()) as supervisor:
        supervisor.screens.app.go("board")
        supervisor.until_sees("0,3 %")
        tiles = [
            item for item in supervisor.visible() if item.metaObject().className().startswith("FigureTile")
        ]
        supervisor.tap_item(tiles[3])
        supervisor.until_sees("Elija un equipo para ver qué dice cada lado.")


def test_an_executed_order_is_approved_with_its_photo_in_view(desk: Desk) -> None:
    with serving(desk.bureau) as url:
        office = desk.open(url)
        listed = office.listed("waiting_approval", 100)
        assert desk.fine in [row.id for row in listed.rows]
        case = office.order_case(desk.fine)
        assert office.photo(desk.fine, case.photos[0].key).startswith("data:image/jpeg;base64,")
        assert [choice.key for choice in case.decisions] == ["approve", "return"]
        office.decide(case, "approve", "")
        assert desk.fine not in [row.id for row in office.listed("waiting_approval", 100).rows]
        assert office.order_case(desk.fine).decisions == ()


def test_a_recorded_session_is_seen_by_the_office_and_read_there(desk: Desk, tmp_path: Path) -> None:
    """It was left out of the evidence: whoever looked for the cause did not know that it was kept."""
    lines = b'{"t":0.0,"trace":2,"mode":"e","client":2}\n{"t":0.1,"dir":"tx","hex":"2F3F210D0A"}\n'
    photograph(desk.tablet, desk.fine, gzip.compress(lines), what=RECORDING_BLOB)
    desk.tablet.sync()
    with serving(desk.bureau) as url:
        office = desk.open(url)
        (recorded,) = [one for one in office.order_case(desk.fine).photos if one.recording]
        assert recorded.label == "Grabación 1"
        desktop = SimpleNamespace(desk=SimpleNamespace(now=lambda: SimpleNamespace(models={})))
        recordings = WiredRecordings(
            cast("TabletApp", desktop),
            office.formats,
            lambda formats: lambda order, step: step,
            lambda: ("", b""),
            lambda: desk.client,
            lambda: tmp_path,
        )
        shown = recordings.of_office(desk.fine, recorded.key)
        assert (shown.verdict, shown.tone) == ("El medidor nunca respondió", "wrong")
        assert [frame.text for frame in shown.frames][1:] == ["Pide que se identifique: /?!··"]
        assert Path(recordings.save().saved).read_bytes() == lines


def test_a_recording_opens_from_its_case(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.screens.app.go("exceptions")
        supervisor.screens.app.office.openCase(tablet.the_office.queue().rows[0].id)
        supervisor.tap("Grabación 1")
        supervisor.until_sees("El medidor dejó de responder.")
        supervisor.tap("Volver")
        supervisor.until_sees("Grabación 1")
        assert tablet.the_recordings.asked[0].endswith(" r1")


def test_without_contact_the_last_answer_is_shown_and_nothing_is_decided(desk: Desk) -> None:
    with serving(desk.bureau) as url:
        office = desk.open(url)
        fresh = office.board("", 14)
        row = office.queue().rows[0]
        case = office.case(row.id)
    stale = office.board("", 14)
    assert (stale.fresh, stale.tiles) == (False, fresh.tiles)
    with pytest.raises(views.Failure) as refused:
        office.decide(case, "accepted", "x")
    assert refused.value.code == "office_unreachable"


def test_a_decision_takes_three_taps_and_no_typing(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.tap("Ana Suárez Vaca")
        supervisor.until_sees("Escriba su PIN")
        supervisor.type(RIGHT_PIN)
        supervisor.press(Qt.Key.Key_Return)
        supervisor.until_sees("Despliegue")
        supervisor.tap("Ejecutada después de anulada")
        supervisor.until_sees("Lo que pidió la oficina")
        supervisor.tap("Aceptar")
        supervisor.until_sees("Queda como ejecutada")
        supervisor.tap("Comprobado con la cuadrilla")
        supervisor.press(Qt.Key.Key_Escape)
        assert tablet.the_office.decisions == []
        supervisor.tap("Aceptar")
        supervisor.until_sees("Queda como ejecutada")
        supervisor.tap("Comprobado con la cuadrilla")
        dialog = [item for item in supervisor.visible() if item.inherits("QQuickAbstractButton")]
        (confirm,) = [item for item in dialog if read(item, "text") == "Aceptar" and item.height() > 100]
        supervisor.tap_item(confirm)
        supervisor.until(lambda: bool(tablet.the_office.decisions))
    assert tablet.the_office.decisions == [("e2", "accepted", "Comprobado con la cuadrilla")]


def test_sending_back_is_not_possible_without_a_reason(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet()
    with person(tablet) as supervisor:
        supervisor.screens.app.go("exceptions")
        supervisor.tap("Ejecutada después de anulada")
        supervisor.until_sees("Lo que pidió la oficina")
        supervisor.tap("Retrabajo")
        supervisor.until_sees("La orden vuelve a salir")
        buttons = [item for item in supervisor.visible() if item.inherits("QQuickAbstractButton")]
        (confirm,) = [item for item in buttons if read(item, "text") == "Retrabajo" and item.height() > 100]
        assert not confirm.isEnabled()
