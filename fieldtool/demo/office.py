"""The office of the demo: its gateway as a process, and the supervisor's work through the gateway's API."""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

import assets
from fieldtool.demo import processes
from fieldtool.demo.processes import DemoError, Service
from fieldtool.demo.shell import Shell

HTTP_SECONDS = 30.0
ADMINISTRATOR = "demo.administrator"


def random_pin() -> str:
    """Six digits for one run of the demo."""
    return f"{secrets.randbelow(10**6):06d}"


def installer(project: str) -> str:
    """The person who works with the tablet of a project's first crew."""
    return f"{project}.t01a"


def supervisor(project: str) -> str:
    """The person who decides for a project."""
    return f"{project}.supervisor"


class Office:
    """The office side: import, people, codes, orders, decisions, figures.

    Raises `DemoError` where the gateway refuses something.
    """

    def __init__(self, home: Path, projects: Mapping[str, Path]) -> None:
        self.home = home
        self.projects = dict(projects)
        people = [person(name) for name in projects for person in (installer, supervisor)]
        self.pins = {person: random_pin() for person in [*people, ADMINISTRATOR]}
        self._extra = {
            "FIELDTOOL_HOME": str(home),
            "FIELDTOOL_DATABASE": f"sqlite:///{home / 'gateway.db'}",
            "FIELDTOOL_PASSPHRASE": secrets.token_urlsafe(24),
            "DEMO_PIN": self.pins[ADMINISTRATOR],
        }
        home.mkdir(parents=True, exist_ok=True)
        self._desk = Shell(self._extra, home / "desk.log")
        self._service: Service | None = None
        self._sessions: dict[str, requests.Session] = {}

    def open(self, logs: Path) -> None:
        """Make the office's database with its administrator, and start the gateway's process.

        Projects can be imported meanwhile; whoever asks for `url` waits until the gateway listens.
        """
        arguments = ["users", "add", "Administración", "--id", ADMINISTRATOR, "--role", "administrator"]
        self._run(*arguments, "--pin", "env:DEMO_PIN", "--json")
        command = [*processes.fieldtool_command(), "gateway", "serve"]
        command += ["--listen", "127.0.0.1:0", "--realm", "demo"]
        self._service = Service("gateway", command, self._extra, logs / "gateway.log")

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        if self._service is None:
            raise DemoError("the office is not open")
        return str(self._service.ready()["url"])

    def load(self, project: str) -> dict[str, Any]:
        """Import a project as its utility delivers it, with PINs for the people who take part."""
        pins = self.home / f"{project}-pins.json"
        mine = {person: self.pins[person] for person in (installer(project), supervisor(project))}
        pins.write_text(json.dumps(mine), encoding="utf-8")
        try:
            folder = str(self.projects[project])
            report: dict[str, Any] = self._run(
                "load", folder, "--today", "now", "--pins", str(pins), "--json"
            ).json
        finally:
            pins.unlink()
        if report["refused"]:
            raise DemoError(f"import of {project}: {report['errors'][:3]}")
        return report

    def _run(self, *arguments: str) -> processes.Outcome:
        return self._desk.run(["gateway", *arguments, "--realm", "demo"])

    def close(self) -> None:
        """End the gateway's process and the desk."""
        for session in self._sessions.values():
            session.close()
        if self._service is not None:
            self._service.end()
        self._desk.end()

    # --- the API, as the supervisor's pages use it ------------------------------------------------

    def _ask(self, method: str, path: str, who: str, **options: Any) -> Any:
        answer = self._answer(method, path, who, **options)
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: str, who: str, **options: Any) -> requests.Response:
        session = self._sessions.get(who) or self._sign_in(who)
        answer = session.request(method, self.url + path, timeout=HTTP_SECONDS, **options)
        if answer.status_code >= 300:
            raise DemoError(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
        return answer

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
        page = self._ask("GET", "/v1/orders", supervisor(project), params=query)
        found: list[dict[str, Any]] = page["orders"]
        return found

    def order(self, project: str, order_id: str) -> dict[str, Any]:
        """One order with everything that came of it."""
        found: dict[str, Any] = self._ask("GET", f"/v1/orders/{order_id}", supervisor(project))
        return found

    def cancel(self, project: str, order_id: str, reason: str) -> None:
        """Withdraw an order."""
        body = {"reason": reason}
        self._ask("POST", f"/v1/orders/{order_id}/cancel", supervisor(project), json=body)

    def approve(self, project: str, order_id: str) -> None:
        """Accept the record of an executed order."""
        body = {"remark": "Conforme"}
        self._ask("POST", f"/v1/orders/{order_id}/approve", supervisor(project), json=body)

    def exceptions(self, project: str, order_id: str | None = None) -> list[dict[str, Any]]:
        """What a project's supervisor has to look at."""
        query: dict[str, str] = {"limit": "500"} | ({"order_id": order_id} if order_id else {})
        page = self._ask("GET", "/v1/exceptions", supervisor(project), params=query)
        found: list[dict[str, Any]] = page["exceptions"]
        return found

    def decide(self, project: str, exception_id: str, decision: str, reason: str) -> None:
        """Decide an exception."""
        body = {"decision": decision, "reason": reason}
        self._ask("POST", f"/v1/exceptions/{exception_id}/decision", supervisor(project), json=body)

    def head_end_heard(self, project: str, heard: Iterable[tuple[str, str]]) -> None:
        """Take in the head-end's list, as CSV: (serial, concentrator), heard now."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(["serial", "heard_at", "concentrator"])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        writer.writerows([serial, now, concentrator] for serial, concentrator in heard)
        headers, body = {"Content-Type": "text/csv"}, text.getvalue().encode()
        query = {"project": project}
        self._ask("POST", "/v1/heard", supervisor(project), params=query, data=body, headers=headers)

    def record(self, project: str, order_id: str) -> bytes:
        """The installation record of an order, PDF."""
        sha256 = self.order(project, order_id)["record_blob"]
        answer = self._answer("GET", f"/v1/orders/{order_id}/blobs/{sha256}", supervisor(project))
        return answer.content

    def root(self) -> str:
        """The office's root certificate, PEM."""
        return self._run("root").stdout

    def proof(self) -> dict[str, Any]:
        """`journal verify` of the office's own record."""
        command = ["journal", "verify", "--gateway", "--json", "--realm", "demo"]
        found: dict[str, Any] = self._desk.run(command, allowed=(0, 1)).json
        return found

    def figures(self) -> dict[str, Any]:
        """The gateway's own count of what the tablets did."""
        found: dict[str, Any] = self._ask("GET", "/v1/figures", ADMINISTRATOR)
        return found


def prime_with_concentrator(folder: Path, concentrator: str, url: str) -> Path:
    """The PRIME project with the address of one concentrator filled in, as its integrator would."""
    shutil.copytree(assets.project("prime"), folder, dirs_exist_ok=True)
    network = folder / "network.csv"
    lines = network.read_text(encoding="utf-8").splitlines()
    done = [
        line.replace("mac=", f"url={url};mac=", 1) if line.startswith(f"{concentrator};") else line
        for line in lines
    ]
    network.write_text("\n".join(done) + "\n", encoding="utf-8")
    return folder
