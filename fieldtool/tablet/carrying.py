"""A tablet with signal carries what one without it could not send: by stick, sealed to the office and to it.

The carrier writes its address onto the stick (its certificate and the key to seal to, signed); the other
tablet seals its hand-over to the office and to every address that proves itself; the carrier keeps that file,
whole, and each round delivers it as if the author had: entries first, photos after them, each answered by the
office. The record of the carrier is not touched: what it carries has no effect here, and its author keeps
everything until the office has answered it. Taking in or delivering twice changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection

from fieldtool import bundle
from fieldtool.errors import JobError
from workorders import certificates
from workorders.certificates import CertificateError, Holder
from workorders.clock import utc_text
from workorders.durable import write_whole
from workorders.journal.canonical import NotCanonical, canonical_bytes, parse_canonical
from workorders.journal.entry import Realm
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.errors import BadAnswer, Refused, SyncCancelled, SyncError
from workorders.sync.pieces import send_file
from workorders.sync.round import SyncRound

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet
    from workorders.store.engine import Store

SUFFIX = ".ftaddress"
MAX_ADDRESS_BYTES = 16 * 1024
MAX_ADDRESSES = 20
ROOM_LEFT_BYTES = 512 * 1024**2
"""What stays free for this tablet's own work: some hundred photos and the record of weeks."""
KEPT_DELIVERED = 20
"""Deliveries that are still told of after they were made."""
_SIGNED = b"fieldtool/address/1\x00"
_SETTING = "carried"
_log = logging.getLogger(__name__)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to seal to for a tablet: its id and name, its X25519 `key`, its certificate (base64)."""

    v: int = 1
    tablet: str
    name: str
    realm: Realm
    key: str
    certificate: str

    def public(self) -> X25519PublicKey:
        """The key to seal to."""
        return bundle.public_key(base64.b64decode(self.key))


class Carried(msgspec.Struct, kw_only=True):
    """A hand-over of another tablet that lies here, or did.

    Attributes:
        number: its number among the hand-overs of `tablet`.
        pushed: entries that the office has answered, from the first on.
        verdicts: the office's answers, by kind.
        delivered_at: when all of it was with the office (UTC); None: it still has to be.
        trouble: code of why the last try ended before that.
    """

    id: str
    tablet: str
    crew: str | None = None
    number: int
    created_at: str
    taken_at: str
    entries: int
    blobs: int
    pushed: int = 0
    verdicts: dict[str, int] = {}
    blobs_refused: int = 0
    delivered_at: str | None = None
    trouble: str | None = None
    again: bool = False
    """Of an answer to `take`: it was here before."""


# --- addresses ----------------------------------------------------------------------------------


def write_address(tablet: Tablet, folder: Path) -> Path:
    """Write this tablet's address into `folder`, for the tablet that has something to hand over.

    Raises:
        JobError: `not_enrolled`.
        OSError: the stick is full or was pulled out.
    """
    identity = tablet.identity
    key = identity.opener().public_key().public_bytes_raw()
    address = Address(
        tablet=identity.tablet,
        name=identity.name,
        realm=identity.realm,
        key=bundle.b64(key),
        certificate=identity.certificate,
    )
    body = canonical_bytes(msgspec.to_builtins(address))
    signature = identity.signer().sign(_SIGNED + hashlib.sha256(body).digest())
    path = folder / f"fieldtool-{identity.tablet[:8]}{SUFFIX}"
    write_whole(path, msgspec.json.encode({"address": body.decode(), "signature": bundle.b64(signature)}))
    return path


def read_address(path: Path, root: bytes, realm: Realm) -> Address:
    """Read an address and prove that a tablet of this office, in this realm, wrote it.

    Raises:
        JobError: `address_damaged`, `bundle_unknown_sender`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_ADDRESS_BYTES + 1)
    try:
        outer = msgspec.json.decode(data, type=dict[str, str])
        body, signature = outer["address"].encode(), base64.b64decode(outer["signature"], validate=True)
        address = msgspec.convert(parse_canonical(body), Address)
        address.public()
    except (msgspec.MsgspecError, NotCanonical, KeyError, ValueError):
        raise JobError("address_damaged", f"{path.name} is not the address of a tablet") from None
    try:
        certificate = base64.b64decode(address.certificate, validate=True)
        subject, key = certificates.verify_chain(
            certificate, root, realm=realm, holder=Holder.TABLET, at=datetime.now(UTC)
        )
        key.verify(signature, _SIGNED + hashlib.sha256(body).digest())
    except (CertificateError, InvalidSignature, ValueError):
        raise JobError("bundle_unknown_sender", "whoever wrote this address is not known here") from None
    if subject.id != address.tablet or address.realm is not realm:
        raise JobError("bundle_unknown_sender", "the address is not that of its certificate")
    return address


def addresses_in(tablet: Tablet, folder: Path) -> list[Address]:
    """The addresses of other tablets in a folder; what does not prove itself is left out and noted."""
    identity = tablet.identity
    found: list[Address] = []
    for path in sorted(folder.glob(f"*{SUFFIX}"))[:MAX_ADDRESSES]:
        try:
            address = read_address(path, identity.root_der(), identity.realm)
        except (JobError, OSError) as error:
            _log.warning("%s is not used as an address (%s)", path.name, type(error).__name__)
            continue
        if address.tablet != identity.tablet:
            found.append(address)
    return found


# --- taking in ----------------------------------------------------------------------------------


def take(tablet: Tablet, path: Path) -> Carried:
    """Keep a hand-over of another tablet until it is with the office; whole or not at all.

    Raises:
        JobError: `own_hand_over`, `bundle_damaged`, `bundle_not_for_us`, `bundle_unknown_sender`,
            `realm_mixed`, `carried_too_large`.
        OSError: the file cannot be read, or there is no room for it here.
    """
    identity = tablet.identity
    folder = folder_of(tablet)
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        header = bundle.BundleReader(file, identity.root_der(), identity.realm).header
    if header.tablet == identity.tablet:
        raise JobError(
            "own_hand_over", "this file is of this tablet; it is for another one, or for the office"
        )
    try:
        name = str(uuid.UUID(header.id))
    except ValueError:
        raise bundle.damaged("its id is none") from None
    known = next((one for one in carried(tablet.store) if one.id == name), None)
    if known is not None:
        return msgspec.structs.replace(known, again=True)
    kept = folder / f"{name}{bundle.SUFFIX}"
    part = bundle.partial(kept)
    try:
        with path.open("rb") as stick, part.open("wb") as copy:
            # Proven is what is kept: each part is written here as it is read, and none after a wrong one. A
            # stick that is pulled out, lies or has no end leaves nothing.
            both = cast(BinaryIO, _Copied(stick, copy))
            reader = bundle.BundleReader(both, identity.root_der(), identity.realm)
            tags = [tag for tag, _ in reader.items(identity.opener())]
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(kept)
    finally:
        part.unlink(missing_ok=True)
    took = Carried(
        id=name,
        tablet=header.tablet,
        crew=reader.crew,
        number=header.number,
        created_at=header.created_at,
        taken_at=utc_text(tablet.now()),
        entries=tags.count(bundle.ENTRY),
        blobs=tags.count(bundle.BLOB),
    )
    with tablet.store.write() as connection:
        _keep(connection, [*_read(connection), took])
    return took


class _Copied:
    """A file that is written elsewhere too, as far as it is read.

    Raises JobError `carried_too_large` before the own work of this tablet has no room any more.
    """

    def __init__(self, source: BinaryIO, copy: BinaryIO) -> None:
        self._source = source
        self._copy = copy

    def read(self, size: int) -> bytes:
        return self._both(self._source.read(size))

    def readline(self, size: int) -> bytes:
        return self._both(self._source.readline(size))

    def _both(self, data: bytes) -> bytes:
        if shutil.disk_usage(self._copy.name).free < ROOM_LEFT_BYTES + len(data):
            raise JobError("carried_too_large", "there is no room here to carry this hand-over")
        self._copy.write(data)
        return data


def carried(store: Store) -> list[Carried]:
    """What lies here for others, and what was delivered lately; oldest first."""
    with store.read() as connection:
        return _read(connection)


def waiting(store: Store) -> list[Carried]:
    """What still has to be delivered."""
    return [one for one in carried(store) if one.delivered_at is None]


def folder_of(tablet: Tablet) -> Path:
    """Where the files lie that this tablet carries."""
    return tablet.home.realm_folder(tablet.realm) / "carried"


# --- delivering ---------------------------------------------------------------------------------


def deliver(folder: Path) -> Callable[[SyncRound], None]:
    """The errands of a round: everything that lies in `folder` for others goes to the office."""

    def errands(round: SyncRound) -> None:
        for one in waiting(round.store):
            path = folder / f"{one.id}{bundle.SUFFIX}"
            try:
                _deliver(round, one, path)
                one.trouble = None
            except SyncCancelled:
                raise
            except (SyncError, JobError) as error:
                one.trouble = error.code
            except FileNotFoundError:
                one.trouble = "carried_missing"
            except OSError as error:
                # What cannot be read here must not make this tablet's own round, which is done, a failed one.
                _log.warning("a carried hand-over cannot be read (%s)", type(error).__name__)
                one.trouble = "stick_unreadable"
            _note(round.store, one)
            if one.delivered_at is not None:
                path.unlink(missing_ok=True)
                round.report.carried += 1

    return errands


def _deliver(round: SyncRound, one: Carried, path: Path) -> None:
    identity = round.identity
    with path.open("rb") as file:
        reader = bundle.BundleReader(file, identity.root_der(), identity.realm)
        chain: bundle.ChainItem | None = None
        batch: list[msgspec.Raw] = []
        at, blobs = 0, 0
        for tag, data in reader.items(identity.opener()):
            if tag == bundle.ENTRY:
                at += 1
                if at > one.pushed:
                    batch.append(msgspec.Raw(data))
                if len(batch) == wire.MAX_ENTRIES_PER_PUSH:
                    batch = _push(round, one, chain, batch)
                continue
            batch = _push(round, one, chain, batch)
            if tag == bundle.CHAIN:
                chain = _chain(data)
            elif tag == bundle.BLOB:
                round.report.blobs_wait = round.files_wait()
                if round.report.blobs_wait is not None:
                    return
                _send(round, one, data, blobs)
                blobs += 1
        _push(round, one, chain, batch)
    one.delivered_at = utc_text(round.now())


def _push(
    round: SyncRound, one: Carried, chain: bundle.ChainItem | None, batch: list[msgspec.Raw]
) -> list[msgspec.Raw]:
    """Push entries of one chain and note the answers; returns the next, empty batch."""
    if not batch:
        return []
    if chain is None:
        raise bundle.damaged("entries of no chain")
    round.step(one.pushed, one.entries)
    request = wire.PushRequest(chain_id=chain.chain_id, certificate=chain.certificate, entries=batch)
    verdicts = round.transport.push(request).verdicts
    if len(verdicts) != len(batch):
        raise BadAnswer("not one verdict for each entry that was carried")
    for verdict in verdicts:
        kind = str(verdict.verdict)
        one.verdicts[kind] = one.verdicts.get(kind, 0) + 1
    one.pushed += len(batch)
    _note(round.store, one)
    return []


def _send(round: SyncRound, one: Carried, data: bytes, number: int) -> None:
    sha256 = hashlib.sha256(data).hexdigest()
    if round.transport.has_blob(sha256):
        return
    try:
        send_file(round, sha256, data, lambda _: round.step(number, one.blobs))
    except Refused as error:
        # The office does not want it (no entry names it, too large): its author still has it.
        _log.warning("a carried file was refused (%s)", error.code)
        one.blobs_refused += 1


def _chain(data: bytes) -> bundle.ChainItem:
    try:
        return msgspec.json.decode(data, type=bundle.ChainItem)
    except msgspec.MsgspecError as error:
        raise bundle.damaged(str(error)) from None


# --- beneath ------------------------------------------------------------------------------------


def _read(connection: Connection) -> list[Carried]:
    return msgspec.convert(setting(connection, _SETTING) or [], list[Carried])


def _note(store: Store, one: Carried) -> None:
    with store.write() as connection:
        _keep(connection, [one if other.id == one.id else other for other in _read(connection)])


def _keep(connection: Connection, all_: list[Carried]) -> None:
    done = [one for one in all_ if one.delivered_at is not None]
    old = {one.id for one in done[: max(len(done) - KEPT_DELIVERED, 0)]}
    set_setting(connection, _SETTING, [msgspec.to_builtins(one) for one in all_ if one.id not in old])


def files(tablet: Tablet) -> Iterator[Path]:
    """The files that still have to be delivered, where they lie."""
    for one in waiting(tablet.store):
        path = folder_of(tablet) / f"{one.id}{bundle.SUFFIX}"
        if path.exists():
            yield path
