"""The gateway in the same process, over the same interface as HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from workorders import certificates
from workorders.gateway import blobs, enrolment, firmware, keys, pull, push, references, uploads, wiping
from workorders.gateway.admin import tablet_row
from workorders.gateway.errors import Gone, NotAllowed, NotSignedIn, OfficeError
from workorders.gateway.office import PROTOCOL, Office
from workorders.gateway.pull import TabletRow
from workorders.sync import compact, wire
from workorders.sync.blobs import BlobStore
from workorders.sync.errors import CursorGone, NotAccepted, Refused

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class DirectTransport:
    """One tablet's calls on an office that lies beside it."""

    def __init__(self, office: Office, files: BlobStore, tablet: str | None = None) -> None:
        self._office = office
        self._files = files
        self._tablet = tablet

    def meta(self) -> wire.Meta:
        return meta(self._office)

    def push(self, request: wire.PushRequest) -> wire.PushResponse:
        return _typed(push.push, self._office, request, self._row(revoked=True).tablet_id)

    def pull(self, cursor: str | None) -> wire.PullPage:
        return _typed(pull.pull, self._office, self._row(), cursor)

    def finish(self, request: wire.FinishRequest) -> wire.FinishAnswer:
        return _typed(pull.finish, self._office, self._row(), request)

    def keys(self, have: str | None) -> wire.KeysAnswer:
        return _typed(keys.keys_for, self._office, self._row(), have)

    def references(self) -> wire.ReferenceList:
        return _typed(references.references_for, self._office, self._row())

    def reference(self, sha256: str) -> bytes:
        return _typed(references.reference_body, self._office, self._row(), sha256)

    def has_blob(self, sha256: str) -> bool:
        try:
            blobs.blob_size(self._office, sha256)
        except OfficeError:
            return False
        return True

    def put_blob(self, sha256: str, data: bytes) -> None:
        _typed(blobs.put_blob, self._office, self._files, sha256, data)

    def start_upload(self, sha256: str, size: int, first: bytes = b"") -> wire.Upload:
        told = f"sha256 {base64.b64encode(sha256.encode()).decode()}"
        begin = (self._office, self._files, self._row().tablet_id, size, told, first)
        return _typed(uploads.create, *begin).wire()

    def upload_offset(self, upload_id: str) -> wire.Upload:
        return _typed(uploads.state, self._office, self._row().tablet_id, upload_id).wire()

    def send_piece(self, upload_id: str, offset: int, data: bytes) -> wire.Upload:
        piece = (self._office, self._files, self._row().tablet_id, upload_id, offset, data)
        return _typed(uploads.append, *piece).wire()

    def firmware(self, sha256: str, start: int, length: int) -> wire.Range:
        image = _typed(firmware.image_of, self._office, self._row(), sha256)
        data = _typed(firmware.image_part, self._files, image, start, length)
        return wire.Range(start=start, total=image.size, data=data)

    def standing(self) -> wire.Standing:
        return _typed(wiping.standing, self._office, self._row(revoked=True).tablet_id)

    def wiped(self, said: wire.Wiped) -> None:
        _typed(wiping.note_wiped, self._office, self._row(revoked=True).tablet_id, said)

    def enrol(self, request: wire.EnrolRequest) -> wire.EnrolAnswer:
        return _typed(enrolment.enrol, self._office, request)

    def deposit(self, request: wire.RecoveryDeposit) -> None:
        _typed(enrolment.deposit, self._office, self._row().tablet_id, request)

    def recover(self, request: wire.RecoveryRequest) -> wire.RecoveryAnswer:
        return _typed(enrolment.recover, self._office, request)

    def _row(self, *, revoked: bool = False) -> TabletRow:
        return _typed(tablet_row, self._office, self._tablet or "", may_be_revoked=revoked)


def meta(office: Office) -> wire.Meta:
    """Who this gateway is."""
    return wire.Meta(
        protocol=PROTOCOL,
        realm=office.realm,
        time=office.time(),
        root_sha256=certificates.fingerprint(office.root),
        gateway_id=office.gateway_id,
        forms=[compact.FORM],
    )


def _typed(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call the office; what it refuses comes back as HTTP would bring it."""
    try:
        return work(*args, **kwargs)
    except Gone as error:
        raise CursorGone(str(error)) from None
    except (NotAllowed, NotSignedIn) as error:
        raise NotAccepted(str(error), code=error.code) from None
    except OfficeError as error:
        raise Refused(str(error), code=error.code) from None
