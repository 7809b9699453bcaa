"""The meter page on a virtual meter in another process: read, live, miswired, no probe, gone, locked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import assets
from drivers.models import load_models
from fieldtool.run.surroundings import Person as Holder
from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from tests.drivers.field import MODELS, Meter, virtual_meter
from tests.fieldtool.world import World, make_world
from tests.ui.person import Person
from tests.ui.world_tablet import CrewOnly, WorldTablet, wired
from ui.wiring.tablet import WiredTablet
from workorders.journal.entry import Realm
from workorders.journal.words import DeviceRole

PICTURES = os.environ.get("FIELDTOOL_PICTURES")


class AtMeter(WorldTablet):
    """A tablet whose probe sits on a meter in another process, with that meter's secrets."""

    def __init__(self, world: World, folder: Path, meter: Meter) -> None:
        super().__init__(world, folder)
        self.meter, self.port = meter, meter.url
        self.journal = world.journal
        self.signed_in = super().person()
        self.identity = SimpleNamespace(system_title="46544C0000000001")
        self.secrets = SimpleNamespace(
            get=lambda serial, name: self.meter.secrets.get(name) if serial else None
        )
        files = SimpleNamespace(
            models=load_models(MODELS),
            folders={name: assets.root() / name for name in ("models", "programs")},
        )
        self.desk = SimpleNamespace(now=lambda: files)
        self.home, self.realm = Home(folder / "home"), Realm.LIVE

    def person(self) -> Holder | None:
        return self.signed_in

    def port_for(self, role: DeviceRole) -> str | None:
        return self.port or None


Open = Callable[..., tuple[Person, AtMeter]]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: Callable[..., Person]) -> Iterator[Open]:
    """A person who opened the meter page over a meter."""
    world = make_world(tmp_path, monkeypatch)
    # The world scripts its meters; this one is asked over its port.
    monkeypatch.undo()
    made: list[WiredTablet] = []

    def open_page(meter: Meter, **options: Any) -> tuple[Person, AtMeter]:
        tablet = AtMeter(world, tmp_path, meter)
        scripted, _ = wired(world, tmp_path)
        backend = CrewOnly(cast("Tablet", tablet), scripted.translator, scripted.camera)
        made.append(backend)
        crew = person(backend, **options)
        crew.screens.app.go("meter")
        return crew, tablet

    yield open_page
    for backend in made:
        backend.leave_meter()


def picture(crew: Person, name: str) -> None:
    if PICTURES:
        crew.window.grabWindow().save(f"{PICTURES}/{name}.png")


def until(crew: Person, condition: Callable[[], bool]) -> None:
    """A meter at a port takes longer than a page."""
    crew.bot.waitUntil(condition, timeout=30_000)


def shown(crew: Person) -> dict[str, Any]:
    return dict(crew.screens.app.meter.meter)


def test_a_miswired_meter_is_read_judged_and_read_again_by_itself(at: Open) -> None:
    with virtual_meter("idis-3ph-ct", "--wiring", "reverse") as meter:
        crew, _ = at(meter)
        with crew:
            crew.tap("Leer")
            until(crew, lambda: crew.sees("Giro de fases al revés"))
            assert crew.sees("Giro L1-L3-L2, al revés")
            picture(crew, "reverse")
            crew.screens.app.meter.refresh()
            crew.until(lambda: not crew.screens.app.meter.busy)
            assert shown(crew)["live"]
            crew.tap("Eventos")
            crew.until_sees("Vuelve la tensión")
            picture(crew, "events")
            crew.screens.app.go("orders")
            crew.until(lambda: not crew.screens.app.meter.busy and not shown(crew)["live"])


def test_the_network_is_told_in_words_of_its_technology(at: Open) -> None:
    with virtual_meter("g3-1ph", "--join-after-s", "0") as meter:
        crew, _ = at(meter)
        with crew:
            crew.tap("Leer")
            until(crew, lambda: crew.sees("Comunicando"))
            assert crew.sees("Red · G3-PLC")
            assert crew.sees("Calidad (LQI)")
            picture(crew, "g3")
            crew.screens.app.go("orders")
            crew.until(lambda: not crew.screens.app.meter.busy and not shown(crew)["live"])


def test_meters_behind_the_meter_stand_below_its_network(at: Open) -> None:
    with virtual_meter("idis-1ph-lte", "--join-after-s", "0") as meter:
        crew, _ = at(meter)
        with crew:
            crew.tap("Leer")
            until(crew, lambda: crew.sees("Red · celular"))
            facts = {fact["label"]: fact["value"] for fact in shown(crew)["network"]["facts"]}
            assert facts["Agua"] == "KAM 62234567"
            assert facts["Señal LTE"].endswith("dBm")
            picture(crew, "lte")
            crew.screens.app.go("orders")
            crew.until(lambda: not crew.screens.app.meter.busy and not shown(crew)["live"])


def test_a_meter_that_goes_away_leaves_its_values_and_says_so(at: Open) -> None:
    with virtual_meter("prime-1ph", "--join-after-s", "0") as meter:
        crew, _ = at(meter)
        with crew:
            crew.tap("Leer")
            until(crew, lambda: shown(crew)["state"] == "read")
            picture(crew, "single")
            meter.process.kill()
            meter.process.wait()
            crew.screens.app.meter.refresh()
            until(crew, lambda: bool(crew.screens.app.meter.failure))
            assert crew.sees("Probar otra vez")
            assert not shown(crew)["live"]
            assert shown(crew)["readings"]
            picture(crew, "gone")


def test_without_a_probe_the_page_says_how_to_get_one(at: Open) -> None:
    with virtual_meter("prime-1ph") as meter:
        crew, tablet = at(meter)
        with crew:
            tablet.port = ""
            crew.screens.app.meter.read()
            crew.until_sees("No hay sonda")
            picture(crew, "absent")


def test_a_locked_meter_is_counted_down_and_not_tried_before(at: Open) -> None:
    """A password is sent once; after the lock-out nothing is to be had until its time is over."""
    with virtual_meter("prime-1ph", "--lockout-s", "60") as meter:
        meter.secrets = {"password": b"wrong999"}
        crew, _ = at(meter)
        with crew:
            for _ in range(4):
                until(crew, lambda: not crew.screens.app.meter.busy)
                crew.screens.app.meter.read()
            until(crew, lambda: not crew.screens.app.meter.busy)
            assert dict(crew.screens.app.meter.failure)["code"] == "locked-out"
            assert int(dict(crew.screens.app.meter.failure)["seconds"]) > 0
            crew.until_sees("faltan ")
            button = crew.button("Probar otra vez")
            assert button is None or not button.isVisible()
            picture(crew, "locked")


def test_an_ansi_meter_is_read_with_its_own_head(at: Open) -> None:
    """No answer to the IEC head; with the ANSI one its values stand where those of any meter do."""
    with virtual_meter("ansi-1ph") as meter:
        crew, _ = at(meter)
        with crew:
            crew.tap("Cabezal ANSI")
            crew.until(lambda: shown(crew)["head"] == "ansi" and not crew.screens.app.meter.busy)
            crew.tap("Leer")
            until(crew, lambda: shown(crew)["state"] == "read")
            assert shown(crew)["serial"] == meter.serial
            labels = [row["label"] for row in shown(crew)["readings"]]
            assert labels[:2] == ["Tensión, V", "Corriente, A"]
            assert shown(crew)["registers"]
            crew.screens.app.meter.refresh()
            crew.until(lambda: not crew.screens.app.meter.busy)
            assert shown(crew)["live"]
            assert shown(crew)["head"] == "ansi"
            picture(crew, "ansi")
            crew.tap("Cabezal ANSI")
            crew.until(lambda: shown(crew)["head"] == "iec" and shown(crew)["state"] == "ready")
