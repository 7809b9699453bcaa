"""Route for another system that sends its messages instead of being asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import Parameter

from workorders.gateway.errors import NotFound
from workorders.gateway.links import inward
from workorders.gateway.links.ledger import link_key
from workorders.gateway.persons import User
from workorders.gateway.service.access import BY_SESSION, INTEGRATES, ROLES, USER, check_project, users_only
from workorders.gateway.service.bodies import PLAIN
from workorders.gateway.service.documents import XmlOperation
from workorders.gateway.service.problems import documented
from workorders.mwm.cim.messages import Writer, read_changes

XML = "application/xml"


@post(
    "/messages",
    sync_to_thread=True,
    status_code=200,
    media_type=XML,
    responses=documented(401, 403, 404),
    opt={ROLES: INTEGRATES},
    operation_class=XmlOperation,
)
def take_message(
    state: State,
    request: Request[Any, Any, Any],
    user: NamedDependency[User],
    project: Annotated[str, Parameter(max_length=200)],
    link: Annotated[str, Parameter(max_length=60, pattern=r"^[A-Za-z0-9._-]{1,60}$")] = "mwm",
) -> Response[bytes]:
    """Take a request of IEC 61968-100 about work orders; the answer is its ResponseMessage, OK or FAILED.

    `link` names the link under which it is kept: that of `gateway mwm run` which tells what came of it.
    """
    check_project(user, project)
    schemas: Path | None = state.schemas
    if schemas is None:
        raise NotFound("no messages are taken here")
    header, changes = read_changes(request.scope["state"][PLAIN], schemas)
    outcomes = inward.take(state.office, project, link_key(project, link), changes, actor=user.id)
    answer = Writer("fieldtool", schemas).reply(header, outcomes)
    return Response(content=answer, media_type=XML)


ROUTES = Router(
    path="/v1",
    route_handlers=[take_message],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["office"],
)
