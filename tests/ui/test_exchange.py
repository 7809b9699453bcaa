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
from tests.fieldtool.world_project import project_world
from tests.ui.person import Person
from tests.ui.world_tablet import Sight, wired
from ui.gallery.render import read

NO_PORT, PHASE_TITLE_X = "em-1ph", 58
"""Model of the meters that turn a disc and have no optical port."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


class Exchange:
    """Does the page that is shown, as its words say."""

    def __init__(self, crew: Person, sight: Sight, world: World) -> None:
        self.crew, self.sight = crew, sight
        self.done: list[str] = []
        old, new = world.order.old_asset, world.order.new_asset
        assert old is not None
        assert new is not None
        self.old, self.new, self.here = old, new, ("", "")
        self.dial = world.meters["old"].energy.partition(".")[0]
        self.has_port = old.model != NO_PORT
        self.look_at(old.serial, old.model)

    def look_at(self, serial: str | None, model: str | None) -> None:
        """Another meter is before the camera from here on."""
        self.here = (serial or "", model or "")
        self.sight.look_at(*self.here)

    @property
    def step(self) -> str:
        return str(self.crew.screens.app.procedure.stepKey).rsplit("/", 1)[-1]

    def shown(self, name: str) -> object:
        return dict(self.crew.screens.app.procedure.step).get(name)

    def finish(self, until: str = "end") -> None:
        """Goes on to a step, or to the end."""
        while self.step != until and self.crew.screens.app.place == "procedure":
            step = self.step
            self.sees_every_phase()
            getattr(self, f"do_{self.crew.screens.app.procedure.kind}")()
            self.crew.until(lambda step=step: self.step != step or self.crew.screens.app.place != "procedure")
            self.done.append(step)

    def sees_every_phase(self) -> None:
        """At 800 px: the phase that is open with its steps, and a line for each of the others, none cut."""
        crew = self.crew
        leave, not_done = crew.button("Órdenes"), crew.button("No ejecutada…")
        if crew.screens.app.procedure.step.get("wide") or leave is None or not_done is None:
            return
        top = leave.mapToScene(QPointF(0, leave.height())).y()
        bottom = not_done.mapToScene(QPointF(0, 0)).y()
        titles = {str(phase["title"]) for phase in crew.screens.app.procedure.phases}
        seen = {
            str(read(item, "text"))
            for item in crew.visible()
            if item.inherits("QQuickText")
            and item.mapToScene(QPointF(0, 0)).x() == PHASE_TITLE_X
            and top
            <= item.mapToScene(QPointF(0, 0)).y()
            <= item.mapToScene(QPointF(0, item.height())).y()
            <= bottom
        }
        assert titles <= seen

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
            self.look_at(self.new.serial, self.new.model)
        self.crew.tap("Escanear")
        self.crew.tap("Seguir")

    def do_meter_read(self) -> None:
        if self.step == "old_read" and not self.has_port:
            self.crew.tap("No se puede leer…")
            self.crew.tap("No tiene puerto óptico")
            self.crew.tap("Tomar foto")
            self.crew.tap("Guardar")
            return
        self.crew.tap("Leer medidor")
        self.crew.tap("Seguir")

    def do_number(self) -> None:
        for figure in self.dial:
            self.crew.tap(figure)
        self.crew.typed += len(self.dial)
        self.crew.tap("Guardar lectura")

    def do_seals(self) -> None:
        # A seal of its own each time: a code of the meter is no seal.
        self.sight.look_at_seal(f"P-{len(self.done):06d}")
        self.crew.tap("Escanear")
        self.crew.tap("Seguir")
        self.sight.look_at(*self.here)

    def do_match(self) -> None:
        self.crew.tap("Seguir")

    def do_plan_apply(self) -> None:
        self.crew.tap("Comparar con el programa")
        self.crew.tap("Escribir 1 cambio")
        self.crew.tap("Permitir los delicados")
        self.confirm("Permitir y escribir", str(self.new.serial)[-4:])
        self.crew.tap("Seguir")

    def do_relay(self) -> None:
        self.confirm("Abrir y cerrar el relé", str(self.new.serial)[-4:])
        self.crew.tap("Seguir")

    def confirm(self, button: str, figures: str) -> None:
        self.crew.until(lambda: self.crew.button(button) is not None)
        for figure in figures:
            self.crew.tap(figure)
        self.crew.until_sees("mantenga apretado 1,5 s")
        self.crew.hold(button, 1600)

    def do_place(self) -> None:
        self.crew.tap("Guardar")  # *ubicación*, or *en posición 2* on a panel

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


@pytest.mark.parametrize(
    ("project", "number", "steps"),
    [
        ("prime", "RN2600001", 22),
        ("cusco", "OT-2026-00002", 22),
        ("pucallpa", "450000002", 22),
        ("santacruz", "CRE-260001", 22),
    ],
)
def test_a_clean_exchange_asks_to_type_nothing_but_the_dial_reading(
    person: Callable[..., Person],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    project: str,
    number: str,
    steps: int,
) -> None:
    world = project_world(tmp_path, monkeypatch, project, number)
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        exchange = Exchange(crew, sight, world)
        exchange.finish(until="leave")
        shown = exchange.dial if len(exchange.dial) < 5 else f"{exchange.dial[:2]}\u202f{exchange.dial[2:]}"
        crew.until_sees(f"{shown} kWh")
        exchange.finish()
        crew.until_sees("Orden terminada. Guardada en este equipo.")
    assert len(exchange.done) == steps
    assert world.kinds()[-1] == "order.completed"
    assert crew.typed == len(exchange.dial)
    print(f"{project}: taps {crew.taps}, typed {crew.typed}")


def test_a_swapped_label_stops_and_the_right_one_goes_on(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        exchange = Exchange(crew, sight, world)
        exchange.finish(until="new_scan")
        world.meters["new"].serial = OTHER_SERIAL
        sight.look_at(OTHER_SERIAL, "prime-1ph")
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


def test_a_printed_serial_that_is_confirmed_counts_as_typed_and_asks_why(
    person: Callable[..., Person], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tap says that the label reads so; why its code was not scanned the office still wants to know."""
    backend, sight = wired(world, tmp_path)
    monkeypatch.setattr(type(world.around.labels), "printed", lambda self, image: OLD_SERIAL)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until(lambda: crew.screens.app.procedure.kind != "")
        exchange = Exchange(crew, sight, world)
        exchange.finish(until="old_scan")
        sight.look_at_nothing()
        crew.tap("Escanear")
        crew.until_sees("Impreso, sin comprobar")
        assert not exchange.shown("serial")
        crew.tap("Sí")
        crew.until_sees("diga por qué")
        crew.tap("Sin código, solo número")
        crew.tap("Tomar foto")
        crew.tap("Usar esta serie")
        crew.tap("Seguir")
        crew.until(lambda: exchange.step == "old_read")
    [scanned] = [one for one in world.payloads("step.done") if one["step"] == "old_scan"]
    assert scanned["answers"]["unreadable"] == "no_label"


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
        Exchange(crew, sight, world).finish(until="old_scan")
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
        Exchange(crew, sight, world).finish(until="old_read")
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
        Exchange(crew, sight, world).finish(until="old_dial")
        crew.tap("9")
        crew.until(lambda: len(Exchange(crew, sight, world).tiles()) > 0)
        foot = crew.button("Atrás")
        assert foot is not None
        below = foot.mapToScene(QPointF(0, 0)).y()
        assert all(_clip_bottom(tile) <= below for tile in Exchange(crew, sight, world).tiles())


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
        Exchange(crew, sight, world).finish(until="hazards")
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
