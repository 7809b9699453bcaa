"""A whole exchange through the window, on the real journal: what it takes in taps and typed characters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest

from drivers.errors import NoAnswer
from tests.fieldtool.world import NEW_SERIAL, OLD_SERIAL, OTHER_SERIAL, World, make_world
from tests.ui.person import Person
from tests.ui.world_tablet import Sight, wired
from ui.gallery.render import read

DIAL = "23800"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


class Exchange:
    """Does the page that is shown, as its words say."""

    def __init__(self, crew: Person, sight: Sight) -> None:
        self.crew, self.sight = crew, sight
        self.done: list[str] = []
        self.serial = OLD_SERIAL

    @property
    def step(self) -> str:
        return str(self.crew.screens.app.procedure.stepKey).rsplit("/", 1)[-1]

    def shown(self, name: str) -> object:
        return dict(self.crew.screens.app.procedure.step).get(name)

    def finish(self, until: str = "end") -> None:
        """Goes on to a step, or to the end."""
        while self.step != until and self.crew.screens.app.place == "procedure":
            step = self.step
            getattr(self, f"do_{self.crew.screens.app.procedure.kind}")()
            self.crew.until(lambda step=step: self.step != step or self.crew.screens.app.place != "procedure")
            self.done.append(step)

    def tiles(self) -> list[QQuickItem]:
        return [
            item
            for item in self.crew.visible()
            if item.metaObject().className().startswith("ChoiceTile") and not read(item, "chosen")
        ]

    def tick_all(self) -> None:
        for _ in range(len(self.tiles())):
            left = self.tiles()
            self.crew.tap_item(left[0])
            self.crew.until(lambda left=left: len(self.tiles()) < len(left))

    def do_confirm(self) -> None:
        self.tick_all()
        self.crew.tap("Todo se cumple")

    def do_photo(self) -> None:
        self.crew.tap("Tomar la foto")
        self.crew.tap("Guardar la foto")

    def do_scan(self) -> None:
        if self.step == "new_scan":
            self.serial = NEW_SERIAL
        self.sight.look_at(self.serial)
        self.crew.tap("Escanear")
        self.crew.tap("Seguir")

    def do_meter_read(self) -> None:
        self.crew.tap("Leer medidor")
        self.crew.tap("Seguir")

    def do_number(self) -> None:
        for figure in DIAL:
            self.crew.tap(figure)
        self.crew.typed += len(DIAL)
        self.crew.tap("Guardar lectura")

    def do_seals(self) -> None:
        # A seal of its own each time: a code of the meter is no seal.
        self.sight.look_at_seal(f"P-{len(self.done):06d}")
        self.crew.tap("Escanear")
        self.crew.tap("Seguir")
        self.sight.look_at(self.serial)

    def do_match(self) -> None:
        self.crew.tap("Seguir")

    def do_plan_apply(self) -> None:
        self.crew.tap("Comparar con el programa")
        self.crew.tap("Escribir 1 cambio")
        self.crew.tap("Permitir los delicados")
        self.confirm("Permitir y escribir", NEW_SERIAL[-4:])
        self.crew.tap("Seguir")

    def do_relay(self) -> None:
        self.confirm("Abrir y cerrar el relé", NEW_SERIAL[-4:])
        self.crew.tap("Seguir")

    def confirm(self, button: str, figures: str) -> None:
        self.crew.until(lambda: self.crew.button(button) is not None)
        for figure in figures:
            self.crew.tap(figure)
        self.crew.until_sees("mantenga apretado 1,5 s")
        self.crew.hold(button, 1900)

    def do_place(self) -> None:
        self.crew.tap("Guardar ubicación")

    def do_join(self) -> None:
        self.crew.tap("Preguntar a la red")
        self.crew.tap("Seguir")

    def do_signature(self) -> None:
        pad = next(
            item for item in self.crew.visible() if item.metaObject().className().startswith("SignaturePad")
        )
        window, middle = self.crew.window, self.crew.place(pad)
        QTest.mousePress(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        for step in range(1, 8):
            QTest.mouseMove(window, middle + QPoint(step * 12, (step % 3) * 9))
        QTest.mouseRelease(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        self.crew.taps += 1
        self.crew.tap("Guardar firma")

    def do_summary(self) -> None:
        self.tick_all()
        self.crew.tap("Terminar la orden")


def test_a_clean_exchange_asks_to_type_nothing_but_the_dial_reading(
    person: Callable[..., Person],
    world: World,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        exchange = Exchange(crew, sight)
        exchange.finish(until="leave")
        crew.until_sees(f"{DIAL[:2]}\N{NARROW NO-BREAK SPACE}{DIAL[2:]} kWh")
        exchange.finish()
        crew.until_sees("Orden terminada. Guardada en este equipo.")
    assert len(exchange.done) == 22
    assert world.kinds()[-1] == "order.completed"
    assert crew.typed == len(DIAL)
    record_property("taps", crew.taps)
    print(f"taps {crew.taps}, typed {crew.typed}")


def test_a_swapped_label_stops_and_the_right_one_goes_on(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        exchange = Exchange(crew, sight)
        exchange.finish(until="new_scan")
        world.meters["new"].serial = OTHER_SERIAL
        sight.look_at(OTHER_SERIAL)
        crew.tap("Escanear")
        crew.tap("Seguir")
        crew.until(lambda: exchange.step == "new_read")
        exchange.do_meter_read()
        crew.until_sees("No se puede seguir con él.")
        assert crew.button("Seguir") is None
        world.meters["new"].serial = NEW_SERIAL
        crew.tap("Montar el")
        crew.until(lambda: exchange.step == "new_scan")
        exchange.finish(until="configure")
    assert "match" in exchange.done


def test_an_order_without_access_is_closed_with_reason_and_photo(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, _ = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.openOrder(world.order.mrid)
        crew.tap("No ejecutada…")
        crew.tap("Sin acceso")
        crew.until_sees("falta la foto")
        crew.tap("Tomar foto")
        crew.until_sees("Foto tomada")
        crew.tap("Cerrar sin ejecutar")
        crew.until_sees("Buscar serie")
    [ended] = world.payloads("order.notDone")
    assert ended["reason"] == "no_access"
    assert len(ended["blobs"]) == 1


def test_a_tablet_that_dies_goes_on_at_the_same_step_with_what_was_scanned(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        Exchange(crew, sight).finish(until="old_scan")
        crew.tap("Escanear")
        crew.until(lambda: crew.button("Seguir") is not None)
    again, _ = wired(world, tmp_path)
    with person(again) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.tap("Seguir")
        crew.until(lambda: str(crew.screens.app.procedure.stepKey).endswith("/old_read"))


def test_a_meter_that_does_not_answer_leaves_the_page_ready_to_try_again(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        Exchange(crew, sight).finish(until="old_read")
        world.meters["old"].fail["read"] = NoAnswer()
        crew.tap("Leer medidor")
        crew.until_sees("El medidor no responde.")
        crew.until(lambda: crew.button("Cancelar") is None)
        # Escape leaves what lies over the page, as *Atrás* does.
        crew.tap("No se puede leer…")
        crew.until(lambda: crew.button("El medidor no enciende") is not None)
        crew.press(Qt.Key.Key_Escape)
        crew.tap("Leer medidor")
        crew.tap("Seguir")


def test_the_reasons_for_a_doubtful_reading_stay_above_the_foot(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        Exchange(crew, sight).finish(until="old_dial")
        crew.tap("9")
        crew.until(lambda: len(Exchange(crew, sight).tiles()) > 0)
        foot = crew.button("Atrás")
        assert foot is not None
        below = foot.mapToScene(QPointF(0, 0)).y()
        assert all(_clip_bottom(tile) <= below for tile in Exchange(crew, sight).tiles())


def _clip_bottom(item: QQuickItem) -> float:
    """The lowest line of an item that can be seen: where it ends, or where a page around it cuts it off."""
    bottom = item.mapToScene(QPointF(0, item.height())).y()
    around = item.parentItem()
    while around is not None:
        if around.clip():
            bottom = min(bottom, around.mapToScene(QPointF(0, around.height())).y())
        around = around.parentItem()
    return bottom


def test_the_sync_page_names_what_waits(person: Callable[..., Person], world: World, tmp_path: Path) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        Exchange(crew, sight).finish(until="hazards")
        crew.screens.app.go("sync")
        crew.until_sees("Guardado en este equipo")
        assert not crew.sees("Todo enviado")
        crew.until_sees("Paso: Sitio y cliente")
        crew.until_sees("enviados y recibidos")


@pytest.mark.parametrize("serial", [NEW_SERIAL, OLD_SERIAL])
def test_an_order_is_found_by_the_serial_of_its_meters(
    person: Callable[..., Person], world: World, tmp_path: Path, serial: str
) -> None:
    backend, _ = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.go("orders")
        crew.until(lambda: crew.screens.app.orders.model.rowCount() == 1)
        crew.screens.app.orders.setSearch(serial[-6:])
        assert crew.screens.app.orders.model.rowCount() == 1
        crew.screens.app.orders.setSearch("does not exist")
        assert crew.screens.app.orders.model.rowCount() == 0
