"""The page *Panel*: one probe along a panel, tapped as a crew would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import msgspec
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtQuick import QQuickItem

import assets
from drivers import errors
from fieldtool.errors import StepRefused
from fieldtool.panelrun import run as panelrun
from fieldtool.procedure.pagewords import Problem
from fieldtool.run import ProcedureRun, Surroundings
from fieldtool.run.surroundings import Person as Crew
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.panels import SERIALS, SPARE, PanelTablet, panel_tablet
from tests.fieldtool.scripted import WANTED, Meter, ScriptedSession
from tests.support.panel_images import panel_photo
from tests.ui.person import Person
from tests.ui.world_tablet import CrewOnly, WorldTablet
from ui.gallery.render import read
from ui.preview import many
from ui.preview.tablet import PreviewTablet
from ui.translator import CatalogueTranslator
from ui.wiring.camera import LiveCamera
from workorders.journal.words import DeviceRole


class Screened(WorldTablet):
    """A tablet with orders in a panel, as the screens hold it."""

    def __init__(self, panel: PanelTablet, folder: Path) -> None:
        super().__init__(panel.world, folder)
        self.panel = panel
        self.journal, self.identity, self.home = panel.journal, panel.identity, panel.home
        self.tree, self.secrets = panel.tree, panel.secrets

    def port_for(self, role: DeviceRole) -> str | None:
        return self.panel.port_for(role)

    def start(self, order_id: str) -> ProcedureRun:
        return self.panel.start(order_id)

    def leave(self, order_id: str) -> None:
        self.panel.leave(order_id)

    def surroundings(self) -> Surroundings:
        return self.panel.surroundings()

    def person(self) -> Crew | None:
        return self.panel.person()


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelTablet:
    monkeypatch.setattr(panelrun, "PAUSE", 0.05)
    return panel_tablet(tmp_path, monkeypatch)


def test_a_crew_moves_the_probe_along_and_stops(
    panel: PanelTablet, tmp_path: Path, person: Callable[..., Person]
) -> None:
    for serial in SERIALS:
        panel.bring(serial)
    meters = {serial: Meter(serial=serial, energy="0.0", now=dict(WANTED)) for serial in [*SERIALS, SPARE]}
    meters[SERIALS[1]].fail["read"] = errors.WrongKey()

    def put(serial: str) -> None:
        ScriptedSession.field = {"probe": meters[serial]}

    translator = CatalogueTranslator()
    camera = LiveCamera((tmp_path / "camera").as_uri())
    backend = CrewOnly(cast("Tablet", Screened(panel, tmp_path)), translator, camera)
    with person(backend) as crew:
        crew.screens.app.go("orders")
        crew.tap("Panel")
        crew.tap("Panel piso 1")
        crew.until_sees("0 de 3 hechos")
        put(SPARE)
        crew.tap("Empezar")
        crew.until_sees("No es de este panel")
        crew.until_sees("No se escribió nada.")
        put(SERIALS[0])
        crew.until_sees("Siguiente")
        crew.until_sees("1 de 3 hechos")
        put(SERIALS[1])
        crew.until_sees("No se pudo")
        crew.tap("Otra vez")
        crew.until_sees("2 de 3 hechos")
        crew.tap("1")  # the probe is said to be at slot 1, but sits on the meter of slot 3
        put(SERIALS[2])
        crew.until_sees("Otra posición")
        assert meters[SERIALS[2]].writes == []
        crew.tap("Parar")
        crew.until(lambda: crew.button("Empezar") is not None)
        assert "meter.read" not in panel.kinds(SERIALS[2])
        assert "meter.read" in panel.kinds(SERIALS[0])


def test_leaving_the_page_ends_the_run(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(the_panels=many.PreviewPanels())
    with person(tablet) as crew:
        crew.screens.app.go("panel")
        crew.tap("Panel piso 1")
        crew.tap("Empezar")
        crew.until_sees("Siguiente")
        crew.tap("Medidor")
        crew.until(lambda: crew.screens.app.place == "meter")


def test_without_a_panel_the_list_offers_none(person: Callable[..., Person]) -> None:
    from ui import manyviews

    tablet = PreviewTablet(the_panels=many.PreviewPanels(manyviews.Panel()))
    with person(tablet) as crew:
        crew.screens.app.go("orders")
        crew.until(lambda: crew.screens.app.panel.known)
        button = crew.button("Panel")
        assert button is None or not button.isVisible()
        crew.screens.app.go("panel")
        crew.until_sees("Ningún panel con órdenes")


def test_one_photo_registers_what_hangs_right(
    panel: PanelTablet, tmp_path: Path, person: Callable[..., Person]
) -> None:
    panel.bring(SERIALS[0], until="new_scan")
    panel.desk.now().folders["labels"] = assets.root() / "labels"
    folder = tmp_path / "camera"
    folder.mkdir()
    hung = {1: SERIALS[0], 2: SPARE, 4: SERIALS[2], 5: "ZIV0099999999"}
    photo = panel_photo(2, 3, roll=3, yaw=4, size=(1200, 1600), serials=hung, missing=(3, 6), extra=False)
    cv2.imwrite(str(folder / "panel.png"), photo.image)
    screened = Screened(panel, tmp_path)
    stock = [SimpleNamespace(serial=serial, state="on_truck") for serial in [*SERIALS, SPARE]]
    setattr(screened, "stock", lambda: stock)  # noqa: B010  # beyond what a panel run asks for
    backend = CrewOnly(cast("Tablet", screened), CatalogueTranslator(), LiveCamera(folder.as_uri()))
    with person(backend) as crew:
        crew.screens.app.go("orders")
        crew.tap("Panel")
        crew.tap("Panel piso 1")
        crew.tap("Foto del panel")
        crew.tap("Tomar la foto")
        crew.until_sees("2 de 6 leídos", 6)
        crew.until_sees("El 0046 va en la posición 3.")
        crew.until_sees("El 9999 no es de este panel ni de este camión. Retírelo.")
        crew.tap("Registrar 2")
        crew.until_sees("1 registrados", 3)
        assert panel.kinds(SERIALS[0])[-2:] == ["photo.taken", "step.done"]
        assert panel.kinds(SERIALS[2]) == []
        crew.tap("Escanear la 3")
        crew.until(lambda: crew.screens.app.scan.open)
    backend.camera.close()


HUNG = {1: SERIALS[0], 3: SERIALS[2], 4: SPARE, 5: "ZIV0099999999"}


@pytest.fixture
def photographed(panel: PanelTablet, tmp_path: Path) -> Iterator[tuple[CrewOnly, PanelTablet, Path]]:
    """Slots 1 and 2 wait for their label, slot 4 has a spare, slot 2 cannot be read."""
    for serial in SERIALS[:2]:
        panel.bring(serial, until="new_scan")
    panel.desk.now().folders["labels"] = assets.root() / "labels"
    folder = tmp_path / "camera"
    folder.mkdir()
    _hang(folder, HUNG, missing=(2, 6))
    screened = Screened(panel, tmp_path)
    stock = [SimpleNamespace(serial=serial, state="on_truck") for serial in [*SERIALS, SPARE]]
    setattr(screened, "stock", lambda: stock)  # noqa: B010  # beyond what a panel run asks for
    backend = CrewOnly(cast("Tablet", screened), CatalogueTranslator(), LiveCamera(folder.as_uri()))
    backend.panels().open("CT-28101-P1")
    yield backend, panel, folder
    backend.camera.close()


def _hang(folder: Path, hung: dict[int, str], missing: tuple[int, ...]) -> None:
    photo = panel_photo(2, 3, roll=3, yaw=4, size=(1200, 1600), serials=hung, missing=missing, extra=False)
    cv2.imwrite(str(folder / "panel.png"), photo.image)


def test_what_is_said_after_registering_is_registered_too(
    photographed: tuple[CrewOnly, PanelTablet, Path],
) -> None:
    """Registering once left no button for what was looked at again afterwards."""
    backend, panel, _ = photographed
    photos = backend.panels()
    photos.take_photo()
    assert photos.register_photo().register == 0
    backend.looking.read = SERIALS[1]  # with the camera: typed, it would prove no label
    assert photos.say_slot("2", SERIALS[1]).register == 1
    shown = photos.register_photo()
    assert panel.kinds(SERIALS[1])[-2:] == ["photo.taken", "step.done"]
    assert shown.register == 0
    assert shown.done.startswith("2 registrados")


def test_a_retake_keeps_what_was_said_unless_the_new_photo_reads_something_else(
    photographed: tuple[CrewOnly, PanelTablet, Path],
) -> None:
    backend, _, folder = photographed
    photos = backend.panels()
    photos.take_photo()
    photos.say_slot("2", SERIALS[1])
    states = [tile.state for tile in photos.take_photo().tiles]
    assert states[:4] == ["good"] * 4
    _hang(folder, HUNG | {2: "ZIV0099999998"}, missing=(6,))
    assert photos.take_photo().tiles[1].state == "foreign"


def test_what_could_not_be_registered_is_a_note_and_may_be_tried_again(
    photographed: tuple[CrewOnly, PanelTablet, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures stood behind a tick, in the green line of what was done."""
    photos = photographed[0].panels()
    photos.take_photo()

    def refuse(*_: object) -> None:
        raise StepRefused("new_scan", [Problem(code="required", field="photos")])

    with monkeypatch.context() as patch:
        patch.setattr(ProcedureRun, "accept", refuse)
        shown = photos.register_photo()
    assert (shown.notes[0].slots, shown.notes[0].tone) == ("1", "wrong")
    assert shown.notes[0].text not in shown.done
    assert shown.register == 1
    shown = photos.register_photo()
    assert "1" not in [note.slots for note in shown.notes]


def test_the_page_of_an_order_follows_the_photo_that_answered_its_step(
    photographed: tuple[CrewOnly, PanelTablet, Path],
) -> None:
    """The run that the page had kept was let go of: it showed the same step again."""
    backend, panel, _ = photographed
    order = f"order-{SERIALS[0]}"
    before = backend.start(order).step
    panel.leave(order)  # as a panel run does with an order that it comes by
    backend.panels().take_photo()
    backend.panels().register_photo()
    after = backend.start(order).step
    assert before is not None
    assert before.key.endswith("new_scan")
    assert after is not None
    assert after.key.endswith("new_read")


def _right_edge(item: QQuickItem) -> float:
    return item.mapToScene(QPointF(item.width(), 0)).x()


def test_every_slot_and_note_of_a_wide_panel_is_on_the_page_and_keyboard_and_escape_stay_in_it(
    person: Callable[..., Person],
) -> None:
    """Columns stood beyond the window, the fifth note was not there, the number of slots could not be changed
    after a photo, Tab led to what lies behind and Escape did nothing."""
    tablet = PreviewTablet(the_panels=many.PreviewPanels(many.READY, many.PHOTO_WIDE))
    with person(tablet) as crew:
        crew.screens.app.go("panel")
        crew.tap("Foto del panel")
        crew.tap("Tomar la foto")
        crew.until_sees("21 de 24 leídos")
        tiles = [one for one in crew.visible() if one.metaObject().className().startswith("SlotTile")]
        assert len(tiles) == 24
        assert max(_right_edge(tile) for tile in tiles) <= crew.window.width()
        assert crew.sees("El 2071 no es de este panel ni de este camión. Retírelo.")
        crew.tap("2 × 12")
        assert crew.sees("Columnas")
        less = [one for one in crew.visible() if read(one, "iconName") == "minus" and one.isEnabled()]
        crew.tap_item([one for one in less if one.inherits("QQuickAbstractButton")][-1])
        crew.until(lambda: tablet.the_panels.photo().columns == 11)
        crew.press(Qt.Key.Key_Escape)
        crew.until(lambda: not crew.screens.app.panelPhoto.open)
        crew.press(Qt.Key.Key_Escape)
        crew.until_sees("Recorrer un panel")


@pytest.mark.parametrize(("columns", "marked"), [(12, False), (16, True)])
def test_a_panel_wider_than_the_page_says_so(
    person: Callable[..., Person], columns: int, marked: bool
) -> None:
    """More than twelve columns scroll sideways on a tablet held upright, and nothing told."""
    photo = msgspec.structs.replace(many.PHOTO_WIDE, columns=columns)
    with person(PreviewTablet(the_panels=many.PreviewPanels(many.READY, photo))) as crew:
        crew.window.resize(800, 1280)
        crew.screens.app.go("panel")
        crew.screens.app.panelPhoto.show()
        crew.tap("Tomar la foto")
        crew.until_sees("Toque una posición para corregirla.")
        marks = [item for item in crew.visible() if item.metaObject().className().startswith("ScrollMark")]
        assert any(read(item, "sideways") and item.width() > 4 for item in marks) is marked
