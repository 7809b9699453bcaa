"""Files by tus 1.0: a foreign client's requests, and a tablet's that is cut in the middle of a photo."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import event, func, select

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from tests.workorders.test_sync_pull import photograph
from tests.workorders.test_sync_push import execute
from workorders.clock import utc_text
from workorders.gateway import uploads
from workorders.gateway.direct import DirectTransport
from workorders.gateway.errors import Gone, InvalidInput, NotFound
from workorders.gateway.tables import upload, upload_part
from workorders.sync import wire
from workorders.sync.blobs import BlobFiles
from workorders.sync.errors import Unreachable
from workorders.sync.http import HttpTransport
from workorders.sync.round import FilesWait, SyncRound, SyncState
from workorders.sync.signing import sign_request


@pytest.fixture
def bureau(request: pytest.FixtureRequest, tmp_path: Path) -> Bureau:
    if "each_database" in request.fixturenames:
        request.getfixturevalue("each_database")
    return Bureau.open(tmp_path)


class Foreign:
    """A client that knows the protocol's text and nothing of ours but how a tablet signs."""

    def __init__(self, url: str, tablet: Tablet) -> None:
        self.url, self.tablet = url, tablet

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> requests.Response:
        named = {"Tus-Resumable": "1.0.0", **{key.replace("_", "-"): value for key, value in headers.items()}}
        identity = self.tablet.identity
        signed = sign_request(
            identity.tablet,
            identity.signer(),
            method,
            target,
            utc_text(self.tablet.bureau.office.now()),
            body,
        )
        return requests.request(method, self.url + target, data=body, headers={**named, **signed}, timeout=10)

    def piece(self, place: str, offset: int, body: bytes, **headers: str) -> requests.Response:
        return self.ask(
            "PATCH",
            place,
            body,
            Upload_Offset=str(offset),
            Content_Type="application/offset+octet-stream",
            **headers,
        )


@pytest.fixture
def foreign(bureau: Bureau) -> Iterator[Foreign]:
    with serving(bureau) as url:
        yield Foreign(url, bureau.tablet())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_foreign_client_finds_what_the_protocol_promises(foreign: Foreign) -> None:
    offer = requests.options(f"{foreign.url}/v1/uploads", timeout=10)
    assert (offer.status_code, offer.headers["Tus-Version"]) == (204, "1.0.0")
    assert set(offer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "checksum",
        "termination",
        "expiration",
    }
    assert offer.headers["Tus-Max-Size"] == str(wire.MAX_BLOB_BYTES)
    assert "sha1" in offer.headers["Tus-Checksum-Algorithm"].split(",")

    data = os.urandom(1000)
    metadata = f"filename {_base64(b'a.jpg')},sha256 {_base64(hashlib.sha256(data).hexdigest().encode())}"
    made = foreign.ask("POST", "/v1/uploads", Upload_Length="1000", Upload_Metadata=metadata)
    assert (made.status_code, made.headers["Tus-Resumable"]) == (201, "1.0.0")
    place = made.headers["Location"]
    expires = email.utils.parsedate_to_datetime(made.headers["Upload-Expires"])
    assert expires > datetime(2026, 3, 1, tzinfo=UTC)

    first = foreign.piece(
        place,
        0,
        data[:400],
        Upload_Checksum=f"sha1 {_base64(hashlib.sha1(data[:400], usedforsecurity=False).digest())}",
    )
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "400")
    changed = foreign.piece(place, 400, data[400:], Upload_Checksum=f"sha256 {_base64(bytes(32))}")
    assert (changed.status_code, changed.headers["Tus-Resumable"]) == (460, "1.0.0")
    told = foreign.ask("HEAD", place)
    assert (told.status_code, told.headers["Upload-Offset"], told.headers["Upload-Length"]) == (
        200,
        "400",
        "1000",
    )
    assert (told.headers["Cache-Control"], told.headers["Upload-Metadata"]) == ("no-store", metadata)
    assert foreign.piece(place, 0, data[:400]).status_code == 409
    assert foreign.piece(place, 400, bytes(601)).status_code == 413
    last = foreign.ask(
        "POST",
        place,
        data[400:],
        X_HTTP_Method_Override="PATCH",
        Upload_Offset="400",
        Content_Type="application/offset+octet-stream",
    )
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, "1000")
    assert foreign.ask("HEAD", place).headers["Upload-Offset"] == "1000"
    assert foreign.ask("HEAD", f"/v1/blobs/{hashlib.sha256(data).hexdigest()}").status_code == 200


def test_a_foreign_client_is_told_what_is_wrong(foreign: Foreign, bureau: Bureau) -> None:
    other = foreign.ask("POST", "/v1/uploads", Upload_Length="5", Tus_Resumable="0.2.2")
    assert (other.status_code, other.headers["Tus-Version"]) == (412, "1.0.0")
    assert foreign.ask("POST", "/v1/uploads").status_code == 400, "no Upload-Length"
    assert foreign.ask("POST", "/v1/uploads", Upload_Length="-1").status_code == 400
    assert foreign.ask("POST", "/v1/uploads", Upload_Length=str(wire.MAX_BLOB_BYTES + 1)).status_code == 413
    wrong = foreign.ask("POST", "/v1/uploads", Upload_Length="5", Upload_Metadata="sha256 eHg=")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_metadata")
    unsigned = requests.post(f"{foreign.url}/v1/uploads", headers={"Upload-Length": "5"}, timeout=10)
    assert (unsigned.status_code, unsigned.headers["Tus-Resumable"]) == (401, "1.0.0")

    digest = hashlib.sha256(b"hello").hexdigest().encode()
    place = foreign.ask(
        "POST", "/v1/uploads", Upload_Length="5", Upload_Metadata=f"sha256 {_base64(digest)}"
    ).headers["Location"]
    assert (
        foreign.ask("PATCH", place, b"hel", Upload_Offset="0", Content_Type="text/plain").status_code == 415
    )
    assert foreign.piece(place, 0, b"hel", Upload_Checksum="md5 AAAA").status_code == 400
    thief = Foreign(foreign.url, bureau.tablet("B", "t2"))
    assert thief.ask("HEAD", place).status_code == 404, "another tablet's"
    broken = foreign.piece(place, 0, b"jello")
    assert (broken.status_code, broken.json()["code"]) == (422, "wrong_hash")
    assert foreign.ask("HEAD", place).status_code == 404, "ended: nothing false is kept"

    place = foreign.ask("POST", "/v1/uploads", Upload_Length="5").headers["Location"]
    assert foreign.piece(place, 0, b"he").status_code == 204
    assert foreign.ask("DELETE", place).status_code == 204
    assert foreign.ask("HEAD", place).status_code == 404
    assert not list(bureau.files.folder.rglob("[0-9a-f]" * 64)), "no piece is left"
    whole = foreign.ask("POST", "/v1/uploads", b"", Upload_Length="0", Upload_Metadata="")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, "0")


class Cut(DirectTransport):
    """A line that is cut after so many pieces; `lost`: the office took the last one, its answer got lost."""

    bears = 0
    lost = False
    sent: list[int]

    def send_piece(self, upload_id: str, offset: int, data: bytes) -> wire.Upload:
        if len(self.sent) >= self.bears and not self.lost:
            raise Unreachable("cut")
        self.sent.append(offset)
        taken = super().send_piece(upload_id, offset, data)
        if len(self.sent) >= self.bears and self.lost:
            raise Unreachable("cut")
        return taken


def _with_photo(bureau: Bureau, size: int) -> Tablet:
    tablet = bureau.tablet()
    assert tablet.sync().state is SyncState.DONE
    tablet.blobs = BlobFiles(bureau.folder / "t" / "blobs")
    order = tablet.order_ids()[0]
    photograph(tablet, order, os.urandom(size))
    execute(tablet, order)
    return tablet


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize("lost", [False, True])
def test_a_photo_goes_on_where_the_line_was_cut(bureau: Bureau, lost: bool) -> None:
    """Each round gets one piece further, through another process of the gateway each time."""
    tablet = _with_photo(bureau, 1_200_000)
    offsets: list[int] = []
    for _ in range(9):
        line = Cut(bureau.office, BlobFiles(bureau.files.folder), tablet.identity.tablet)
        line.bears, line.lost, line.sent = 1, lost, []
        report = tablet.sync(line)
        offsets += line.sent
        if report.state is SyncState.DONE:
            break
        assert (report.state, report.code) == (SyncState.OFFLINE, "unreachable")
        assert report.pending == 0, "the record went first"
    assert report.state is SyncState.DONE
    assert offsets == sorted(set(offsets)), "no piece twice"
    assert (report.pending_blobs, report.missing_blobs) == (0, 0)
    with bureau.office.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(upload_part)).scalar() == 0
        finished = connection.execute(select(upload.c.finished_at)).scalars().all()
    assert len(finished) == 1
    assert finished[0] is not None
    assert len(list(bureau.files.folder.rglob("[0-9a-f]" * 64))) == 1, "pieces are gone"


def test_an_upload_that_waited_too_long_begins_anew(bureau: Bureau) -> None:
    tablet = _with_photo(bureau, 600_000)
    line = Cut(bureau.office, bureau.files, tablet.identity.tablet)
    line.bears, line.sent = 1, []
    assert tablet.sync(line).state is SyncState.OFFLINE
    bureau.now.forward(days=wire.UPLOAD_DAYS + 1)
    line.bears = 9
    assert tablet.sync(line).state is SyncState.DONE
    assert line.sent[:2] == [0, 0]
    assert len(list(bureau.files.folder.rglob("[0-9a-f]" * 64))) == 1


def test_photos_wait_for_a_line_that_may_carry_them(bureau: Bureau) -> None:
    tablet = _with_photo(bureau, 10_000)
    round_ = SyncRound(
        tablet.store,
        tablet.identity,
        tablet.journal,
        tablet.transport(),
        tablet.blobs,
        now=bureau.now,
        files_wait=lambda: FilesWait.METERED,
    )
    report = round_.run()
    assert (report.state, report.blobs_wait, report.pending, report.pending_blobs) == (
        "done",
        "metered",
        0,
        1,
    )
    assert (tablet.sync().blobs_sent, tablet.sync().pending_blobs) == (1, 0)


def test_an_older_gateway_gets_the_file_whole(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    from workorders.gateway.service import uploads as service

    monkeypatch.setattr(service.ROUTES, "path", "/v1/of-tomorrow")
    tablet = _with_photo(bureau, 600_000)
    with serving(bureau) as url:
        transport = HttpTransport(url, tablet=tablet.identity.tablet, key=tablet.identity.signer())
        report = tablet.sync(transport)
    assert (report.state, report.blobs_sent, report.pending_blobs) == ("done", 1, 0)


def test_abandoned_uploads_go_and_leave_nothing(bureau: Bureau) -> None:
    office, files = bureau.office, bureau.files
    made = [
        uploads.create(office, files, "t", 10, "", bytes([n])) for n in range(uploads.OPEN_PER_TABLET + 1)
    ]
    unknown = 0
    for one in made:
        try:
            uploads.state(office, "t", one.id)
        except NotFound:
            unknown += 1
    assert unknown == 1, "the hundred-and-first ended another"
    bureau.now.forward(days=wire.UPLOAD_DAYS)
    with pytest.raises(Gone):
        uploads.append(office, files, "t", made[-1].id, 1, b"x")
    for _ in range(3):
        uploads.sweep(office, files, "t")
    with office.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(upload)).scalar() == 0
    assert not list(files.folder.rglob("[0-9a-f]" * 64))


def test_a_photo_that_comes_whole_is_written_once(each_database: str, bureau: Bureau) -> None:
    """Begun, moved on, ended and tidied up in turn, each photo waited four times for the disk."""
    tablet, whole = bureau.tablet(), os.urandom(600)
    digest = hashlib.sha256(whole).hexdigest()
    named = f"sha256 {base64.b64encode(digest.encode()).decode()}"
    told: list[str] = []
    note = lambda *given: told.append(given[2].split()[0])  # noqa: E731  # the event's form
    event.listen(bureau.office.store.engine, "before_cursor_execute", note)
    name = tablet.identity.tablet
    state = uploads.create(bureau.office, bureau.files, name, len(whole), named, whole)
    event.remove(bureau.office.store.engine, "before_cursor_execute", note)
    assert (state.offset, state.size, state.metadata) == (600, 600, named)
    assert told.count("INSERT") == 2
    assert not {"UPDATE", "DELETE"} & set(told)
    assert bureau.files.get(digest) == whole
    assert uploads.state(bureau.office, name, state.id) == state
    with bureau.office.store.read() as connection:
        assert connection.execute(select(upload.c.finished_at)).scalars().all() != [None]
    with pytest.raises(InvalidInput, match="not what their hash says"):
        uploads.create(bureau.office, bureau.files, name, 600, named, os.urandom(600))
    with bureau.office.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(upload)).scalar() == 1
