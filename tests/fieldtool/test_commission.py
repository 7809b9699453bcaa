"""The whole job by command line on real parts: gateway, meters and tablet as processes of their own.

One world for the file, because a gateway with a project in it takes seconds to make.
"""

from __future__ import annotations

import csv
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

import assets
from drivers.virtual.secrets import derive
from tests.fieldtool.world import picture
from tests.support.commandline import environment, light_vault
from workorders.journal.entry import Realm

KEYED, OLD_HLS, NEW_SUITE_1 = "RN2600001", "ZIV0012300000", "ZIV0045670000"
"""An order whose old meter lets readers in by HLS, and whose new one is of security suite 1."""
PERSON, PIN = "prime.t01a", "482615"
CONCENTRATOR_MAC = "404022F42501"
TIMEOUT = 120


@dataclass
class Said:
    """What a command said. `json`: standard output, which must be one JSON value and nothing else."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Machine:
    """A data folder with the command line on it."""

    home: Path

    def run(self, *arguments: str, expect: int = 0) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "fieldtool", *arguments],
            env=environment(self.home, FIELDTOOL_PIN=PIN),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.status == expect, said
        assert "Traceback" not in said.err
        return said

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "fieldtool", *arguments],
            env=environment(self.home, FIELDTOOL_PIN=PIN),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )


@dataclass
class Field:
    """Gateway and tablet; meters are started for each visit."""

    office: Machine
    tablet: Machine
    folder: Path

    def visit(self, number: str, old_model: str = "prime-1ph") -> Visit:
        order = self.tablet.run("orders", "show", number, "--json").json
        return Visit(
            self,
            number,
            order["old"]["serial"],
            order["new"]["serial"],
            order["old"]["last_reading"],
            old_model,
        )


class Visit:
    """An order at its place: two virtual meters behind optical ports, and what the crew answers."""

    def __init__(self, field: Field, number: str, old: str, new: str, last: str, old_model: str) -> None:
        self.field, self.number, self.old, self.new = field, number, old, new
        self._last, self._old_model = int(float(last)), old_model
        self.meters: list[subprocess.Popen[str]] = []
        self.ports: dict[str, str] = {}
        self.dial = ""

    def __enter__(self) -> Visit:
        place = str(self.field.tablet.run("orders", "show", self.number, "--json").json["row"]["position"])
        where = self.field.folder / f"{self.number}.place"
        where.write_text(place, encoding="utf-8")
        gps = self._program("virtual-gps", "--place", str(where), "--accuracy", "3", "--rate", "10")
        reading = str(self._last + 150)
        suite = ("--suite", "1") if self.number == KEYED else ()
        old = self._meter(
            "--model", self._old_model, "--days", "5", "--serial", self.old, "--import-kwh", reading
        )
        new = self._meter(
            "--serial",
            self.new,
            *suite,
            "--base-node",
            CONCENTRATOR_MAC,
            "--join-after-s",
            "0",
            "--clock-offset-s",
            "90",
        )
        self.ports = {"old": old["listen"], "new": new["listen"], "gps": gps["listen"]}
        self.dial = old["display_kwh"]
        return self

    def __exit__(self, *_: object) -> None:
        for meter in self.meters:
            meter.terminate()
            meter.wait(10)
            if meter.stdout:
                meter.stdout.close()

    def _meter(self, *options: str) -> Any:
        return self._program("virtual-meter", "--listen", "socket://127.0.0.1:0", *options)

    def _program(self, *command: str) -> Any:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "fieldtool",
                *command,
            ],
            env=environment(self.field.folder / "meters", FIELDTOOL_PIN=PIN),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.meters.append(process)
        assert process.stdout is not None
        return json.loads(process.stdout.readline())

    def answers(self, **changes: dict[str, Any]) -> Path:
        def checks(*names: str) -> dict[str, Any]:
            return {"checks": dict.fromkeys(names, True)}

        given: dict[str, Any] = {
            "site": checks("place", "customer"),
            "hazards": checks("hazards", "protection"),
            "photo_before": {"photos": ["before.jpg"]},
            "voltage": checks("enclosure", "voltage", "socket"),
            "old_scan": {"serial": self.old, "codes": [self.old]},
            "old_dial": {"value": self.dial},
            "seals_found": {"none": True},
            "isolate": checks("load_off", "back_feed", "dead"),
            "swap": checks("removed", "mounted"),
            "new_scan": {"serial": self.new, "codes": [self.new]},
            "configure": {"allow": ["limiter.threshold"]},
            "polarity": checks("polarity"),
            "relay": {"confirmation": self.new[-4:]},
            "seals_applied": {"seals": [{"number": f"P{self.number[-4:]}", "position": "box"}]},
            "place": {},
            "photo_after": {"photos": ["after.jpg"]},
            "customer": {"outcome": "signed", "name": "Titular", "image": "signature.jpg"},
            "leave": checks("clean"),
        } | changes
        path = self.field.folder / f"{self.number}.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        for index, name in enumerate(("before", "after", "signature")):
            (self.field.folder / f"{name}.jpg").write_bytes(picture((40 * index, 90, 120)))
        return path

    def command(self, answers: Path, *more: str, new_port: str | None = None) -> list[str]:
        return [
            "commission", self.number, "--old-port", self.ports["old"],
            "--new-port", new_port or self.ports["new"], "--gps", self.ports["gps"],
            "--answers", str(answers),
            "--user", PERSON, "--json", *more,
        ]  # fmt: skip


def project_with_keys(folder: Path) -> Path:
    """The demo project, where the office has other secrets for the two meters of `KEYED`."""
    project = folder / "prime"
    shutil.copytree(assets.root() / "projects" / "prime", project)
    names = ("hls_password", "block_key", "auth_key", "sign_key", "meter_sign_key")
    keys = {OLD_HLS: {"hls_password": derive(OLD_HLS)["hls_secret"]}, NEW_SUITE_1: derive(NEW_SUITE_1, 1)}
    with (project / "secrets.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["serial"] not in keys]
    with (project / "secrets.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["serial", "password", *names], delimiter=";", extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
        table.writerows({"serial": serial, **given, "password": ""} for serial, given in keys.items())
    return project


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("field")
    office, tablet = Machine(folder / "office"), Machine(folder / "tablet")
    light_vault(office.home / "gateway", Realm.TRAINING)
    light_vault(tablet.home, Realm.TRAINING)
    pins = folder / "pins.json"
    pins.write_text(json.dumps({PERSON: PIN}), encoding="utf-8")
    loaded = office.run(
        "gateway",
        "load",
        str(project_with_keys(folder)),
        "--realm",
        "training",
        "--today",
        "now",
        "--pins",
        str(pins),
        "--json",
    ).json
    assert loaded["issued"] >= 200
    served = office.start("gateway", "serve", "--listen", "127.0.0.1:0")
    try:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["url"]
        code = office.run("gateway", "enrol", "--crew", "PRM-01", "--project", "prime", "--json").json["code"]
        tablet.run("enrol", url, code, "--realm", "training", "--json")
        assert tablet.run("sync", "--json").json["state"] == "done"
        yield Field(office, tablet, folder)
    finally:
        served.terminate()
        assert served.wait(20) == 0
        if served.stdout:
            served.stdout.close()


def test_a_visit_survives_a_dead_tablet_and_ends_as_a_record_that_proves_itself(field: Field) -> None:
    with field.visit("RN2600001") as visit, socket.create_server(("127.0.0.1", 0)) as silent:
        port = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        traced = ("--trace", str(field.folder / "visit.trace"))
        died = field.tablet.start(*visit.command(visit.answers(), *traced, new_port=port))
        silent.settimeout(TIMEOUT)
        connection, _ = silent.accept()  # the new meter is being read: now the battery falls out
        died.kill()
        died.wait(20)
        connection.close()
        shown = field.tablet.run("orders", "show", "RN2600001", "--json").json
        assert (shown["action"], shown["step"]) == ("resume", 12)
        done = field.tablet.run(*visit.command(visit.answers(), *traced)).json
    assert (done["state"], done["flags"]) == ("completed", [])
    assert done["meters"]["configured"] is True
    trace = Path(traced[1]).read_text(encoding="utf-8")
    clients = {record.get("client") for record in map(json.loads, trace.splitlines())} - {None}
    assert clients == {16, 36, 37}  # asked in public who is there, then HLS SHA-256, and ECDSA of suite 1
    assert not [key for key in derive(NEW_SUITE_1, 1).values() if key in trace and len(key) < 128]

    assert field.tablet.run("journal", "verify", "--json").json["ok"] is True
    round_ = field.tablet.run("sync", "--json").json
    assert set(round_["verdicts"]) == {"applied"}
    assert (round_["pending"], round_["pending_blobs"], round_["equal"]) == (0, 0, True)
    assert field.office.run("journal", "verify", "--gateway", "--json").json["ok"] is True

    acta, root = field.folder / "acta.pdf", field.folder / "root.pem"
    field.tablet.run("orders", "record", "RN2600001", "--out", str(acta))
    printed = "".join(page.extract_text() for page in PdfReader(acta).pages)
    assert "(±3.0 m)" in printed  # where the receiver said that the crew stood, and how sure it was
    root.write_text(field.office.run("gateway", "root").out, encoding="utf-8")
    proven = field.tablet.run("journal", "verify", "--record", str(acta), "--root", str(root), "--json").json
    assert (proven["ok"], proven["findings"]) == (True, [])


def test_a_swapped_label_stops_the_order_and_is_resolved_and_handed_over_by_usb(field: Field) -> None:
    with field.visit("RN2600021", "iec-c-legacy") as visit:  # its last reading comes out of its readout
        other = "ZIV0045670000"
        wrong = visit.answers(new_scan={"serial": other, "codes": [other]})
        stopped = field.tablet.run(*visit.command(wrong), expect=1)
        assert (stopped.json["state"], stopped.json["step"]) == ("stopped", "match")
        assert stopped.json["match"]["verdict"] == "mismatch"
        assert [problem["code"] for problem in stopped.json["error"]["problems"]] == ["mismatch"]
        done = field.tablet.run(*visit.command(visit.answers(), "--redo", "new_scan")).json
    assert done["state"] == "completed"

    stick = field.folder / "stick"
    stick.mkdir()
    handed = field.tablet.run("bundle", "export", str(stick), "--json").json
    first = field.office.run("bundle", "import", handed["file"], "--json").json
    again = field.office.run("bundle", "import", handed["file"], "--json").json
    # One is a conflict: this base node is not that of the order's transformer, and a supervisor must look.
    assert first["verdicts"] == {"applied": handed["entries"] - 1, "conflict": 1}
    assert again["verdicts"] == {"duplicate": handed["entries"]}
    data = Path(handed["file"]).read_bytes()
    Path(handed["file"]).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    field.office.run("bundle", "import", handed["file"], expect=1)


def test_an_order_left_with_its_reason_is_counted_and_closed_to_the_crew(field: Field) -> None:
    answers = field.folder / "gate.json"
    (field.folder / "gate.jpg").write_bytes(picture())
    ending = {"reason": "locked_gate", "photos": ["gate.jpg"], "note": "portón con candado"}
    answers.write_text(json.dumps({"not_done": ending}), encoding="utf-8")
    command = ["commission", "RN2600016", "--answers", str(answers), "--user", PERSON, "--json"]
    assert field.tablet.run(*command).json["state"] == "not_done"
    refused = field.tablet.run(*command, expect=1)
    assert "[not_open]" in refused.err


def test_usage_and_failures_keep_their_exit_status_and_their_channel(field: Field, tmp_path: Path) -> None:
    assert field.tablet.run("orders", "list", "--group", "someday", expect=2).out == ""
    assert field.tablet.run("meter", "read", expect=2).out == ""
    assert field.tablet.run("orders", "show", "nothing", "--json", expect=1).out == ""
    empty = Machine(tmp_path)
    said = empty.run("orders", "list", "--json", expect=1)
    assert (said.out, "[not_enrolled]" in said.err) == ("", True)
    unreachable = empty.run("meter", "identify", "--port", "socket://127.0.0.1:9", "--json", expect=1)
    assert (unreachable.out, "[no-probe]" in unreachable.err) == ("", True)
