"""The page *Banco*: two probes at once, a label that comes late, a dangerous change that is permitted."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt

from fieldtool.depot import bench as depot
from fieldtool.settings import Home
from fieldtool.tablet import rows
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.panels import SERIALS, PanelTablet, panel_tablet
from tests.fieldtool.scripted import WANTED, Meter, ScriptedSession
from tests.fieldtool.test_depot import KEYS, Scripted
from tests.ui.person import Person
from tests.ui.test_panel_page import Screened
from tests.ui.world_tablet import CrewOnly
from ui.preview import many
from ui.preview.tablet import PreviewTablet
from ui.translator import CatalogueTranslator
from ui.wiring.camera import LiveCamera
from workorders.journal.entry import Realm


class Bench(Screened):
    """A tablet with two probes, signed in."""

    def __init__(self, panel: PanelTablet, folder: Path) -> None:
        super().__init__(panel, folder)
        self.home = Home(folder / "home")
        self.realm = Realm.TRAINING

    def ports(self) -> list[rows.PortRow]:
        return [rows.PortRow(url=name, description="USB") for name in ("COM3", "COM4")]


def test_two_probes_configure_a_pallet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: Callable[..., Person]
) -> None:
    panel = panel_tablet(tmp_path, monkeypatch)
    panel.secret = dict.fromkeys([*SERIALS, "ZIV9"], KEYS)
    monkeypatch.setattr(depot, "OpticalSession", Scripted)
    monkeypatch.setattr(depot, "PAUSE", 0.05)
    ScriptedSession.field = {"COM3": Meter(serial=SERIALS[0]), "COM4": Meter(serial="ZIV9")}
    camera = LiveCamera((tmp_path / "camera").as_uri())
    backend = CrewOnly(cast("Tablet", Bench(panel, tmp_path)), CatalogueTranslator(), camera)
    with person(backend) as crew:
        crew.screens.app.go("more")
        crew.tap("Banco de medidores")
        crew.tap("Residencial")
        crew.tap("Empezar")
        crew.until_sees("No está en las existencias.")
        crew.until_sees("Hay un cambio peligroso sin permiso.")
        assert ScriptedSession.field["COM3"].writes == ["clock"]
        crew.hold("Permitir en todo el lote", 1700)
        crew.until_sees("Retírelo y ponga el siguiente.")
        assert ScriptedSession.field["COM3"].now == WANTED
        assert ScriptedSession.field["COM4"].writes == []
        crew.until_sees("1 listos")
        crew.tap("Guardar la lista")
        crew.until(lambda: any((tmp_path / "home" / "pallets").glob("*.csv")))
        crew.tap("Parar")
        crew.until(lambda: crew.button("Empezar") is not None)
    saved = next((tmp_path / "home" / "pallets").glob("*.csv"))
    with saved.open(encoding="utf-8", newline="") as file:
        found = {row["serial"]: row["state"] for row in csv.DictReader(file)}
    assert found == {SERIALS[0]: "passed", "ZIV9": "refused"}


def test_a_hand_scanner_types_labels_into_the_page(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(the_bench=many.PreviewBench(many.BENCH))
    with person(tablet) as crew:
        crew.screens.app.go("bench")
        crew.until_sees("Configurando")
        field = next(
            item
            for item in crew.visible()
            if str(item.property("placeholderText")) == "Etiqueta: escanee o escriba"
        )
        crew.tap_item(field)
        crew.type("37904000264")
        crew.press(Qt.Key.Key_Return)
        crew.until(lambda: tablet.the_bench.asked == ["scanned 37904000264"])
        crew.tap("Otra vez")
        crew.until(lambda: "again COM7" in tablet.the_bench.asked)
