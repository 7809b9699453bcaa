"""The office of the demo: its gateway as a process, and the supervisor's work through the gateway's API."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

import assets
from fieldtool.demo import processes
from fieldtool.demo.processes import DemoError, Service

HTTP_SECONDS = 30.0
SUPERVISOR, ADMINISTRATOR = "demo.supervisor", "demo.administrator"


def random_pin() -> str:
    """Six digits for one run of the demo."""
    return f"{secrets.randbelow(10**6):06d}"


class Office:
    """The office side: import, people, codes, orders, decisions, figures.

    Raises `DemoError` where the gateway refuses something.
    """

    def __init__(self, home: Path, projects: Mapping[str, Path], people: Iterable[str]) -> None:
        self.home = home
        self.projects = dict(projects)
        self.pins = {person: random_pin() for person in [*people, SUPERVISOR, ADMINISTRATOR]}
        self._extra = {
            "FIELDTOOL_HOME": str(home),
            "FIELDTOOL_DATABASE": f"sqlite:///{home / 'gateway.db'}",
            "FIELDTOOL_PASSPHRASE": secrets.token_urlsafe(24),
        }
        self.url = ""
        self._service: Service | None = None
        self._sessions: dict[str, requests.Session] = {}

    def prepare(self) -> None:
        """Import the projects as their utilities deliver them, and add the office's people."""
        self.home.mkdir(parents=True, exist_ok=True)
        pins = self.home / "pins.json"
        pins.write_text(json.dumps(self.pins), encoding="utf-8")
        for folder in self.projects.values():
            report = self._run("load", str(folder), "--today", "now", "--pins", str(pins), "--json").json
            if report["refused"]:
                raise DemoError(f"import of {folder.name}: {report['errors'][:3]}")
        for person, role in ((SUPERVISOR, "supervisor"), (ADMINISTRATOR, "administrator")):
            extra = {"DEMO_PIN": self.pins[person]}
            arguments = ["users", "add", person.title(), "--id", person, "--role", role]
            self._run(*arguments, "--pin", "env:DEMO_PIN", "--json", extra=extra)
        pins.unlink()

    def _run(self, *arguments: str, extra: Mapping[str, str] | None = None) -> processes.Outcome:
        return processes.run(["gateway", *arguments, "--realm", "demo"], self._extra | dict(extra or {}))

    def serve(self, logs: Path) -> None:
        """Start the gateway's process and wait until it listens."""
        command = [*processes.fieldtool_command(), "gateway", "serve"]
        command += ["--listen", "127.0.0.1:0", "--realm", "demo"]
        self._service = Service("gateway", command, self._extra, logs / "gateway.log")
        self.url = str(self._service.ready()["url"])

    def close(self) -> None:
        """End the gateway's process."""
        for session in self._sessions.values():
            session.close()
        if self._service is not None:
            self._service.end()

    # --- the API, as the supervisor's pages use it ------------------------------------------------

    def _ask(self, method: str, path: str, who: str = SUPERVISOR, **options: Any) -> Any:
        session = self._sessions.get(who) or self._sign_in(who)
        answer = session.request(method, self.url + path, timeout=HTTP_SECONDS, **options)
        if answer.status_code >= 300:
            raise DemoError(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
        return answer.json() if answer.content else None

    def _sign_in(self, who: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        body = {"user": who, "pin": self.pins[who]}
        answer = session.post(f"{self.url}/v1/sessions", json=body, timeout=HTTP_SECONDS)
        if answer.status_code >= 300:
            raise DemoError(f"sign-in of {who}: {answer.status_code} {answer.text[:400]}")
        session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        self._sessions[who] = session
        return session

    def enrolment_code(self, project: str, crew: str) -> str:
        """A one-time code for one tablet of a crew."""
        body = {"project": project, "crew": crew, "url": self.url}
        code = self._ask("POST", "/v1/admin/enrolment-codes", ADMINISTRATOR, json=body)
        return str(code["code"])

    def orders(self, project: str, crew: str) -> list[dict[str, Any]]:
        """The orders of a crew."""
        query: dict[str, str | int] = {"project": project, "crew": crew, "limit": 500}
        found: list[dict[str, Any]] = self._ask("GET", "/v1/orders", params=query)["orders"]
        return found

    def order(self, order_id: str) -> dict[str, Any]:
        """One order with everything that came of it."""
        found: dict[str, Any] = self._ask("GET", f"/v1/orders/{order_id}")
        return found

    def cancel(self, order_id: str, reason: str) -> None:
        """Withdraw an order."""
        self._ask("POST", f"/v1/orders/{order_id}/cancel", json={"reason": reason})

    def approve(self, order_id: str) -> None:
        """Accept the record of an executed order."""
        self._ask("POST", f"/v1/orders/{order_id}/approve", json={"remark": "conforme"})

    def exceptions(self, order_id: str | None = None, *, decided: bool = False) -> list[dict[str, Any]]:
        """The supervisor's queue."""
        query: dict[str, str] = {"limit": "500", "decided": str(decided).lower()}
        if order_id is not None:
            query["order_id"] = order_id
        found: list[dict[str, Any]] = self._ask("GET", "/v1/exceptions", params=query)["exceptions"]
        return found

    def decide(self, exception_id: str, decision: str, reason: str) -> None:
        """Decide an exception."""
        body = {"decision": decision, "reason": reason}
        self._ask("POST", f"/v1/exceptions/{exception_id}/decision", json=body)

    def head_end_heard(self, project: str, heard: Iterable[tuple[str, str]]) -> None:
        """Take in the head-end's list, as CSV: (serial, concentrator), heard now."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(["serial", "heard_at", "concentrator"])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        writer.writerows([serial, now, concentrator] for serial, concentrator in heard)
        headers = {"Content-Type": "text/csv"}
        query = {"project": project}
        self._ask("POST", "/v1/heard", params=query, data=text.getvalue().encode(), headers=headers)

    def figures(self) -> dict[str, Any]:
        """The gateway's own count of what the tablets did."""
        found: dict[str, Any] = self._ask("GET", "/v1/figures")
        return found


def prime_with_concentrator(folder: Path, concentrator: str, url: str) -> Path:
    """The PRIME project with the address of one concentrator filled in, as its integrator would."""
    import shutil

    shutil.copytree(assets.project("prime"), folder, dirs_exist_ok=True)
    network = folder / "network.csv"
    lines = network.read_text(encoding="utf-8").splitlines()
    done = [
        line.replace("mac=", f"url={url};mac=", 1) if line.startswith(f"{concentrator};") else line
        for line in lines
    ]
    network.write_text("\n".join(done) + "\n", encoding="utf-8")
    return folder
