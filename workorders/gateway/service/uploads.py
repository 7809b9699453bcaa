"""Routes of resumable uploads: tus 1.0 with creation (and upload), checksum, termination, expiration."""

from __future__ import annotations

import email.utils
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, head, patch, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, Parameter
from litestar.types import Message, Scope

from workorders.gateway import uploads
from workorders.gateway.errors import OfficeError
from workorders.gateway.pull import TabletRow
from workorders.gateway.service.access import BY_TABLET, TABLET, tablets_only
from workorders.gateway.service.bodies import PLAIN
from workorders.gateway.service.documents import PieceOperation
from workorders.gateway.service.problems import documented
from workorders.sync import wire

PATH = "/v1/uploads"

Id = Annotated[str, Parameter(pattern="^[0-9a-f]{32}$", description="From the Location of the creation.")]
Version = Annotated[str | None, HeaderParameter(name="Tus-Resumable", description=f"`{wire.TUS_VERSION}`.")]
Length = Annotated[int | None, HeaderParameter(name="Upload-Length", ge=0, le=2**53, description="Bytes.")]
Offset = Annotated[
    int | None, HeaderParameter(name="Upload-Offset", ge=0, le=2**53, description="Bytes here.")
]
Metadata = Annotated[
    str | None,
    HeaderParameter(
        name="Upload-Metadata", max_length=4000, description="`sha256`: that of the whole, in hex."
    ),
]
Checksum = Annotated[
    str | None,
    HeaderParameter(
        name="Upload-Checksum", max_length=200, description=f"One of {wire.TUS_CHECKSUMS}; base64."
    ),
]
Override = Annotated[
    str | None, HeaderParameter(name="X-HTTP-Method-Override", description="`PATCH`, `DELETE` or `HEAD`.")
]


class OtherVersion(OfficeError):
    """The client speaks another version of tus."""

    status = 412
    code = "tus_version"
    title = "Another version of tus"


class NotAPiece(OfficeError):
    """A piece comes as the type that tus names."""

    status = 415
    code = "not_a_piece"
    title = "Not a piece of an upload"


_OFFER = (
    (b"tus-version", wire.TUS_VERSION.encode()),
    (b"tus-extension", wire.TUS_EXTENSIONS.encode()),
    (b"tus-max-size", str(wire.MAX_BLOB_BYTES).encode()),
    (b"tus-checksum-algorithm", wire.TUS_CHECKSUMS.encode()),
)


async def tell_version(message: Message, scope: Scope) -> None:
    """Every answer below the path names the version, refusals too; OPTIONS (open to all) tells the rest."""
    if message["type"] != "http.response.start" or not scope["path"].startswith(PATH):
        return
    headers = [*message["headers"], (b"tus-resumable", wire.TUS_VERSION.encode())]
    if scope.get("method") == "OPTIONS":
        headers += _OFFER
    elif message["status"] == OtherVersion.status:
        headers.append(_OFFER[0])
    message["headers"] = headers


@post(
    "/uploads",
    sync_to_thread=True,
    status_code=201,
    operation_class=PieceOperation,
    responses={
        **documented(401, 403, 412, 422, 460),
        201: ResponseSpec(data_container=None, description="Begun; `Location` names it."),
    },
)
def create_upload(
    state: State,
    request: Request[Any, Any, Any],
    tablet: NamedDependency[TabletRow],
    version: Version = None,
    length: Length = None,
    metadata: Metadata = None,
    checksum: Checksum = None,
) -> Response[None]:
    """Begin an upload; its first bytes may come along. An unfinished one is kept for days."""
    _check_version(version)
    if length is None:
        raise OfficeError("say Upload-Length: how many bytes it will be", code="no_length")
    first: bytes = request.scope["state"][PLAIN]
    if first:
        _check_type(request)
        uploads.check_piece(first, checksum)
    made = uploads.create(state.office, state.files, tablet.tablet_id, length, metadata or "", first)
    return Response(
        content=None,
        status_code=201,
        headers={"Location": f"{PATH}/{made.id}", **_progress(made)},
    )


@head(
    "/uploads/{upload_id:str}",
    sync_to_thread=True,
    responses={
        **documented(401, 403, 404, 410, 412),
        200: ResponseSpec(data_container=None, description="`Upload-Offset` bytes are here."),
    },
)
def upload_offset(
    state: State, tablet: NamedDependency[TabletRow], upload_id: Id, version: Version = None
) -> Response[None]:
    """How much of an upload is here."""
    return _stands(state, tablet, upload_id, version)


@patch(
    "/uploads/{upload_id:str}",
    sync_to_thread=True,
    status_code=204,
    operation_class=PieceOperation,
    responses=documented(401, 403, 404, 409, 410, 412, 422, 460),
)
def send_piece(
    state: State,
    request: Request[Any, Any, Any],
    tablet: NamedDependency[TabletRow],
    upload_id: Id,
    version: Version = None,
    offset: Offset = None,
    checksum: Checksum = None,
) -> Response[None]:
    """Add a piece where the upload stands; the last one makes the file."""
    return _take(state, request, tablet, upload_id, version, offset, checksum)


@delete(
    "/uploads/{upload_id:str}",
    sync_to_thread=True,
    status_code=204,
    responses=documented(401, 403, 404, 410, 412),
)
def end_upload(
    state: State, tablet: NamedDependency[TabletRow], upload_id: Id, version: Version = None
) -> Response[None]:
    """Give an upload up. A file that is whole stays."""
    return _end(state, tablet, upload_id, version)


@post(
    "/uploads/{upload_id:str}",
    sync_to_thread=True,
    status_code=204,
    operation_class=PieceOperation,
    responses={
        **documented(401, 403, 404, 405, 409, 410, 412, 422, 460),
        200: ResponseSpec(data_container=None, description="To a HEAD."),
    },
)
def in_disguise(
    state: State,
    request: Request[Any, Any, Any],
    tablet: NamedDependency[TabletRow],
    upload_id: Id,
    version: Version = None,
    offset: Offset = None,
    checksum: Checksum = None,
    override: Override = None,
) -> Response[None]:
    """PATCH, DELETE or HEAD for a client whose network lets only GET and POST through."""
    method = (override or "").upper()
    if method == "PATCH":
        return _take(state, request, tablet, upload_id, version, offset, checksum)
    if method == "DELETE":
        return _end(state, tablet, upload_id, version)
    if method == "HEAD":
        return _stands(state, tablet, upload_id, version)
    raise _NotAllowedMethod("POST needs X-HTTP-Method-Override here")


class _NotAllowedMethod(OfficeError):
    status = 405
    code = "method_not_allowed"
    title = "Not this way"


def _stands(state: State, tablet: TabletRow, upload_id: str, version: str | None) -> Response[None]:
    _check_version(version)
    found = uploads.state(state.office, tablet.tablet_id, upload_id)
    headers = {"Upload-Length": str(found.size), "Cache-Control": "no-store", **_progress(found)}
    if found.metadata:
        headers["Upload-Metadata"] = found.metadata
    return Response(content=None, status_code=200, headers=headers)


def _take(
    state: State,
    request: Request[Any, Any, Any],
    tablet: TabletRow,
    upload_id: str,
    version: str | None,
    offset: int | None,
    checksum: str | None,
) -> Response[None]:
    _check_version(version)
    _check_type(request)
    if offset is None:
        raise OfficeError("say Upload-Offset: where the piece begins", code="no_offset")
    piece: bytes = request.scope["state"][PLAIN]
    uploads.check_piece(piece, checksum)
    found = uploads.append(state.office, state.files, tablet.tablet_id, upload_id, offset, piece)
    return Response(content=None, status_code=204, headers=_progress(found))


def _end(state: State, tablet: TabletRow, upload_id: str, version: str | None) -> Response[None]:
    _check_version(version)
    uploads.end(state.office, state.files, tablet.tablet_id, upload_id)
    return Response(content=None, status_code=204)


def _progress(found: uploads.UploadState) -> dict[str, str]:
    expires = email.utils.format_datetime(datetime.fromisoformat(found.expires_at), usegmt=True)
    return {"Upload-Offset": str(found.offset), "Upload-Expires": expires}


def _check_version(version: str | None) -> None:
    if version != wire.TUS_VERSION:
        raise OtherVersion(f"tus {wire.TUS_VERSION} is spoken here (header Tus-Resumable)")


def _check_type(request: Request[Any, Any, Any]) -> None:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != wire.TUS_CONTENT:
        raise NotAPiece(f"a piece is {wire.TUS_CONTENT}")


async def _tablets_or_asking(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Guard: what is offered (OPTIONS) is for everybody and says nothing of anybody."""
    if connection.scope.get("method") != "OPTIONS":
        await tablets_only(connection, handler)


ROUTES = Router(
    path="/v1",
    route_handlers=[create_upload, upload_offset, send_piece, end_upload, in_disguise],
    dependencies={"tablet": TABLET},
    guards=[_tablets_or_asking],
    security=BY_TABLET,
    tags=["tablets"],
)
