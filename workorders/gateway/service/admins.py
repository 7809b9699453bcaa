"""Routes for administrators: people, tablets, codes, erasure."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from workorders.gateway import admin, enrolment, erasing, persons, wiping
from workorders.gateway.admin import TabletInfo
from workorders.gateway.enrolment import IssuedCode
from workorders.gateway.persons import User
from workorders.gateway.service.access import ADMINISTERS, BY_SESSION, ROLES, USER, users_only
from workorders.gateway.service.offices import Id, Name, Reason
from workorders.gateway.service.problems import documented
from workorders.gateway.wiping import WipeLosses
from workorders.people import Role

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person to be added (or changed, where the id exists). Without `pin` one is made and shown once."""

    name: Short
    role: Role
    id: Short | None = None
    crew: Short | None = None
    project: Short | None = None
    pin: Annotated[str, msgspec.Meta(pattern="^[0-9]{6,12}$")] | None = None


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """For whom an enrolment code is; `url` is the gateway's address as tablets see it, for the QR."""

    crew: Short | None = None
    project: Short | None = None
    url: Annotated[str, msgspec.Meta(pattern="^https?://", max_length=500)] | None = None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that were destroyed."""

    key_ids: list[str]


@get("/users", sync_to_thread=True, responses=documented(401, 403))
def user_list(state: State, project: Name = None) -> list[User]:
    """Everybody, by name."""
    return persons.users(state.office, project)


@post("/users", sync_to_thread=True, responses=documented(401, 403, 422))
def add_user(state: State, data: JSONBody[NewUser]) -> User:
    """Add a person."""
    return persons.add_user(
        state.office,
        name=data.name,
        role=data.role,
        person_id=data.id,
        crew=data.crew,
        project=data.project,
        pin=data.pin,
    )


@delete("/users/{person_id:str}", sync_to_thread=True, responses=documented(401, 403, 404))
def revoke_user(state: State, person_id: Id) -> None:
    """Revoke a person; tablets learn it with their next sync."""
    persons.revoke_user(state.office, person_id)


@post("/enrolment-codes", sync_to_thread=True, responses=documented(401, 403, 422))
def enrolment_code(state: State, data: JSONBody[NewCode]) -> IssuedCode:
    """Make a one-time code that lets one tablet in."""
    return enrolment.create_enrolment_code(state.office, crew=data.crew, project=data.project, url=data.url)


@get("/tablets", sync_to_thread=True, responses=documented(401, 403))
def tablet_list(state: State) -> list[TabletInfo]:
    """Every tablet, newest first."""
    return admin.tablets(state.office)


@post(
    "/tablets/{tablet_id:str}/revoke",
    sync_to_thread=True,
    status_code=204,
    responses=documented(401, 403, 404),
)
def revoke_tablet(state: State, tablet_id: Id, data: JSONBody[Reason]) -> None:
    """Take a tablet's trust away."""
    admin.revoke_tablet(state.office, tablet_id, data.reason)


@get("/tablets/{tablet_id:str}/wipe", sync_to_thread=True, responses=documented(401, 403, 404))
def wipe_losses(state: State, tablet_id: Id) -> WipeLosses:
    """What a wipe of this tablet would end; to be shown before it is ordered."""
    return wiping.wipe_losses(state.office, tablet_id)


@post(
    "/tablets/{tablet_id:str}/wipe",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
)
def wipe_tablet(state: State, tablet_id: Id, data: JSONBody[Reason]) -> WipeLosses:
    """Order a revoked tablet to destroy what it holds at its next contact."""
    return wiping.order_wipe(state.office, tablet_id, data.reason)


@post("/tablets/{tablet_id:str}/recovery-code", sync_to_thread=True, responses=documented(401, 403, 404))
def recovery_code(state: State, tablet_id: Id) -> IssuedCode:
    """Approve giving a tablet's database key back: makes the one-time code for it."""
    return enrolment.create_recovery_code(state.office, tablet_id)


@post(
    "/orders/{order_id:str}/erase", sync_to_thread=True, status_code=200, responses=documented(401, 403, 404)
)
def erase(state: State, user: NamedDependency[User], order_id: Id, data: JSONBody[Reason]) -> Erased:
    """Destroy the keys of an order's personal data, everywhere."""
    return Erased(key_ids=erasing.erase_order(state.office, order_id, data.reason, actor=user.id))


ROUTES = Router(
    path="/v1/admin",
    route_handlers=[
        user_list,
        add_user,
        revoke_user,
        enrolment_code,
        tablet_list,
        revoke_tablet,
        wipe_losses,
        wipe_tablet,
        recovery_code,
        erase,
    ],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    opt={ROLES: ADMINISTERS},
    tags=["administration"],
)
