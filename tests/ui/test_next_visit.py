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


def break_off_after_the_swap(world: World) -> None:
    first = world.run()
    walk(first, until="new_scan")
    first.not_done("weather")


def test_the_crew_sees_what_stands_and_goes_on_at_the_new_meter(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    break_off_after_the_swap(world)
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


def test_an_exchange_becomes_an_irregularity_with_reason_and_photo(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    """The way leads over *No ejecutada…*, where a crew that cannot do what was ordered ends its visit."""
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        exchange = Exchange(crew, sight, world)
        crew.until(lambda: exchange.step == "site")
        exchange.finish(until="photo_before")
        crew.tap("No ejecutada…")
        crew.tap("Otro trabajo…")
        crew.until_sees("¿Qué trabajo hace falta aquí?")
        assert not crew.sees("Retiro de medidor")  # only a lead may
        crew.tap("Condición irregular encontrada")
        crew.tap("Conexión por fuera del medidor")
        crew.until_sees("falta la foto")
        crew.tap("Tomar foto")
        crew.until_sees("Foto tomada")
        crew.tap("Pasar a este trabajo")
        crew.until(lambda: exchange.step == "photo_wide")
    [changed] = world.payloads("procedure.changed")
    assert (changed["procedure"], changed["reason"], len(changed["blobs"])) == ("irregularity", "bypass", 1)


def test_a_swap_found_half_done_is_undone_from_the_first_page(
    person: Callable[..., Person], world: World, tmp_path: Path
) -> None:
    break_off_after_the_swap(world)
    backend, sight = wired(world, tmp_path)
    with person(backend) as crew:
        crew.screens.app.startOrder(world.order.mrid)
        crew.tap("Deshacer u otro trabajo…")
        crew.tap("El nuevo no se puede dejar montado")
        crew.tap("Tomar foto")
        crew.until_sees("Foto tomada")
        crew.tap("Pasar a este trabajo")
        exchange = Exchange(crew, sight, world)
        crew.until(lambda: exchange.step == "site")
        exchange.finish()
    assert [put["serial"] for put in world.payloads("device.placed")] == [OLD_SERIAL]
    [_, ended] = world.payloads("order.notDone")
    assert ended["reason"] == "swap_undone"
