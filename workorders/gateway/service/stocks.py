"""Routes for the stock: looking at it page by page, and moving it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter, QueryParameter

from workorders.gateway import stock
from workorders.gateway.persons import User
from workorders.gateway.service.access import (
    BY_SESSION,
    MOVES_STOCK,
    ROLES,
    USER,
    check_project,
    users_only,
)
from workorders.gateway.service.offices import Limit, Name, Offset, Short
from workorders.gateway.service.problems import documented
from workorders.journal.words import StockMovement
from workorders.store.queries import StockFilter

Serial = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NewMove(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of devices; `key` is made by the asker, and the same one again does nothing again."""

    project: Short
    key: Annotated[str, msgspec.Meta(min_length=16, max_length=100)]
    movement: StockMovement
    serials: Annotated[list[Serial], msgspec.Meta(min_length=1, max_length=stock.MAX_AT_ONCE)]
    crew: Short | None = None
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


@get("/stock", sync_to_thread=True, responses=documented(401, 403, 404))
def stock_page(
    state: State,
    user: NamedDependency[User],
    project: Annotated[str, Parameter(max_length=200)],
    crew: Name = None,
    store: FromQuery[bool] = False,
    device_state: Annotated[str | None, QueryParameter(name="state", max_length=20)] = None,
    model: Name = None,
    serial: Name = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> stock.StockPage:
    """A page of the stock: on a crew's truck, in the store, or anywhere; `serial` is any part of it."""
    check_project(user, project)
    wanted = StockFilter(crew=crew, store=store, state=device_state, model=model, serial=serial)
    return stock.stock_page(state.office, project, wanted, limit=limit, offset=offset)


@post(
    "/stock/moves",
    sync_to_thread=True,
    status_code=200,
    opt={ROLES: MOVES_STOCK},
    responses=documented(401, 403, 404, 409),
)
def move(state: State, user: NamedDependency[User], data: JSONBody[NewMove]) -> stock.MoveDone:
    """Hand out, transfer, take back, correct or write off devices: all of them or none."""
    check_project(user, data.project)
    asked = stock.StockMove(
        key=data.key, movement=data.movement, serials=data.serials, crew=data.crew, reason=data.reason
    )
    return stock.move_stock(state.office, data.project, asked, actor=user.id)


ROUTES = Router(
    path="/v1",
    route_handlers=[stock_page, move],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["office"],
)
