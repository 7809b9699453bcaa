"""Who asks: a tablet that signs its request, or an office user with a session; and what each may do.

The guards stand on the routers, so that a route cannot forget them; what is open to all has its own router.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import SecurityScheme

from workorders import certificates
from workorders.gateway.admin import tablet_row
from workorders.gateway.errors import NotAllowed, NotSignedIn
from workorders.gateway.office import Office
from workorders.gateway.persons import User, session_user
from workorders.gateway.pull import TabletRow
from workorders.gateway.service.audited import note_act
from workorders.gateway.service.bodies import RAW
from workorders.gateway.service.rates import Rates
from workorders.gateway.tables import tablet as tablet_table
from workorders.people import Role
from workorders.sync import wire
from workorders.sync.signing import request_proves, within_skew

OFFICE = frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.INTEGRATOR, Role.ADMINISTRATOR})
"""May look at orders, exceptions and the board."""
DECIDES = frozenset({Role.SUPERVISOR})
PLANS = frozenset({Role.SUPERVISOR, Role.INTEGRATOR})
MOVES_STOCK = frozenset({Role.SUPERVISOR})
INTEGRATES = frozenset({Role.INTEGRATOR})
"""Speaks for another system."""
PUBLISHES = frozenset({Role.ENGINEER, Role.ADMINISTRATOR})
"""May give the tablets new procedures, models, programs, label rules and technologies."""
ADMINISTERS = frozenset({Role.ADMINISTRATOR})

ROLES = "roles"
"""Key in a route's `opt`: which roles may use it."""
REVOKED_TOO = "revoked_too"
"""Key in a route's `opt`: a revoked tablet may use it as well."""

SECURITY_SCHEMES = {
    "session": SecurityScheme(type="http", scheme="bearer", description="From POST /v1/sessions."),
    "tablet": SecurityScheme(
        type="apiKey",
        name=wire.HEADER_SIGNATURE,
        security_scheme_in="header",
        description="Ed25519 signature of the request by an enrolled tablet, with its id and the time.",
    ),
}
BY_SESSION: list[dict[str, list[str]]] = [{"session": []}]
BY_TABLET: list[dict[str, list[str]]] = [{"tablet": []}]


Connection = ASGIConnection[Any, Any, Any, Any]
_TABLET, _USER = "fieldtool_tablet", "fieldtool_user"


async def tablets_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: a tablet signed this request.

    Raises:
        NotSignedIn, NotAllowed, TooMany
    """
    revoked_too = bool(handler.opt.get(REVOKED_TOO, False))
    row = await sync_to_thread(signed_tablet, connection, revoked_too)
    _count(connection, f"tablet {row.tablet_id}")
    connection.scope["state"][_TABLET] = row


async def users_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: an office user whose role may use the route is signed in.

    Raises:
        NotSignedIn, NotAllowed, TooMany
    """
    user = await sync_to_thread(session_user, _office(connection), session_token(connection))
    _count(connection, f"user {user.id}")
    await note_act(connection, user.id, user.role)
    allowed: frozenset[Role] = handler.opt.get(ROLES, OFFICE)
    if user.role not in allowed:
        raise NotAllowed(f"a {user.role} may not do this")
    connection.scope["state"][_USER] = user


def _count(connection: Connection, who: str) -> None:
    rates: Rates | None = connection.app.state.rates
    if rates is not None:
        rates.proven(who)


def the_tablet(request: Request[Any, Any, Any]) -> TabletRow:
    """The tablet that the guard found."""
    row: TabletRow = request.scope["state"][_TABLET]
    return row


def the_user(request: Request[Any, Any, Any]) -> User:
    """The user that the guard found."""
    user: User = request.scope["state"][_USER]
    return user


def _office(connection: Connection) -> Office:
    office: Office = connection.app.state.office
    return office


def signed_tablet(request: Connection, revoked_too: bool) -> TabletRow:
    """The tablet that signed this request.

    Raises:
        NotSignedIn: `no_signature`, `unknown_tablet`, `clock_skew`, `wrong_signature`.
        NotAllowed: `revoked`.
    """
    office = _office(request)
    tablet_id = request.headers.get(wire.HEADER_TABLET, "")
    time = request.headers.get(wire.HEADER_TIME, "")
    signature = request.headers.get(wire.HEADER_SIGNATURE, "")
    if not (tablet_id and time and signature):
        raise NotSignedIn("a tablet signs its requests", code="no_signature")
    row = tablet_row(office, tablet_id, may_be_revoked=revoked_too)
    if not within_skew(time, office.now()):
        raise NotSignedIn(f"the request is of {time}, here it is {office.time()}", code="clock_skew")
    with office.store.read() as connection:
        query = tablet_table.select().where(tablet_table.c.tablet_id == tablet_id)
        found = connection.execute(query).one()
    key = certificates.public_key_of(found.certificate)
    raw_query = request.scope["query_string"].decode("latin-1")
    target = request.scope["raw_path"].decode("latin-1") + (f"?{raw_query}" if raw_query else "")
    body: bytes = request.scope["state"].get(RAW, b"")
    method = str(request.scope.get("method", ""))
    if not request_proves(key, method, target, time, body, signature):
        raise NotSignedIn("the signature of the request does not hold", code="wrong_signature")
    return row


def session_token(request: Connection) -> str:
    """The bearer token of a request.

    Raises:
        NotSignedIn
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotSignedIn("sign in first (POST /v1/sessions)")
    return token.strip()


def check_project(user: User, project: str | None) -> None:
    """A user of one project sees that project only.

    Raises:
        NotAllowed
    """
    if user.project is not None and project is not None and project != user.project:
        raise NotAllowed(f"your access is to the project {user.project}")


def the_token(request: Request[Any, Any, Any]) -> str:
    """The bearer token, as a dependency."""
    return session_token(request)


TABLET = Provide(the_tablet, sync_to_thread=False)
USER = Provide(the_user, sync_to_thread=False)
TOKEN = Provide(the_token, sync_to_thread=False)
