"""Routes for people of the office: sessions, orders, exceptions, the board, the head-end's list."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter
from sqlalchemy import select

from workorders.gateway import acts, blobs, board, heard, persons
from workorders.gateway.acts import ActDone
from workorders.gateway.errors import NotFound
from workorders.gateway.persons import SignedIn, User
from workorders.gateway.service import access
from workorders.gateway.service.access import (
    BY_SESSION,
    ROLES,
    TOKEN,
    USER,
    check_project,
    users_only,
)
from workorders.gateway.service.audited import note_open_act
from workorders.gateway.service.bodies import PLAIN
from workorders.gateway.service.documents import CsvOperation
from workorders.gateway.service.problems import documented
from workorders.journal.sealing import SealError, unseal_blob
from workorders.journal.words import OrderStatus, TaskKind
from workorders.network.browse import Branch, browse
from workorders.orders import Customer, NewAsset, OldAsset, Place, WorkOrder
from workorders.rollout.board import Board
from workorders.rollout.listing import Listing
from workorders.rollout.sla import Dimension, SlaFilter
from workorders.store import keys, schema
from workorders.store.queries import (
    ExceptionRow,
    OrderDetail,
    OrderFilter,
    OrderRow,
    count_orders,
    exceptions,
    order,
    orders,
)

MAX_PAGE = 500
Limit = Annotated[int, Parameter(ge=1, le=MAX_PAGE)]
Offset = Annotated[int, Parameter(ge=0, le=2**31 - 1)]
Name = Annotated[str | None, Parameter(max_length=200)]
Id = Annotated[str, Parameter(max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs in."""

    user: Short
    pin: Short


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list, and how many orders there are in all."""

    total: int
    orders: list[OrderRow]


class ExceptionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the queue."""

    exceptions: list[ExceptionRow]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A remark that may be left out."""

    remark: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why."""

    reason: Text


class NewCrew(msgspec.Struct, frozen=True, kw_only=True):
    """To whom."""

    crew: Short


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on an exception."""

    decision: Annotated[str, msgspec.Meta(pattern="^(accepted|rejected|rework)$")]
    reason: Text


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be issued; times are UTC (RFC 3339 with milliseconds and Z)."""

    number: Short
    project: Short
    kind: TaskKind
    crew: Short | None = None
    priority: Annotated[int, msgspec.Meta(ge=-9, le=9)] = 0
    scheduled_start: Short | None = None
    scheduled_end: Short | None = None
    due: Short | None = None
    usage_point: Short | None = None
    supply_number: Short | None = None
    old_asset: OldAsset | None = None
    new_asset: NewAsset | None = None
    technology: Short | None = None
    procedure: Short | None = None
    program: Short | None = None
    place: Place = Place()
    tariff: Short | None = None
    flags: list[Short] = []
    customer: Customer | None = None


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """Planning fields with their new values, and what is newly known of the customer."""

    changes: dict[str, Any] = {}
    customer: Customer | None = None


# --- sessions -----------------------------------------------------------------------------------


@post("/sessions", sync_to_thread=True, responses=documented(401, 429))
def sign_in(state: State, data: JSONBody[Credentials]) -> SignedIn:
    """Open a session; its token goes as `Authorization: Bearer`."""
    return persons.sign_in(state.office, data.user, data.pin)


@get("/sessions/current", sync_to_thread=True, responses=documented(401, 403))
def current(user: NamedDependency[User]) -> User:
    """Who is signed in."""
    return user


@delete("/sessions/current", sync_to_thread=True, responses=documented(401), dependencies={"token": TOKEN})
def sign_out(state: State, token: NamedDependency[str]) -> None:
    """End the session."""
    persons.sign_out(state.office, token)


# --- orders -------------------------------------------------------------------------------------


@get("/projects", sync_to_thread=True, responses=documented(401, 403))
def project_list(state: State, user: NamedDependency[User]) -> list[board.ProjectInfo]:
    """The projects that this user sees."""
    found = board.projects(state.office)
    return [item for item in found if user.project in {None, item.id}]


@get("/orders", sync_to_thread=True, responses=documented(401, 403))
def order_list(
    state: State,
    user: NamedDependency[User],
    project: Name = None,
    crew: Name = None,
    status: FromQuery[OrderStatus | None] = None,
    search: Name = None,
    with_exceptions: FromQuery[bool] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> OrderPage:
    """A page of orders."""
    check_project(user, project)
    which = OrderFilter(
        project=project or user.project,
        crew=crew,
        statuses=frozenset({str(status)}) if status is not None else frozenset(),
        with_exceptions=with_exceptions,
    )
    words = search or ""
    with state.office.store.read() as connection:
        found = orders(connection, which, words, limit=limit, offset=offset)
        return OrderPage(total=count_orders(connection, which, words), orders=found)


@get("/orders/{order_id:str}", sync_to_thread=True, responses=documented(401, 403, 404))
def order_detail(state: State, user: NamedDependency[User], order_id: Id) -> OrderDetail:
    """One order with everything that came of it."""
    with state.office.store.read() as connection:
        found = order(connection, order_id)
    if found is None:
        raise NotFound(f"there is no order {order_id}")
    check_project(user, found.row.project)
    return found


@get(
    "/orders/{order_id:str}/blobs/{sha256:str}",
    sync_to_thread=True,
    media_type="application/octet-stream",
    responses=documented(401, 403, 404),
)
def order_blob(state: State, user: NamedDependency[User], order_id: Id, sha256: Id) -> Response[bytes]:
    """A photo, signature or document of an order, opened with the order's key."""
    _check_order(state, user, order_id)
    table = schema.blob
    with state.office.store.read() as connection:
        where = (table.c.order_id == order_id) & (table.c.sha256 == sha256)
        row = connection.execute(select(table).where(where)).first()
        if row is None:
            raise NotFound("the order has no such file")
        sealed = blobs.get_blob(state.office, state.files, sha256)
        try:
            key = keys.key_by_id(connection, row.key_id) if row.key_id else None
            plain = unseal_blob(key, sealed) if key is not None else sealed
        except SealError as error:
            raise NotFound("the file was erased or cannot be opened", code=error.code) from None
    headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(content=plain, media_type=_safe_type(row.media_type), headers=headers)


def _safe_type(media_type: str) -> str:
    safe = {"image/jpeg", "image/png", "image/webp", "application/pdf"}
    return media_type if media_type in safe else "application/octet-stream"


@post(
    "/orders", sync_to_thread=True, responses=documented(401, 403, 404, 409, 422), opt={ROLES: access.PLANS}
)
def issue(state: State, user: NamedDependency[User], data: JSONBody[NewOrder]) -> ActDone:
    """Issue an order."""
    check_project(user, data.project)
    fields = {name: getattr(data, name) for name in NewOrder.__struct_fields__ if name != "customer"}
    return acts.issue_order(state.office, WorkOrder(mrid="", **fields), data.customer, actor=user.id)


@patch(
    "/orders/{order_id:str}",
    sync_to_thread=True,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: access.PLANS},
)
def change(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[OrderChange]) -> ActDone:
    """Change planning fields of an order."""
    _check_order(state, user, order_id)
    return acts.change_order(state.office, order_id, data.changes, data.customer, actor=user.id)


@post(
    "/orders/{order_id:str}/approve",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409),
    opt={ROLES: access.DECIDES},
)
def approve(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[Remark]) -> ActDone:
    """Accept the record of an executed order."""
    _check_order(state, user, order_id)
    return acts.approve_order(state.office, order_id, data.remark, actor=user.id)


@post(
    "/orders/{order_id:str}/return",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: access.DECIDES},
)
def send_back(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[Reason]) -> ActDone:
    """Send an executed order back for rework."""
    _check_order(state, user, order_id)
    return acts.return_order(state.office, order_id, data.reason, actor=user.id)


@post(
    "/orders/{order_id:str}/cancel",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: access.PLANS},
)
def cancel(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[Reason]) -> ActDone:
    """Withdraw an order."""
    _check_order(state, user, order_id)
    return acts.cancel_order(state.office, order_id, data.reason, actor=user.id)


@post(
    "/orders/{order_id:str}/reassign",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: access.PLANS},
)
def reassign(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[NewCrew]) -> ActDone:
    """Give an order to another crew."""
    _check_order(state, user, order_id)
    return acts.reassign_order(state.office, order_id, data.crew, actor=user.id)


def _check_order(state: State, user: NamedDependency[User], order_id: str) -> None:
    """An order of a project that this user does not see does not exist for them."""
    if user.project is None:
        return
    table = schema.work_order
    with state.office.store.read() as connection:
        project = connection.execute(select(table.c.project).where(table.c.order_id == order_id)).scalar()
    if project != user.project:
        raise NotFound(f"there is no order {order_id}")


# --- exceptions and figures ---------------------------------------------------------------------


@get("/exceptions", sync_to_thread=True, responses=documented(401, 403))
def exception_list(
    state: State,
    user: NamedDependency[User],
    project: Name = None,
    order_id: Name = None,
    kind: Name = None,
    decided: FromQuery[bool | None] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ExceptionPage:
    """The queue: urgent ones first, then the oldest."""
    check_project(user, project)
    with state.office.store.read() as connection:
        found = exceptions(
            connection,
            project=project or user.project,
            order_id=order_id,
            kind=kind,
            decided=decided,
            limit=limit,
            offset=offset,
        )
    return ExceptionPage(exceptions=found)


@post(
    "/exceptions/{exception_id:str}/decision",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: access.DECIDES},
)
def decide(state: State, user: NamedDependency[User], exception_id: Id, data: JSONBody[Decision]) -> ActDone:
    """Decide an exception."""
    return acts.decide_exception(state.office, exception_id, data.decision, data.reason, actor=user.id)


@get("/board", sync_to_thread=True, responses=documented(401, 403, 404))
def board_figures(
    state: State,
    user: NamedDependency[User],
    project: Annotated[str, Parameter(max_length=200)],
    days: Annotated[int, Parameter(ge=1, le=400)] = 14,
    group_by: FromQuery[Dimension] = Dimension.CREW,
    crew: Name = None,
    zone: Name = None,
    technology: Name = None,
    contractor: Name = None,
) -> Board:
    """The figures of a project's board.

    Its `sla` counts orders by `group_by` (by project: all that this user sees), those alone for which all
    filters hold; an empty filter means orders without a crew, zone, ….
    """
    check_project(user, project)
    seen = [item.id for item in board.projects(state.office) if user.project in {None, item.id}]
    filters = SlaFilter(crew=crew, zone=zone, technology=technology, contractor=contractor)
    return board.board_of(state.office, project, days, group_by=group_by, filters=filters, seen=seen)


@get("/lists/{name:str}", sync_to_thread=True, responses=documented(401, 403, 404))
def orders_behind(
    state: State,
    user: NamedDependency[User],
    name: Id,
    project: Annotated[str, Parameter(max_length=200)],
    crew: Name = None,
    zone: Name = None,
    technology: Name = None,
    contractor: Name = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> OrderPage:
    """The orders behind a figure of the board, those alone for which all filters hold (see `/board`)."""
    check_project(user, project)
    if name not in set(Listing):
        raise NotFound(f"there is no list {name}; there are {', '.join(Listing)}")
    filters = SlaFilter(crew=crew, zone=zone, technology=technology, contractor=contractor)
    total, found = board.orders_behind(state.office, project, Listing(name), limit, offset, filters)
    return OrderPage(total=total, orders=found)


@get("/network", sync_to_thread=True, responses=documented(401, 403, 404))
def network_level(
    state: State,
    user: NamedDependency[User],
    project: Annotated[str, Parameter(max_length=200)],
    node: Name = None,
    limit: Limit = 100,
) -> Branch:
    """One level of a project's network: what hangs below a node (none: the roots), and how it is heard."""
    check_project(user, project)
    with state.office.store.read() as connection:
        found = browse(connection, node, project=project, limit=limit)
    if found is None:
        raise NotFound(f"there is no node {node}")
    return found


@get("/figures", sync_to_thread=True, responses=documented(401, 403))
def figures(state: State, user: NamedDependency[User], project: Name = None) -> board.Figures:
    """The gateway's own count of what the tablets did."""
    check_project(user, project)
    return board.figures(state.office, project or user.project)


@post(
    "/heard",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404),
    opt={ROLES: access.PLANS},
    operation_class=CsvOperation,
)
def upload_heard(
    state: State,
    request: Request[Any, Any, Any],
    user: NamedDependency[User],
    project: Annotated[str, Parameter(max_length=200)],
) -> heard.HeardReport:
    """Take the head-end's list of devices heard (CSV body)."""
    check_project(user, project)
    plain: bytes = request.scope["state"][PLAIN]
    return heard.take_heard(state.office, project, plain, actor=user.id)


OPEN = Router(path="/v1", route_handlers=[sign_in], guards=[note_open_act], tags=["office"])
"""For everybody."""

ROUTES = Router(
    path="/v1",
    route_handlers=[
        current,
        sign_out,
        project_list,
        order_list,
        order_detail,
        order_blob,
        issue,
        change,
        approve,
        send_back,
        cancel,
        reassign,
        exception_list,
        decide,
        board_figures,
        orders_behind,
        figures,
        network_level,
        upload_heard,
    ],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["office"],
)
