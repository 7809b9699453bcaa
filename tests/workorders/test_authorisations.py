"""Every route against everybody: the table beside this file says who may, and nobody else gets in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import insert

from tests.workorders.offices import Bureau, Tablet
from workorders.gateway import admin, persons
from workorders.gateway.app import create_app
from workorders.gateway.tables import session
from workorders.journal.entry import Realm
from workorders.people import Role
from workorders.sync.signing import sign_request

MAY = tomllib.loads((Path(__file__).parent / "authorisations.toml").read_text("utf-8"))
REFUSED = (401, 403)
EVERYBODY = ("nobody", "stranger", "tablet", "revoked", "foreign", *Role)
"""`foreign`: a tablet of another office, of another realm."""
_TABLETS = ("tablet", "revoked", "foreign")


class Doors:
    """The gateway with somebody of each kind before it."""

    def __init__(self, bureau: Bureau, client: TestClient[Litestar]) -> None:
        self.bureau, self.client = bureau, client
        self.tablets: dict[str, Tablet] = {}
        self.tokens: dict[str, str] = {}

    def let_in(self, who: str) -> None:
        """Make them anew: some routes end a session or a tablet."""
        if who == "foreign":
            if who not in self.tablets:
                training = Bureau.open(self.bureau.folder / "training", realm=Realm.TRAINING)
                self.tablets[who] = training.tablet()
        elif who in ("tablet", "revoked"):
            self.tablets[who] = self.bureau.tablet(name=f"{who}-{len(self.tokens)}-{id(object())}")
            if who == "revoked":
                admin.revoke_tablet(self.bureau.office, self.tablets[who].identity.tablet, "lost")
        elif who in set(Role):
            token = f"token of the {who}"
            with self.bureau.office.store.write() as connection:
                connection.execute(session.delete().where(session.c.person_id == f"p-{who}"))
                connection.execute(
                    insert(session).values(
                        token_sha256=persons._digest(token),
                        person_id=f"p-{who}",
                        created_at=self.bureau.office.time(),
                        expires_at="2099-01-01T00:00:00.000Z",
                    )
                )
            self.tokens[who] = token

    def ask(self, who: str, method: str, path: str) -> int:
        """The status of an empty request."""
        headers: dict[str, str] = {"Tus-Resumable": "1.0.0"} if "/uploads" in path else {}
        if who in _TABLETS:
            tablet = self.tablets[who]
            key = tablet.identity.signer()
            headers |= sign_request(tablet.identity.tablet, key, method, path, self.bureau.office.time(), b"")
        elif who == "stranger":
            headers["Authorization"] = "Bearer guessed"
        elif who != "nobody":
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.request(method, path, headers=headers).status_code


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    bureau = Bureau.open(tmp_path_factory.mktemp("doors"))
    for role in Role:
        persons.add_user(
            bureau.office, name=role.title(), role=role, person_id=f"p-{role}", without_pin=True, crew="A"
        )
    with TestClient(create_app(bureau.office, bureau.files), raise_server_exceptions=False) as client:
        doors = Doors(bureau, client)
        for who in EVERYBODY:
            doors.let_in(who)
        yield doors


def routes(app: Litestar) -> Iterator[str]:
    """`METHOD path` of every route but the document's own."""
    for route in app.routes:
        handlers: dict[str, Any] = getattr(route, "route_handler_map", {})
        if not route.path_format.startswith("/schema"):
            yield from (f"{method} {route.path_format}" for method in handlers if method != "OPTIONS")


def test_every_route_has_a_line_and_every_line_a_route(doors: Doors) -> None:
    assert set(routes(doors.client.app)) == set(MAY)


@pytest.mark.parametrize("route", sorted(MAY))
def test_whoever_may_gets_in_and_nobody_else(doors: Doors, route: str) -> None:
    """Only an empty request is sent: a good one is answered, one that lacks something is refused for that."""
    method, path = route.split(" ")
    plain = re.sub(r"\{[^}]+\}", "0" * 64, path)
    for who in EVERYBODY:
        status = doors.ask(who, method, plain)
        allowed = "all" in MAY[route] or str(who) in MAY[route]
        assert (status not in REFUSED) is allowed, f"{who}: {status}"
        assert status < 500, f"{who}: {status}"
        if method == "DELETE" or path.endswith("/wiped"):
            doors.let_in(str(who))
