"""The photo of the whole panel as a step: opened, taken, looked at and accepted by taps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from fieldtool.tablet.panelphoto import sight_of
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.panels import SERIALS, SPARE, PanelTablet, panel_tablet
from tests.fieldtool.test_panel_step import FOREIGN, at_the_step, jpeg, with_photos
from tests.ui.person import Person
from tests.ui.test_panel_page import Screened
from tests.ui.world_tablet import CrewOnly
from ui.translator import CatalogueTranslator
from ui.wiring.camera import LiveCamera


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelTablet:
    return with_photos(panel_tablet(tmp_path, monkeypatch))


def test_the_step_opens_the_photo_and_takes_what_it_shows(
    panel: PanelTablet, tmp_path: Path, person: Callable[..., Person]
) -> None:
    screened = Screened(panel, tmp_path)
    tablet = cast("Tablet", screened)
    screened.stock = panel.stock  # type: ignore[attr-defined]  # what a photo asks for beyond a panel run
    around = panel.world.around
    panel.world.around = dataclasses.replace(around, panel_photo=lambda key: sight_of(tablet, key))
    run = at_the_step(panel)
    panel.leave(run.order_id)
    folder = tmp_path / "camera"
    folder.mkdir()
    (folder / "panel.jpg").write_bytes(jpeg(s1=SERIALS[0], s3=SERIALS[2], s4=SPARE, s5=FOREIGN))
    backend = CrewOnly(tablet, CatalogueTranslator(), LiveCamera(folder.as_uri()))
    with person(backend) as crew:
        crew.screens.app.startOrder(run.order_id)
        crew.tap("Abrir la foto del panel")
        crew.until(lambda: crew.screens.app.panelPhoto.open)
        crew.tap("Tomar la foto")
        crew.until(lambda: bool(crew.screens.app.panelPhoto.photo.get("taken")), patience=4)
        crew.tap("Atrás")
        crew.until_sees("2 de 3 en su sitio", patience=2)
        crew.until_sees(FOREIGN)
        crew.until_sees("o diga por qué se deja así")
        crew.tap("Dejar así…")
        crew.tap("Los medidores se montan después")
        crew.tap("Guardar")
        crew.until(lambda: crew.screens.app.procedure.stepKey.endswith("/place"))
    answers = [done for done in payloads(panel, run.order_id) if done["step"] == "photo_slots"]
    assert [one["answers"]["missing"] for one in answers] == [[SERIALS[1]]]
    assert len(answers[0]["answers"]["photos"]) == 1


def payloads(panel: PanelTablet, order_id: str) -> list[dict[str, object]]:
    from workorders.store import queries

    with panel.store.read() as connection:
        found = queries.entries_of(connection, order_id)
    return [entry.envelope.payload for entry in found if entry.envelope.kind == "step.done"]
