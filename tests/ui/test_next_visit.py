"""A visit that goes on from one that was broken off after the swap, by taps on the real journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fieldtool.world import NEW_SERIAL, OLD_SERIAL, World, make_world, walk
from tests.ui.person import Person
from tests.ui.test_exchange import Exchange
from tests.ui.world_tablet import wired


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_the_crew_sees_what_stands_and_goes_on_at_the_new_meter(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    first = world.run()
    walk(first, until="new_scan")
    first.not_done("weather")
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.until_sees("Esto ya está hecho aquí")
        crew.until_sees("Medidor viejo, retirado")
        crew.tap("Seguir desde aquí")
        exchange = Exchange(crew, sight, world)
        crew.until(lambda: exchange.step == "site")
        exchange.finish()
        crew.until_sees("Orden terminada. Guardada en este equipo.")
    assert exchange.done[:5] == ["site", "hazards", "voltage", "isolate", "new_scan"]
    assert [gone["serial"] for gone in world.payloads("device.removed")] == [OLD_SERIAL]
    assert [put["serial"] for put in world.payloads("device.placed")] == [NEW_SERIAL]
