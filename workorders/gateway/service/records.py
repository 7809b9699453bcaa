"""Routes for administrators: what was done in the office, and what is kept without effect."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, Parameter

from workorders.gateway import audit, quarantine
from workorders.gateway.audit import OfficeAct
from workorders.gateway.quarantine import KeptBytes, KeptEntry, Retried
from workorders.gateway.service.access import ADMINISTERS, BY_SESSION, ROLES, users_only
from workorders.gateway.service.offices import Limit, Name
from workorders.gateway.service.problems import documented

Number = Annotated[int, Parameter(ge=1, le=2**53)]


@get("/audit", sync_to_thread=True, responses=documented(401, 403))
def act_list(
    state: State,
    before: Annotated[int | None, Parameter(ge=1, le=2**53)] = None,
    who: Name = None,
    limit: Limit = 100,
) -> list[OfficeAct]:
    """What was done in the office, newest first; `before`: the last number of the page before."""
    return audit.acts(state.office, before=before, who=who, limit=limit)


@get("/quarantine", sync_to_thread=True, responses=documented(401, 403))
def kept_list(
    state: State,
    after: Annotated[int, Parameter(ge=0, le=2**53)] = 0,
    limit: Limit = 100,
    waiting: FromQuery[bool] = False,
) -> list[KeptEntry]:
    """What is kept without effect, oldest first; `after`: the last number of the page before."""
    return quarantine.kept(state.office, after=after, limit=limit, waiting=waiting)


@get("/quarantine/{number:int}", sync_to_thread=True, responses=documented(401, 403, 404))
def kept_one(state: State, number: Number) -> KeptBytes:
    """One thing with its bytes as they came."""
    return quarantine.kept_bytes(state.office, number)


@post(
    "/quarantine/{number:int}/retry",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409),
)
def retry(state: State, number: Number) -> Retried:
    """Judge kept bytes anew."""
    return quarantine.retry(state.office, number)


ROUTES = Router(
    path="/v1/admin",
    route_handlers=[act_list, kept_list, kept_one, retry],
    guards=[users_only],
    security=BY_SESSION,
    opt={ROLES: ADMINISTERS},
    tags=["administration"],
)
