"""Routes for devices that the record and the network do not agree about."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import Parameter

from workorders.clock import utc_text
from workorders.gateway.persons import User
from workorders.gateway.service.access import BY_SESSION, USER, check_project, users_only
from workorders.gateway.service.offices import Limit, Name, Offset
from workorders.gateway.service.problems import documented
from workorders.network.orphans import (
    NEVER_HEARD_AFTER_HOURS,
    SILENT_AFTER_HOURS,
    OrphanList,
    OrphanPage,
    orphan_page,
)

Hours = Annotated[int, Parameter(ge=1, le=100_000)]


@get("/orphans/{which:str}", sync_to_thread=True, responses=documented(401, 403, 404))
def orphan_list(
    state: State,
    user: NamedDependency[User],
    which: Annotated[OrphanList, Parameter(description="Which list.")],
    project: Annotated[str, Parameter(max_length=200)],
    never_after_hours: Hours = NEVER_HEARD_AFTER_HOURS,
    silent_after_hours: Hours = SILENT_AFTER_HOURS,
    crew: Name = None,
    under: Name = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> OrphanPage:
    """One list of orphans, a page of it."""
    check_project(user, project)
    now = utc_text(state.office.now())
    with state.office.store.read() as connection:
        return orphan_page(
            connection,
            which,
            now=now,
            project=project,
            never_after_hours=never_after_hours,
            silent_after_hours=silent_after_hours,
            crew=crew,
            under=under,
            limit=limit,
            offset=offset,
        )


ROUTES = Router(
    path="/v1",
    route_handlers=[orphan_list],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["office"],
)
