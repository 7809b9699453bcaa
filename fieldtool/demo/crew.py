"""A crew of the demo: a tablet that is nothing but data folder and command line, and what the crew sees."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from fieldtool.demo import pictures, processes
from fieldtool.demo.office import Office
from fieldtool.demo.processes import Outcome, Service
from fieldtool.demo.shell import Shell
from fieldtool.procedure.model import Procedure

ENERGY_TITLE = "CONSENTIMIENTO"
PLATES = {"idis-3ph-ct": "200/5", "gprs-3ph-ct": "300/5"}
"""The current transformers that the virtual meters hang on."""


@dataclass
class Visit:
    """One order at its place: the devices there, and where their optical ports are."""

    order: dict[str, Any]
    old: Service | None
    new: Service
    new_serial: str

    @property
    def number(self) -> str:
        """Number of the order."""
        return str(self.order["number"])

    @property
    def order_id(self) -> str:
        """Id of the order."""
        return str(self.order["mrid"])


@dataclass
class Crew:
    """One tablet and the person who signs in on it."""

    project: str
    crew: str
    person: str
    pin: str
    home: Path
    extra: dict[str, str] = field(default_factory=dict)
    gps: Service | None = None
    last_seconds: float = 0.0
    """How long this tablet's last command took: what this machine can do now."""

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.extra = {
            "FIELDTOOL_HOME": str(self.home / "tablet"),
            "FIELDTOOL_PASSPHRASE": secrets.token_urlsafe(24),
            "FIELDTOOL_PIN": self.pin,
        }
        self.tablet = Shell(self.extra, self.home / "tablet.log")

    def run(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> Outcome:
        """Run one command on this tablet."""
        outcome = self.tablet.run([*arguments, "--realm", "demo"], allowed=allowed)
        self.last_seconds = outcome.seconds
        return outcome

    def tool(self, *arguments: str) -> Outcome:
        """Run a command that is no matter of orders; it may fail."""
        return self.tablet.run(arguments, allowed=(0, 1))

    def switch_gps_on(self, logs: Path) -> Service:
        """Start the crew's receiver, which goes with it from order to order."""
        command = [*processes.drivers_command(), "virtual-gps", "--place", str(self._place), "--rate", "10"]
        self.gps = Service(f"gps {self.crew}", command, {}, logs / f"{self.crew}-gps.log")
        return self.gps

    def stand_at(self, order: dict[str, Any]) -> None:
        """The crew has driven to the supply point of an order."""
        self._place.write_text(str(order.get("position") or ""), encoding="utf-8")

    @property
    def _place(self) -> Path:
        return self.home / "gps-place.txt"

    def enrol(self, office: Office) -> None:
        """Make the tablet known to the office."""
        self.run("enrol", office.url, office.enrolment_code(self.project, self.crew), "--json")

    def sync(self) -> dict[str, Any]:
        """One round with the office."""
        found: dict[str, Any] = self.run("sync", "--json").json
        return found

    def proof(self) -> dict[str, Any]:
        """What `journal verify` says of this tablet."""
        found: dict[str, Any] = self.run("journal", "verify", "--json", allowed=(0, 1)).json
        return found

    def leave(self, number: str, answers: dict[str, Any]) -> Outcome:
        """End an order without having been at its meters."""
        file = self.home / f"{number}.json"
        file.write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")
        return self.run("commission", number, "--answers", str(file), "--user", self.person, "--json")

    def commission(
        self,
        visit: Visit,
        answers: dict[str, Any],
        *,
        new_port: str | None = None,
        redo: str | None = None,
        stop_before: str | None = None,
        allowed: tuple[int, ...] = (0,),
        dies_on: threading.Event | None = None,
        gently: bool = False,
    ) -> Outcome:
        """Work on an order by its procedure, from where it stands to where it ends or stops."""
        self.stand_at(visit.order)
        file = self.home / f"{visit.number}.json"
        file.write_text(json.dumps(answers, ensure_ascii=False, indent=1), encoding="utf-8")
        arguments = ["commission", visit.number, "--answers", str(file), "--user", self.person]
        if visit.old is not None:
            arguments += ["--old-port", str(visit.old.ready()["listen"])]
        arguments += ["--new-port", new_port or str(visit.new.ready()["listen"])]
        arguments += ["--gps", str(self.gps.ready()["listen"]) if self.gps is not None else "none"]
        if redo is not None:
            arguments += ["--redo", redo]
        if stop_before is not None:
            arguments += ["--stop-before", stop_before]
        arguments += ["--realm", "demo", "--json"]
        return self.tablet.run(arguments, allowed=allowed, dies_on=dies_on, gently=gently)


def _ratio(order: dict[str, Any]) -> str:
    """What stands on the plates of its current transformers: what the order says, where it does."""
    said = order.get("program_values", {}).get("ct_ratio")
    return str(said or PLATES.get(order["new_asset"]["model"], "200/5"))


def answers(visit: Visit, procedure: Procedure, folder: Path, *, label: str | None = None) -> dict[str, Any]:
    """What a crew taps, scans, types and photographs on a clean exchange; pictures are made into `folder`.

    `label`: serial on the label of the new meter, where it is not the one that belongs there.
    """
    order, number = visit.order, visit.number
    old, new_model = order["old_asset"], order["new_asset"]["model"]
    dial = str(visit.old.ready()["display_kwh"]) if visit.old else plausible_dial(old)
    before = pictures.meter_photo(
        folder, f"{number}-before", old["serial"], old.get("model") or "", dial=dial
    )
    after = pictures.meter_photo(folder, f"{number}-after", label or visit.new_serial, new_model)
    paper = pictures.form_photo(folder, f"{number}-form", ENERGY_TITLE)
    found: dict[str, Any] = {}
    for step in procedure.steps:
        checks = getattr(step, "checks", None)
        if checks:
            found[step.id] = {"checks": {check.id: True for check in checks}}
            proofs = {check.id: paper.name for check in checks if check.photo}
            if proofs:
                found[step.id]["photos"] = proofs
    found |= {
        "photo_before": {"photos": [before.name]},
        "ct_plate": {"value": _ratio(order)},
        "photo_ct_plate": {"photos": [before.name]},
        "ct_second": {"value": _ratio(order)},
        "ct_source": {"choice": "certificate"},
        "old_scan": {"image": before.name},
        "old_dial": {"value": dial},
        "seals_found": {
            "seals": [{"number": f"E{number[-5:]}1", "position": "meter_body", "condition": "intact"}]
        },
        "new_scan": {"image": after.name},
        # A lower limit could cut the supply: it is written only because the crew says so.
        "configure": {"allow": ["limiter.threshold"]},
        "relay": {"confirmation": "".join(filter(str.isdigit, visit.new_serial))[-4:]},
        "seals_applied": {"seals": [{"number": f"N{number[-5:]}7", "position": "terminal_cover"}]},
        "place": {},
        "photo_after": {"photos": [after.name]},
        "customer": {
            "outcome": "signed",
            "name": "Titular del suministro",
            "image": pictures.signature(folder, f"{number}-signature").name,
        },
    }
    if visit.old is None:
        found["old_read"] = {"not_obtainable": "no_port", "photos": [before.name]}
    return found


def plausible_dial(old: dict[str, Any]) -> str:
    """What an old meter without a port shows by now: its last reading and three weeks of usual use."""
    use = Decimal(old.get("usual_daily_use") or 5)
    return str(int(Decimal(old.get("last_reading") or 1000) + 21 * use))
