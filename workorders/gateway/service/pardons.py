"""Routes for what revoked tablets have handed over: a supervisor may take it in."""

from __future__ import annotations

import msgspec
from litestar import Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from workorders.gateway import kept as kept_lists
from workorders.gateway import pardon
from workorders.gateway.kept import KeptEntries, KeptWork, PardonReport
from workorders.gateway.persons import User
from workorders.gateway.service.access import BY_SESSION, DECIDES, ROLES, USER, users_only
from workorders.gateway.service.offices import Id, Text
from workorders.gateway.service.problems import documented


class WhyAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """Why the entries of a revoked tablet count after all; kept, sealed."""

    reason: Text


@get("/tablets/kept", sync_to_thread=True, responses=documented(401, 403))
def kept(state: State, user: NamedDependency[User]) -> list[KeptEntries]:
    """Revoked tablets whose entries wait for a supervisor."""
    return kept_lists.kept_entries(state.office, user.project)


@get("/tablets/{tablet_id:str}/kept", sync_to_thread=True, responses=documented(401, 403, 404))
def kept_of(state: State, user: NamedDependency[User], tablet_id: Id) -> KeptWork:
    """Which orders the kept entries of a tablet are about."""
    return kept_lists.kept_work(state.office, tablet_id, user.project)


@post(
    "/tablets/{tablet_id:str}/accept",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
)
def accept(
    state: State, user: NamedDependency[User], tablet_id: Id, data: JSONBody[WhyAccepted]
) -> PardonReport:
    """Take in what a revoked tablet has handed over; the tablet stays revoked."""
    return pardon.accept_kept(state.office, tablet_id, data.reason, actor=user.id, project=user.project)


ROUTES = Router(
    path="/v1",
    route_handlers=[kept, kept_of, accept],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    opt={ROLES: DECIDES},
    tags=["office"],
)
