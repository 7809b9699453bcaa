"""What all stories of the demo share: the folder, the office, the meters switched on, and the count."""

from __future__ import annotations

import contextlib
import csv
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import assets
from fieldtool.demo import processes
from fieldtool.demo.crew import Crew, Visit
from fieldtool.demo.office import Office
from fieldtool.demo.processes import DemoError, Outcome, Service
from fieldtool.procedure.model import Procedure, load_procedure

NO_PORT = "em-1ph"
TAKEN = ("applied", "conflict")
"""Verdicts under which an entry counts at the office; a conflict is a fact that somebody must look at."""
HISTORY_DAYS = "2"


@dataclass
class Told:
    """How one story ended, for the table of results."""

    story: str
    project: str
    order: str
    order_id: str
    result: str
    seconds: float


@dataclass
class Count:
    """What the tablets did, as they said it themselves."""

    completed: int = 0
    not_done: int = 0
    read: int = 0
    configured: int = 0
    resumed: int = 0
    stopped: int = 0
    overridden: int = 0
    downloaded: int = 0
    pushed: int = 0
    taken: int = 0
    blobs: int = 0
    flagged: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, outcome: dict[str, Any]) -> None:
        """Count what `commission --json` said when an order ended."""
        with self.lock:
            self.completed += outcome["state"] == "completed"
            self.not_done += outcome["state"] == "not_done"
            self.read += int(outcome["meters"]["read"])
            self.configured += bool(outcome["meters"]["configured"])
            self.resumed += bool(outcome["meters"]["resumed"])
            self.overridden += bool((outcome.get("match") or {}).get("overridden_by"))
            if outcome["flags"]:
                self.flagged.add(str(outcome["order_id"]))

    def take_round(self, report: dict[str, Any]) -> None:
        """Count what `sync --json` said: each entry and each blob goes up once."""
        with self.lock:
            self.pushed += int(report["pushed"])
            self.taken += sum(int(report["verdicts"].get(kind, 0)) for kind in TAKEN)
            self.blobs += int(report["blobs_sent"])


class Stage:
    """One run of the demo."""

    def __init__(self, folder: Path, office: Office, say: Callable[[str, str], None]) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.office = office
        self.count = Count()
        self.procedure: Procedure = load_procedure(assets.root() / "procedures" / "exchange.toml")
        self.placed: list[tuple[str, str, str]] = []
        self.used: set[str] = set()
        self._say = say
        self._lock = threading.Lock()

    def say(self, lane: str, what: str) -> None:
        """Show what a lane is doing."""
        self._say(lane, what)

    def told(self, crew: Crew, story: str, order: dict[str, Any], result: str, began: float) -> None:
        """Note how a story ended."""
        seconds = time.monotonic() - began
        line = Told(story, crew.project, str(order["number"]), str(order["mrid"]), result, seconds)
        with self.count.lock:
            self.count.told.append(line)

    def next_order(self, crew: Crew) -> dict[str, Any]:
        """The next exchange of this crew that names its new meter.

        Raises:
            DemoError: the crew has no such order left.
        """
        for row in self.office.orders(crew.project, crew.crew):
            if row["kind"] != "exchange" or not row["new_serial"] or "medical_dependency" in row["flags"]:
                continue
            with self._lock:
                if row["order_id"] in self.used:
                    continue
                self.used.add(row["order_id"])
                order: dict[str, Any] = self.office.order(crew.project, row["order_id"])["order"]
            return order | {"position": row["position"]}
        raise DemoError(f"crew {crew.crew} has no order left that fits")

    @contextlib.contextmanager
    def visit(self, order: dict[str, Any], *more: str) -> Iterator[Visit]:
        """Switch on the meters of an order; `more` are options of the new meter."""
        old_meter = self.old_meter(order)
        try:
            with self.new_meter(order, *more) as new_meter:
                yield Visit(order, old_meter, new_meter, order["new_asset"]["serial"])
        finally:
            if old_meter is not None:
                old_meter.end()

    def old_meter(self, order: dict[str, Any]) -> Service | None:
        """The meter that hangs there; None for one without an optical port."""
        old = order["old_asset"]
        if old.get("model") in (None, NO_PORT):
            return None
        reading = str(int(Decimal(old["last_reading"]) + 15 * Decimal(old["usual_daily_use"])))
        return self._meter(order, old["model"], old["serial"], "--import-kwh", reading)

    def new_meter(self, order: dict[str, Any], *more: str) -> Service:
        """The meter that the order names."""
        new = order["new_asset"]
        return self._meter(order, new["model"], new["serial"], *self._network(order), *more)

    def _meter(self, order: dict[str, Any], model: str, serial: str, *options: str) -> Service:
        command = [*processes.drivers_command(), "virtual-meter", "--model", model, "--serial", serial]
        command += ["--listen", "socket://127.0.0.1:0", "--days", HISTORY_DAYS, *options]
        return Service(f"meter {serial}", command, {}, self.logs / f"{order['number']}-{serial}.log")

    def _network(self, order: dict[str, Any]) -> list[str]:
        """PRIME: the base node of the transformer that the meter hangs on."""
        if order.get("technology") != "prime":
            return []
        concentrator = concentrators(self.office.projects["prime"])[order["place"]["concentrator"]]
        return ["--base-node", concentrator["mac"], "--join-after-s", "1"]

    def sync(self, crew: Crew, *, first: bool = False) -> dict[str, Any]:
        """One round of a crew's tablet, counted."""
        report = crew.sync()
        self.count.take_round(report)
        if first:
            with self.count.lock:
                self.count.downloaded += int(report["orders"])
        return report

    def finished(self, visit: Visit, outcome: Outcome) -> dict[str, Any]:
        """Count the end of an order.

        Raises:
            DemoError: it did not end as completed.
        """
        said: dict[str, Any] = outcome.json
        self.count.take(said)
        if said["state"] != "completed":
            raise DemoError(f"order {visit.number} stopped at {said['step']}: {said['error']}")
        place = visit.order["place"]
        with self._lock:
            self.placed.append((visit.order["project"], visit.new_serial, place.get("concentrator") or ""))
        return said


def concentrators(project: Path) -> dict[str, dict[str, str]]:
    """Identities of the concentrators of a project, by mRID."""
    with (project / "network.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["kind"] == "concentrator"]
    return {
        row["mrid"]: dict(pair.split("=", 1) for pair in row["identity"].split(";") if "=" in pair)
        for row in rows
    }
