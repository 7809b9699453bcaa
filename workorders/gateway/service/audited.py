"""Notes what people of the office ask to be changed, before it is done, and what was answered."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from workorders.gateway import audit
from workorders.gateway.office import Office
from workorders.gateway.service.bodies import PLAIN
from workorders.gateway.service.rates import address_of

Connection = ASGIConnection[Any, Any, Any, Any]
_ACT = "fieldtool_act"
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
_NOBODY = "-"


class _Named(msgspec.Struct, frozen=True):
    """What a request may be about, where its path does not say it. Ids and names of the office's people."""

    user: str | None = None
    number: str | None = None
    name: str | None = None
    crew: str | None = None
    serials: list[str] = []


async def note_act(connection: Connection, who: str, role: str) -> None:
    """Write down that somebody's request begins, unless it only looks."""
    if connection.scope.get("method") in _LOOKING:
        return
    act = f"{connection.scope.get('method')} {connection.scope['path_template']}"
    number = await sync_to_thread(_begin, connection, act, who, role)
    connection.scope["state"][_ACT] = number


async def note_open_act(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: what is asked without a proof of who asks (signing in, enrolment, recovery)."""
    del handler
    await note_act(connection, _NOBODY, _NOBODY)


def _begin(connection: Connection, act: str, who: str, role: str) -> int:
    office: Office = connection.app.state.office
    return audit.begin(
        office, who=who, role=role, act=act, object=_object(connection), source=address_of(connection.scope)
    )


def _object(connection: Connection) -> str | None:
    named = [str(value) for value in connection.path_params.values()]
    if named:
        return "/".join(named)
    try:
        said = msgspec.json.decode(connection.scope["state"].get(PLAIN, b""), type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return said.user or said.number or said.name or " ".join(said.serials) or said.crew


async def tell_outcome(message: Message, scope: Scope) -> None:
    """Before an answer goes out: complete the act that it answers."""
    if message["type"] != "http.response.start":
        return
    number = scope.get("state", {}).pop(_ACT, None)
    if number is not None:
        status = message["status"]
        outcome = "done" if status < 400 else str(status)
        await sync_to_thread(audit.end, scope["litestar_app"].state.office, number, outcome)
