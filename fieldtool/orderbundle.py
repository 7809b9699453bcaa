"""New orders by USB, the way back: what a round would bring, for one tablet, signed by the office.

The file answers what a tablet asks in a round: lists, entries from the beginning, keys. It is taken in by
the very stages of a round (references, pull, keys), so that all is proven again and nothing is trusted for
having come on a stick. Firmware images go with it where somebody says so: they are large. It is numbered and
dated by the office's clock: one that is older than the last contact, or than the last such file, is refused,
for its keys and lists would roll back newer ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from fieldtool import bundle
from fieldtool.errors import JobError
from fieldtool.reference.reader import Reader
from workorders.certificates import Holder
from workorders.clock import read_utc, utc_text
from workorders.gateway import firmware, keys, pull, references
from workorders.gateway.admin import tablet_row
from workorders.gateway.errors import NotFound, TooLarge
from workorders.gateway.office import Office
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.blobs import BlobStore
from workorders.sync.errors import CursorGone, Refused, SyncError
from workorders.sync.firmware import Coming, FirmwareImage
from workorders.sync.firmwarefolder import FirmwareFolder
from workorders.sync.firmwarestage import NOT_IN_FILE
from workorders.sync.round import LastSync, Stage, SyncRound, last_sync_of, note_contact

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

LISTS, BODY, PAGE, KEYS, IMAGE = b"L", b"F", b"P", b"K", b"W"
MAX_IMAGES_BYTES = 128 * 1024 * 1024
"""Of all images in one file: a tablet reads it whole before it takes anything."""
ORDERS = "orders"
_NUMBER = "bundle.number."
_TAKEN = "bundle.taken"


class OrdersReport(msgspec.Struct, kw_only=True):
    """What an office's file brought. `again`: it was taken in before, and nothing changed but `firmware`,
    images put in place now; `firmware_coming`: those that are offered and still to come."""

    number: int
    tablet: str
    created_at: str
    pulled: int = 0
    references: int = 0
    keys_changed: bool = False
    orders: int = 0
    again: bool = False
    firmware: int = 0
    firmware_coming: list[Coming] = msgspec.field(default_factory=list)


# --- the office's side --------------------------------------------------------------------------


def write_orders(
    office: Office,
    tablet_id: str,
    folder: Path,
    *,
    files: BlobStore | None = None,
    images: Sequence[str] = (),
) -> tuple[Path, bundle.Header]:
    """Write what a tablet would get in a round into `folder`; whole or not at all.

    Args:
        images: names of firmware images that go with it, out of `files`.

    Raises:
        OfficeError: no such tablet, or a revoked one; no such image, or more of them than a file may hold.
        OSError: the stick is full or was pulled out.
    """
    row = tablet_row(office, tablet_id)
    wanted = _wanted_images(office, row.project, images)
    # Dated before it is read: what happens meanwhile is not in it, and a later round brings it.
    created_at, number = office.time(), _next_number(office, tablet_id)
    listed = references.references_for(office, row)
    items = [(LISTS, msgspec.json.encode(listed))]
    items += [(BODY, references.reference_body(office, row, item.sha256)) for item in listed.sets]
    cursor, entries, more = None, 0, True
    while more:
        page = pull.pull_page(office, row, cursor)
        items.append((PAGE, msgspec.json.encode(page)))
        cursor, more, entries = page.cursor, page.more, entries + len(page.entries)
    items.append((KEYS, msgspec.json.encode(keys.keys_for(office, row, None))))

    def header(recipients: list[bundle.Recipient], nonce: str) -> bundle.Header:
        return bundle.Header(
            v=1,
            id=bundle.new_id(),
            number=number,
            tablet=tablet_id,
            realm=office.realm,
            project=row.project,
            created_at=created_at,
            entries=entries,
            blobs=0,
            certificate=bundle.b64(office.certificate),
            recipients=recipients,
            nonce=nonce,
            kind=ORDERS,
        )

    path = folder / f"fieldtool-orders-{tablet_id[:8]}-{number:04d}{bundle.SUFFIX}"
    part = bundle.partial(path)
    try:
        with part.open("wb") as file:
            sealed_to = {tablet_id: bundle.public_key(row.sealing_key)}
            writer = bundle.BundleWriter(file, header, sealed_to, office.key)
            for tag, data in items:
                writer.add(tag, data)
            if files is not None:
                for image in wanted:
                    writer.add(IMAGE, firmware.whole_image(files, image))
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    with path.open("rb") as written:
        return path, bundle.BundleReader(written, office.root, office.realm, Holder.OFFICE).header


def _wanted_images(office: Office, project: str | None, names: Sequence[str]) -> list[FirmwareImage]:
    if not names:
        return []
    offered = {one.name: one for one in firmware.offered_images(office, project or "").images}
    missing = [name for name in names if name not in offered]
    if missing:
        raise NotFound(f"the tablet is offered no image {missing[0]}", code="no_such_firmware")
    wanted = [offered[name] for name in dict.fromkeys(names)]
    size = sum(image.size for image in wanted)
    if size > MAX_IMAGES_BYTES:
        raise TooLarge(f"images of {size} bytes; a file holds up to {MAX_IMAGES_BYTES}")
    return wanted


def _next_number(office: Office, tablet_id: str) -> int:
    with office.store.write() as connection:
        before = setting(connection, _NUMBER + tablet_id)
        number = (before if isinstance(before, int) else 0) + 1
        set_setting(connection, _NUMBER + tablet_id, number)
    return number


# --- the tablet's side --------------------------------------------------------------------------


def take_orders(tablet: Tablet, path: Path) -> OrdersReport:
    """Take in a file of the office; twice changes nothing.

    Raises:
        JobError: `bundle_damaged`, `bundle_not_for_us`, `bundle_unknown_sender`, `realm_mixed`,
            `bundle_older`.
        OSError: the file cannot be read.
    """
    identity = tablet.identity
    with path.open("rb") as file:
        reader = bundle.BundleReader(file, identity.root_der(), identity.realm, Holder.OFFICE)
        header = reader.header
        # Read whole before anything is taken: a file without its end changes nothing.
        stick = _Stick(list(reader.items(identity.opener())))
    report = OrdersReport(number=header.number, tablet=header.tablet, created_at=header.created_at)
    if header.tablet != identity.tablet:
        raise JobError("bundle_not_for_us", f"this file is for {header.tablet}", recipients=header.tablet)
    report.again = _is_old(tablet, header)
    round_ = SyncRound(
        tablet.store,
        identity,
        tablet.journal,
        stick,
        tablet.blobs,
        reader=Reader(),
        firmware=FirmwareFolder(tablet.home.firmware(tablet.realm)),
    )
    # An image that found no room the first time may find it now; which ones are offered, the lists here say.
    stages = [] if report.again else [Stage.REFERENCES, Stage.PULL, Stage.KEYS]
    try:
        for stage in (*stages, Stage.FIRMWARE):
            round_.make(stage)
    except SyncError as error:
        raise bundle.damaged(str(error)) from None
    report.firmware, report.firmware_coming = round_.report.firmware_received, round_.report.firmware_coming
    if report.again:
        return report
    with tablet.store.write() as connection:
        set_setting(connection, _TAKEN, {"number": header.number, "id": header.id})
        note_contact(connection, _by_our_clock(header.created_at, last_sync_of(tablet.store)))
    report.pulled, report.references = round_.report.pulled, round_.report.references
    report.keys_changed = round_.report.keys_changed
    report.orders = header.entries
    return report


def _is_old(tablet: Tablet, header: bundle.Header) -> bool:
    """Whether this very file was taken in before.

    Raises:
        JobError: `bundle_older`.
    """
    with tablet.store.read() as connection:
        taken = setting(connection, _TAKEN)
    last = last_sync_of(tablet.store)
    number = taken.get("number") if isinstance(taken, dict) else None
    if isinstance(taken, dict) and taken.get("id") == header.id:
        return True
    behind = isinstance(number, int) and header.number <= number
    if last.contact is not None:
        heard = read_utc(last.contact) + _ahead(last)
        behind = behind or read_utc(header.created_at) < heard
    if behind:
        raise JobError(
            "bundle_older",
            f"this file is of {header.created_at}; newer data is here already",
            at=header.created_at,
        )
    return False


def _ahead(last: LastSync) -> timedelta:
    """How far the office's clock is ahead of this device's, as far as anybody knows."""
    return timedelta(milliseconds=last.offset_ms or 0)


def _by_our_clock(at: str, last: LastSync) -> str:
    """A time of the office as this device would have written it: contacts are kept so."""
    return utc_text(read_utc(at) - _ahead(last))


Part = TypeVar("Part")


def _read(items: list[tuple[bytes, bytes]], wanted: bytes, kind: type[Part]) -> list[Part]:
    try:
        return [msgspec.json.decode(data, type=kind) for tag, data in items if tag == wanted]
    except msgspec.DecodeError as error:
        raise bundle.damaged(str(error)) from None


class _Stick:
    """What a file holds, asked for as a gateway is."""

    def __init__(self, items: list[tuple[bytes, bytes]]) -> None:
        self._lists = _read(items, LISTS, wire.ReferenceList)
        self._pages = _read(items, PAGE, wire.PullPage)
        self._keys = _read(items, KEYS, wire.KeysAnswer)
        bodies = [data for tag, data in items if tag == BODY]
        if len(self._lists) != 1 or len(self._keys) != 1 or not self._pages:
            raise bundle.damaged("something is missing in it")
        self._images = {hashlib.sha256(data).hexdigest(): data for tag, data in items if tag == IMAGE}
        self._bodies = dict(zip((item.sha256 for item in self._lists[0].sets), bodies, strict=False))
        self._next = 0

    def references(self) -> wire.ReferenceList:
        return self._lists[0]

    def reference(self, sha256: str) -> bytes:
        if sha256 not in self._bodies:
            raise Refused("the list is not in the file")
        return self._bodies[sha256]

    def pull(self, cursor: str | None) -> wire.PullPage:
        del cursor
        if self._next >= len(self._pages):
            raise Refused("a page is missing in the file")
        self._next += 1
        return self._pages[self._next - 1]

    def keys(self, have: str | None) -> wire.KeysAnswer:
        del have
        return self._keys[0]

    def _no_line(self) -> SyncError:
        return CursorGone("a file answers nothing else")

    def meta(self) -> wire.Meta:
        raise self._no_line()

    def push(self, request: wire.PushRequest) -> wire.PushResponse:
        raise self._no_line()

    def finish(self, request: wire.FinishRequest) -> wire.FinishAnswer:
        raise self._no_line()

    def has_blob(self, sha256: str) -> bool:
        raise self._no_line()

    def put_blob(self, sha256: str, data: bytes) -> None:
        raise self._no_line()

    def start_upload(self, sha256: str, size: int, first: bytes = b"") -> wire.Upload:
        raise self._no_line()

    def upload_offset(self, upload_id: str) -> wire.Upload:
        raise self._no_line()

    def send_piece(self, upload_id: str, offset: int, data: bytes) -> wire.Upload:
        raise self._no_line()

    def firmware(self, sha256: str, start: int, length: int) -> wire.Range:
        data = self._images.get(sha256)
        if data is None:
            raise Refused("the image is not in the file", code=NOT_IN_FILE)
        return wire.Range(start=start, total=len(data), data=data[start : start + length])

    def standing(self) -> wire.Standing:
        raise self._no_line()

    def wiped(self, said: wire.Wiped) -> None:
        raise self._no_line()
