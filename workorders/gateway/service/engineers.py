"""Routes for engineers: the files that the tablets of a project work by."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from workorders.gateway import published
from workorders.gateway.errors import OutOfTurn
from workorders.gateway.persons import User
from workorders.gateway.published import Publication, PublishedSet
from workorders.gateway.service.access import BY_SESSION, PUBLISHES, ROLES, USER, check_project, users_only
from workorders.gateway.service.offices import Id
from workorders.gateway.service.problems import documented
from workorders.sync.reference import FileSet

Kind = Literal["procedures", "models", "programs", "labels", "technologies"]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=105)]


class NewFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Text of files by name, by kind.

    Attributes:
        whole: the files of a kind are all that its set shall hold; else they are added to it.
    """

    files: dict[Kind, dict[FileName, str]]
    whole: bool = False


class PublishedSets(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force in a project."""

    sets: list[PublishedSet]


@post(
    "/projects/{project:str}/files",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    opt={ROLES: PUBLISHES},
)
def publish(state: State, user: NamedDependency[User], project: Id, data: JSONBody[NewFiles]) -> Publication:
    """Publish files to the tablets of a project; all of them, or none where one has a mistake (422)."""
    check_project(user, project)
    if state.reader is None:
        raise OutOfTurn("this gateway was started without a reader of files", code="no_reader")
    files = {str(kind): texts for kind, texts in data.files.items()}
    return published.publish_files(
        state.office, project, files, reader=state.reader, whole=data.whole, actor=user.id
    )


@get("/projects/{project:str}/files", sync_to_thread=True, responses=documented(401, 403, 404))
def published_sets(state: State, user: NamedDependency[User], project: Id) -> PublishedSets:
    """The sets of files that are in force in a project."""
    check_project(user, project)
    return PublishedSets(sets=published.published_sets(state.office, project))


@get("/projects/{project:str}/files/{kind:str}", sync_to_thread=True, responses=documented(401, 403, 404))
def published_files(state: State, user: NamedDependency[User], project: Id, kind: Id) -> FileSet:
    """The files of one kind as they were published."""
    check_project(user, project)
    return published.published_files(state.office, project, kind)


ROUTES = Router(
    path="/v1",
    route_handlers=[publish, published_sets, published_files],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["engineers"],
)
