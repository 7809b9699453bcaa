"""The demo with a screen: the app on a tablet that is enrolled, with a day of orders and a street around it.

The street is what a crew has around it: an optical probe that lies on the meter at hand, and a camera that
sees its label. Both follow the order that is open in the app, old meter first, then the new one; at the steps
about seals the camera sees seals, one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import assets
from fieldtool.demo import pictures, processes
from fieldtool.demo.crew import Crew, plausible_dial
from fieldtool.demo.office import Office, installer, supervisor
from fieldtool.demo.probe import Probe
from fieldtool.demo.processes import DemoError, Service
from fieldtool.demo.stage import NO_PORT, Stage
from fieldtool.procedure.model import Procedure, SealsStep

PROJECT, CREW = "prime", "PRM-01"
LOOK_SECONDS = 1.0
"""How often the street looks which order is open."""
SEAL_SECONDS = 4.0
"""A seal lies before the camera for so long, then the next one: no two of a meter have one number."""


@dataclass(frozen=True)
class Scene:
    """What stands before the crew at one step. `seal`: which seal, counted from 1, or 0 for the meter."""

    number: str
    old: bool
    seal: int = 0


def scene_at(procedure: Procedure, number: str, step: int, seconds: float) -> Scene:
    """What a crew has before it at the `step`th step (from 1) of an order, `seconds` after any moment."""
    steps = procedure.steps
    old = step <= [each.id for each in steps].index("swap")
    seals = isinstance(steps[step - 1], SealsStep)
    return Scene(number, old, 1 + int(seconds / SEAL_SECONDS) if seals else 0)


def run_window() -> int:
    """Prepare office and tablet, open the app on them, and end everything when it is closed."""
    processes.begin()
    processes.end_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="fieldtool-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        office = Office(folder / "office", {PROJECT: assets.project(PROJECT)})
        try:
            return _open_app(folder, office)
        except DemoError as error:
            sys.stderr.write(f"fieldtool demo: {error}\n")
            return 1
        finally:
            office.close()


def _open_app(folder: Path, office: Office) -> int:
    stage = Stage(folder, office, lambda lane, what: _say(what))
    stage.say("office", "opens the office and imports the project …")
    office.open(stage.logs)
    office.load(PROJECT)
    crew = Crew(PROJECT, CREW, installer(PROJECT), office.pins[installer(PROJECT)], folder / "crew")
    stage.say("crew", "enrols the tablet and fetches its orders …")
    crew.enrol(office)
    crew.sync()
    crew.tablet.end()  # from here on the app is the tablet
    street = Street(stage, crew)
    try:
        home = crew.home / "tablet"
        street.settings(home / "settings.json")
        for person in (installer(PROJECT), supervisor(PROJECT)):
            _say(f"sign in as {person}   PIN {office.pins[person]}")
        extra = {**crew.extra, "FIELDTOOL_CAMERA": street.camera.as_uri()}
        extra.pop("FIELDTOOL_PIN")
        app = subprocess.Popen(processes.fieldtool_command(), env=_with_screen(extra))
        try:
            while app.poll() is None:
                street.look(app)
        finally:
            app.terminate()
        return app.wait()
    finally:
        street.close()


def _with_screen(extra: dict[str, str]) -> dict[str, str]:
    found = processes.environment(extra)
    return found | {name: os.environ[name] for name in ("FIELDTOOL_FIRST_FRAME",) if name in os.environ}


def _say(what: str) -> None:
    sys.stderr.write(f"fieldtool demo: {what}\n")
    sys.stderr.flush()


def seal_number(scene: Scene) -> str:
    """Number of a seal: found ones begin with E, new ones with N."""
    return f"{'E' if scene.old else 'N'}{scene.number[-5:]}{scene.seal % 1000:03d}"


class Street:
    """Probe and camera of the crew, and the meters of the order that is open."""

    def __init__(self, stage: Stage, crew: Crew) -> None:
        self._stage, self._crew = stage, crew
        self._orders = {
            row["number"]: row for row in stage.office.orders(crew.project, crew.crew) if row["new_serial"]
        }
        self._meters: dict[str, tuple[Service | None, Service]] = {}
        self._details: dict[str, dict[str, Any]] = {}
        self._at: Scene | None = None
        self._lock = threading.Lock()
        self.camera = crew.home / "camera.jpg"
        self.probe = Probe(self._meter_at_hand)
        self._tablet = self._open_tablet()
        self._move(Scene(next(iter(self._orders)), old=True))

    def _open_tablet(self) -> Callable[[], list[Any]]:
        """A look at the tablet's own list of orders, without a process for each look."""
        from fieldtool.settings import Home
        from fieldtool.tablet.rows import OrderFilter
        from fieldtool.tablet.tablet import Tablet
        from workorders.journal.entry import Realm

        passphrase = self._crew.extra["FIELDTOOL_PASSPHRASE"]
        tablet = Tablet.open(Home(self._crew.home / "tablet"), Realm.DEMO, passphrase=lambda: passphrase)
        self._close_tablet = tablet.close
        return lambda: tablet.orders(OrderFilter())

    def settings(self, file: Path) -> None:
        """Tell the tablet which port its probe is."""
        file.write_text(f'{{"probe": "{self.probe.url}", "realm": "demo"}}', encoding="utf-8")

    def look(self, app: subprocess.Popen[bytes]) -> None:
        """Wait a moment, and follow the open order."""
        try:
            app.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            self.follow()

    def follow(self) -> None:
        """Put before the crew what belongs to the step that is open."""
        row = next((row for row in self._tablet() if row.step is not None), None)
        if row is not None and row.number in self._orders:
            self._move(scene_at(self._stage.procedure, row.number, row.step, time.monotonic()))

    def _move(self, scene: Scene) -> None:
        with self._lock:
            if self._at == scene:
                return
            self._at = scene
            order = self._details.get(scene.number)
            if order is None:
                row = self._orders[scene.number]
                order = self._stage.office.order(self._crew.project, row["order_id"])["order"]
                self._details[scene.number] = order
            self._picture(order, scene).replace(self.camera)

    def _picture(self, order: dict[str, Any], scene: Scene) -> Path:
        folder, name = self._crew.home, "camera.new"
        if scene.seal:
            return pictures.seal_photo(folder, name, seal_number(scene))
        if not scene.old:
            new = order["new_asset"]
            return pictures.meter_photo(folder, name, new["serial"], new.get("model") or "")
        old = order["old_asset"]
        shown = plausible_dial(old)
        if old.get("model") != NO_PORT:
            meter = self._of(scene.number)[0]
            shown = str(meter.ready()["display_kwh"]) if meter else shown
        return pictures.meter_photo(folder, name, old["serial"], old.get("model") or "", dial=shown)

    def _of(self, number: str) -> tuple[Service | None, Service]:
        if number not in self._meters:
            order = self._details[number]
            self._meters[number] = (self._stage.old_meter(order), self._stage.new_meter(order))
        return self._meters[number]

    def _meter_at_hand(self) -> str | None:
        with self._lock:
            if self._at is None:
                return None
            meter = self._of(self._at.number)[0 if self._at.old else 1]
        return str(meter.ready()["listen"]) if meter else None

    def close(self) -> None:
        """Switch everything off."""
        self.probe.close()
        self._close_tablet()
        for old, new in self._meters.values():
            for meter in (old, new):
                if meter is not None:
                    meter.end()
