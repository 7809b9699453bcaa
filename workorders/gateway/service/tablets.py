"""Routes for tablets: enrolment, push, pull, keys, reference sets, blobs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, head, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, Parameter

from workorders.gateway import blobs, enrolment, keys, pull, push, references, wiping
from workorders.gateway.direct import meta as gateway_meta
from workorders.gateway.errors import OfficeError
from workorders.gateway.pull import TabletRow
from workorders.gateway.service.access import BY_TABLET, REVOKED_TOO, TABLET, tablets_only
from workorders.gateway.service.audited import note_open_act
from workorders.gateway.service.bodies import PLAIN, RAW
from workorders.gateway.service.documents import BytesOperation, PushOperation
from workorders.gateway.service.problems import documented
from workorders.sync import compact, wire

Hash = Annotated[str, Parameter(pattern="^[0-9a-f]{64}$", description="SHA-256 of the bytes, hex.")]
Cursor = Annotated[str | None, Parameter(max_length=1000, description="From the page before; none: afresh.")]


class UnreadableBody(OfficeError):
    """A push body that is no push; it was kept."""

    code = wire.UNREADABLE_BODY
    title = "The body could not be read; it was kept"


@get("/meta", sync_to_thread=True, responses=documented())
def meta(state: State) -> wire.Meta:
    """Who this gateway is, and what time it is here."""
    return gateway_meta(state.office)


@post(
    "/enrol",
    sync_to_thread=True,
    status_code=200,
    responses=documented(403, 422),
)
def enrol(state: State, data: JSONBody[wire.EnrolRequest]) -> wire.EnrolAnswer:
    """Enrol a tablet that has a one-time code and proves its key."""
    return enrolment.enrol(state.office, data)


@put("/recovery/key", sync_to_thread=True, status_code=204, responses=documented(401, 403, 422))
def deposit(state: State, tablet: NamedDependency[TabletRow], data: JSONBody[wire.RecoveryDeposit]) -> None:
    """Leave the tablet's database key, sealed to the recovery key."""
    enrolment.deposit(state.office, tablet.tablet_id, data)


@post(
    "/recovery",
    sync_to_thread=True,
    status_code=200,
    responses=documented(403, 404, 422),
)
def recover(state: State, data: JSONBody[wire.RecoveryRequest]) -> wire.RecoveryAnswer:
    """Give a database key back to whoever holds the recovery code for it."""
    return enrolment.recover(state.office, data)


@post(
    "/sync/push",
    sync_to_thread=True,
    status_code=200,
    responses=documented(401),
    opt={REVOKED_TOO: True},
    operation_class=PushOperation,
)
def push_entries(
    state: State,
    request: Request[Any, Any, Any],
    tablet: NamedDependency[TabletRow],
) -> wire.PushResponse | wire.PushRuns:
    """Take entries; one verdict each. A body that cannot be read at all is kept and answered 400.

    Entries in their short form are answered in runs.
    """
    plain: bytes = request.scope["state"][PLAIN]
    short = request.content_type[0] == compact.MEDIA
    try:
        if short:
            wanted = compact.unpack(plain, state.office.root)
        else:
            wanted = msgspec.json.decode(plain, type=wire.PushRequest)
    except (msgspec.DecodeError, ValueError) as error:
        push.keep_unreadable(state.office, plain, tablet.tablet_id)
        raise UnreadableBody(str(error)) from None
    answer = push.push(state.office, wanted, tablet.tablet_id)
    return compact.brief(wanted, answer) if short else answer


@get("/standing", sync_to_thread=True, responses=documented(401), opt={REVOKED_TOO: True})
def standing(state: State, tablet: NamedDependency[TabletRow]) -> wire.Standing:
    """How the office stands to this tablet: locked, to be wiped, or neither."""
    return wiping.standing(state.office, tablet.tablet_id)


@post(
    "/standing/wiped",
    sync_to_thread=True,
    status_code=204,
    responses=documented(401, 409),
    opt={REVOKED_TOO: True},
)
def wiped(state: State, tablet: NamedDependency[TabletRow], data: JSONBody[wire.Wiped]) -> None:
    """A tablet's last word before it destroys what it holds."""
    wiping.note_wiped(state.office, tablet.tablet_id, data)


@get("/sync/pull", sync_to_thread=True, responses=documented(401, 403, 410))
def pull_page(state: State, tablet: NamedDependency[TabletRow], cursor: Cursor = None) -> wire.PullPage:
    """One page of what changed for this tablet since its cursor."""
    return pull.pull(state.office, tablet, cursor)


@post("/sync/finish", sync_to_thread=True, status_code=200, responses=documented(401, 403, 410))
def finish(
    state: State, tablet: NamedDependency[TabletRow], data: JSONBody[wire.FinishRequest]
) -> wire.FinishAnswer:
    """Counts and digest of what this tablet may see."""
    return pull.finish(state.office, tablet, data)


@get("/keys", sync_to_thread=True, responses=documented(401, 403))
def key_ring(
    state: State,
    tablet: NamedDependency[TabletRow],
    have: Annotated[str | None, Parameter(max_length=64)] = None,
) -> wire.KeysAnswer:
    """The tablet's key ring, sealed to it, unless it has this very one."""
    return keys.keys_for(state.office, tablet, have)


@get("/reference", sync_to_thread=True, responses=documented(401, 403))
def reference_list(state: State, tablet: NamedDependency[TabletRow]) -> wire.ReferenceList:
    """The reference sets that this tablet works with."""
    return references.references_for(state.office, tablet)


@get(
    "/reference/{sha256:str}",
    sync_to_thread=True,
    media_type="application/octet-stream",
    responses=documented(401, 403, 404),
)
def reference_body(state: State, tablet: NamedDependency[TabletRow], sha256: Hash) -> bytes:
    """The bytes of a reference set."""
    return references.reference_body(state.office, tablet, sha256)


@head(
    "/blobs/{sha256:str}",
    sync_to_thread=True,
    responses={
        **documented(401, 403, 404),
        200: ResponseSpec(data_container=None, description="The office holds it."),
    },
)
def blob_held(state: State, tablet: NamedDependency[TabletRow], sha256: Hash) -> Response[None]:
    """Whether the office holds a blob."""
    del tablet
    size = blobs.blob_size(state.office, sha256)
    return Response(content=None, headers={"Blob-Size": str(size)})


@put(
    "/blobs/{sha256:str}",
    sync_to_thread=True,
    status_code=204,
    responses=documented(401, 403, 422),
    operation_class=BytesOperation,
)
def put_blob(
    state: State,
    request: Request[Any, Any, Any],
    tablet: NamedDependency[TabletRow],
    sha256: Hash,
) -> None:
    """Take a sealed file whole; its hash must be that of the path."""
    del tablet
    raw: bytes = request.scope["state"][RAW]
    blobs.put_blob(state.office, state.files, sha256, raw)


OPEN = Router(path="/v1", route_handlers=[meta, enrol, recover], guards=[note_open_act], tags=["tablets"])
"""For everybody: the code proves who asks."""

ROUTES = Router(
    path="/v1",
    route_handlers=[
        deposit,
        push_entries,
        standing,
        wiped,
        pull_page,
        finish,
        key_ring,
        reference_list,
        reference_body,
        blob_held,
        put_blob,
    ],
    dependencies={"tablet": TABLET},
    guards=[tablets_only],
    security=BY_TABLET,
    tags=["tablets"],
)
