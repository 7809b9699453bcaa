"""Routes of firmware images: engineers publish them and take them back, tablets fetch them by ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, Parameter, QueryParameter
from litestar.response import Stream

from workorders.gateway import firmware
from workorders.gateway.firmware import ImagePublished, ImageSaid, OfferedImages
from workorders.gateway.persons import User
from workorders.gateway.pull import TabletRow
from workorders.gateway.service.access import (
    BY_SESSION,
    BY_TABLET,
    PUBLISHES,
    ROLES,
    TABLET,
    USER,
    check_project,
    tablets_only,
    users_only,
)
from workorders.gateway.service.bodies import PLAIN
from workorders.gateway.service.documents import BytesOperation
from workorders.gateway.service.offices import Id
from workorders.gateway.service.problems import documented, problem
from workorders.gateway.service.tablets import Hash
from workorders.sync.firmware import FirmwareImage
from workorders.sync.wire import LARGE_PART_BYTES

MEDIA_TYPE = "application/octet-stream"
_AT_ONCE = 2 * LARGE_PART_BYTES
"""What is answered in one piece; of more, no gateway holds the whole in its memory."""
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

Wanted = Annotated[
    str | None, HeaderParameter(name="Range", max_length=100, description="`bytes=FIRST-LAST` (RFC 9110).")
]
IfRange = Annotated[
    str | None, HeaderParameter(name="If-Range", max_length=100, description="The ETag: the hash in quotes.")
]
Name = Annotated[str, Parameter(min_length=1, max_length=100, description="Of the file on the tablets.")]
Models = Annotated[
    list[str], QueryParameter(name="model", min_items=1, max_items=40, description="Meter models it is for.")
]
Word = Annotated[str, Parameter(max_length=64)]
Identifier = Annotated[
    str,
    Parameter(max_length=130, description="What the meter calls it: text or 0x hex; else the file's name."),
]
Signature = Annotated[
    str, Parameter(max_length=4096, description="Its maker's, 0x and hex, where there is one.")
]


@get(
    "/firmware/{sha256:str}",
    sync_to_thread=True,
    responses={
        **documented(401, 403, 404, 416),
        200: ResponseSpec(data_container=bytes, media_type=MEDIA_TYPE, description="The whole image."),
        206: ResponseSpec(data_container=bytes, media_type=MEDIA_TYPE, description="The part asked for."),
    },
)
def image_bytes(
    state: State,
    tablet: NamedDependency[TabletRow],
    sha256: Hash,
    wanted: Wanted = None,
    if_range: IfRange = None,
) -> Response[Any]:
    """The bytes of an image that is offered to this tablet, or a part of them (Range, If-Range)."""
    image = firmware.image_of(state.office, tablet, sha256)
    headers = {"ETag": f'"{image.sha256}"', "Accept-Ranges": "bytes"}
    if if_range is not None and if_range.strip() != headers["ETag"]:
        wanted = None
    span = _span(wanted, image.size)
    if span is not None and not span:
        headers["Content-Range"] = f"bytes */{image.size}"
        return problem(416, "bad_range", "Not a part of the image", f"it has {image.size} bytes", headers)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{image.size}"
    status, span = (200, range(image.size)) if span is None else (206, span)
    headers["Content-Length"] = str(len(span))
    first = firmware.image_part(state.files, image, span.start, min(len(span), _AT_ONCE))
    if len(first) == len(span):
        return Response(content=first, status_code=status, headers=headers, media_type=MEDIA_TYPE)
    parts = _parts(state, image, first, span)
    return Stream(parts, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _span(wanted: str | None, size: int) -> range | None:
    """The bytes that a Range header asks for; empty where none of them is there. None: the whole, for there
    is no such header, or one that this server need not know (several parts, other units)."""
    found = _RANGE.fullmatch(wanted.strip()) if wanted is not None else None
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None  # no range at all (RFC 9110, 14.1.1)
    return range(first, min(last + 1, size))


def _parts(state: State, image: FirmwareImage, first: bytes, span: range) -> Iterator[bytes]:
    yield first
    for at in range(span.start + len(first), span.stop, _AT_ONCE):
        yield firmware.image_part(state.files, image, at, min(_AT_ONCE, span.stop - at))


@get("/projects/{project:str}/firmware", sync_to_thread=True, responses=documented(401, 403, 404))
def image_list(state: State, user: NamedDependency[User], project: Id) -> OfferedImages:
    """The firmware images that the tablets of a project are offered."""
    check_project(user, project)
    return firmware.offered_images(state.office, project)


@put(
    "/projects/{project:str}/firmware/{name:str}",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404, 409, 422),
    operation_class=BytesOperation,
    opt={ROLES: PUBLISHES},
)
def publish_image(
    state: State,
    request: Request[Any, Any, Any],
    user: NamedDependency[User],
    project: Id,
    name: Name,
    models: Models,
    version: Word = "",
    manufacturer: Word = "",
    identifier: Identifier = "",
    signature: Signature = "",
) -> ImagePublished:
    """Offer a firmware image to the tablets of a project, in place of the one of this name."""
    check_project(user, project)
    said = ImageSaid(
        name=name,
        models=models,
        identifier=identifier,
        manufacturer=manufacturer,
        version=version,
        signature=signature,
    )
    data: bytes = request.scope["state"][PLAIN]
    return firmware.publish_image(state.office, state.files, project, said, data, actor=user.id)


@delete(
    "/projects/{project:str}/firmware/{name:str}",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401, 403, 404),
    opt={ROLES: PUBLISHES},
)
def withdraw_image(state: State, user: NamedDependency[User], project: Id, name: Name) -> OfferedImages:
    """Offer an image no longer: tablets remove it with their next sync."""
    check_project(user, project)
    return firmware.withdraw_image(state.office, project, name, actor=user.id)


TABLETS = Router(
    path="/v1",
    route_handlers=[image_bytes],
    dependencies={"tablet": TABLET},
    guards=[tablets_only],
    security=BY_TABLET,
    tags=["tablets"],
)
ENGINEERS = Router(
    path="/v1",
    route_handlers=[image_list, publish_image, withdraw_image],
    dependencies={"user": USER},
    guards=[users_only],
    security=BY_SESSION,
    tags=["engineers"],
)
