"""Firmware from an engineer's hand into a tablet's folder: over lines that are cut, and never half."""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import requests
from sqlalchemy import select

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from tests.workorders.test_published import session
from tests.workorders.test_uploads import Foreign
from workorders.gateway import firmware
from workorders.gateway.direct import DirectTransport
from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn, TooLarge
from workorders.gateway.firmware import ImagePublished, ImageSaid
from workorders.journal import kinds
from workorders.people import Role
from workorders.store import schema
from workorders.sync import wire
from workorders.sync.blobs import note_local
from workorders.sync.errors import SyncCancelled, Unreachable
from workorders.sync.firmware import FirmwareImage, firmware_state
from workorders.sync.firmwarefolder import FirmwareFolder, holding
from workorders.sync.round import FilesWait, SyncProgress, SyncReport, SyncRound, Transport

SIZE = 700_000
"""Three pieces, the last one short."""


@pytest.fixture
def bureau(request: pytest.FixtureRequest, tmp_path: Path) -> Bureau:
    if "each_database" in request.fixturenames:
        request.getfixturevalue("each_database")
    return Bureau.open(tmp_path)


@pytest.fixture
def tablet(bureau: Bureau) -> Tablet:
    return bureau.tablet()


def publish(bureau: Bureau, data: bytes, name: str = "fw.bin", **said: str) -> ImagePublished:
    about = ImageSaid(name=name, models=["prime-1ph"], **said)
    return firmware.publish_image(bureau.office, bureau.files, "demo", about, data, actor="eva")


def folder_of(tablet: Tablet) -> Path:
    return tablet.bureau.folder / "home" / "firmware"


def fetch(
    tablet: Tablet,
    line: Transport | None = None,
    *,
    wait: Callable[[], FilesWait | None] = lambda: None,
    watch: Callable[[SyncProgress], None] = lambda _: None,
) -> SyncReport:
    """A round of a tablet that has a folder for firmware."""
    round_ = SyncRound(
        tablet.store,
        tablet.identity,
        tablet.journal,
        line or tablet.transport(),
        tablet.blobs,
        now=tablet.bureau.now,
        firmware_waits=wait,
        firmware=FirmwareFolder(folder_of(tablet)),
    )
    return round_.run(watch)


def names(tablet: Tablet) -> list[str]:
    return sorted(path.name for path in folder_of(tablet).iterdir() if path.is_file())


class Cut(DirectTransport):
    """A line that bears so many pieces of an image; `turned` changes bytes on their way."""

    bears, turned = 10**6, 0

    def __init__(self, tablet: Tablet) -> None:
        super().__init__(tablet.bureau.office, tablet.bureau.files, tablet.identity.tablet)
        self.asked: list[int] = []

    def firmware(self, sha256: str, start: int, length: int) -> wire.Range:
        if self.bears <= 0:
            raise Unreachable("cut")
        self.bears -= 1
        self.asked.append(start)
        found = super().firmware(sha256, start, length)
        if not self.turned:
            return found
        return msgspec.structs.replace(found, data=bytes(len(found.data)))


# --- the office -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("each_database")
def test_an_image_is_published_once_replaced_by_its_name_and_taken_back(bureau: Bureau) -> None:
    first = publish(bureau, b"one", version="V1")
    bureau.now.forward(days=1)
    again = publish(bureau, b"one", version="V1")
    assert (first.version, first.published, again.version, again.published) == (1, True, 1, False)
    assert again.image == first.image
    assert first.image.identifier == "fw", "what the file is called, where nothing is said"
    assert publish(bureau, b"two", "FW.BIN", version="V2").version == 2
    offered = firmware.offered_images(bureau.office, "demo")
    assert [(one.name, one.version, one.size) for one in offered.images] == [("FW.BIN", "V2", 3)]
    assert firmware.withdraw_image(bureau.office, "demo", "FW.BIN", actor="eva").images == []
    with pytest.raises(NotFound):
        firmware.withdraw_image(bureau.office, "demo", "FW.BIN")
    with bureau.office.store.read() as connection:
        query = select(schema.entry.c.actor).where(schema.entry.c.kind == "reference.received")
        assert connection.execute(query).scalars().all() == ["eva"] * 3, "the record says who did it"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"name": "../fw.bin"}, "name"),
        ({"name": "fw.exe"}, "name"),
        ({"name": "con.bin"}, "name"),
        ({"models": []}, "models"),
        ({"models": ["a b"]}, "models"),
        ({"identifier": "0xABC"}, "identifier"),
        ({"identifier": "x" * 65}, "identifier"),
        ({"signature": "QUJD"}, "signature"),
        ({"version": "a\nb"}, "version"),
    ],
)
def test_what_is_said_wrongly_is_refused_before_anything_is_kept(
    bureau: Bureau, changed: dict[str, str], word: str
) -> None:
    said = msgspec.structs.replace(ImageSaid(name="fw.bin", models=["prime-1ph"]), **changed)
    with pytest.raises(InvalidInput, match=word):
        firmware.publish_image(bureau.office, bureau.files, "demo", said, b"image")
    assert not list(bureau.files.folder.rglob("*"))


def test_limits_and_unknown_projects_are_told(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ImageSaid(name="fw.bin", models=["m"])
    with pytest.raises(NotFound):
        firmware.publish_image(bureau.office, bureau.files, "nowhere", said, b"image")
    with pytest.raises(InvalidInput):
        firmware.publish_image(bureau.office, bureau.files, "demo", said, b"")
    monkeypatch.setattr(firmware, "MAX_FIRMWARE_BYTES", 4)
    with pytest.raises(TooLarge):
        publish(bureau, b"image")
    monkeypatch.setattr(firmware, "MAX_FIRMWARE_IMAGES", 1)
    publish(bureau, b"1")
    publish(bureau, b"2")
    with pytest.raises(OutOfTurn):
        publish(bureau, b"3", "other.bin")


def test_only_engineers_publish_over_http_and_only_the_projects_tablets_fetch(bureau: Bureau) -> None:
    data = os.urandom(5 * 1024 * 1024)  # more than any other body may have
    query = {"model": ["prime-1ph", "em-1ph"], "version": "V2", "manufacturer": "ZIV", "signature": "0xAB"}
    with serving(bureau) as url:
        where = f"{url}/v1/projects/demo/firmware"

        def put(headers: dict[str, str]) -> requests.Response:
            sent = {**headers, "Content-Type": "application/octet-stream"}
            return requests.put(f"{where}/fw.bin", params=query, data=data, headers=sent, timeout=20)

        assert put({}).status_code == 401
        assert put(session(bureau, url, Role.SUPERVISOR)).status_code == 403
        assert put(session(bureau, url, Role.ENGINEER, "elsewhere")).status_code == 403
        mine = session(bureau, url, Role.ENGINEER, "demo")
        told = put(mine)
        assert told.status_code == 200, told.text
        image = msgspec.convert(told.json()["image"], FirmwareImage)
        assert (image.sha256, image.models) == (hashlib.sha256(data).hexdigest(), query["model"])
        assert (image.manufacturer, image.signature) == ("ZIV", "0xAB")
        assert requests.get(where, headers=mine, timeout=10).json()["images"][0]["name"] == "fw.bin"

        client = Foreign(url, bureau.tablet())
        place, tag = f"/v1/firmware/{image.sha256}", f'"{image.sha256}"'
        whole = client.ask("GET", place)
        assert (whole.status_code, whole.content, whole.headers["ETag"]) == (200, data, tag)
        part = client.ask("GET", place, Range="bytes=10-19", If_Range=tag)
        assert (part.status_code, part.content) == (206, data[10:20])
        assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
        assert client.ask("GET", place, Range="bytes=10-19", If_Range='"other"').status_code == 200
        assert client.ask("GET", place, Range="bytes=-5").content == data[-5:]
        assert client.ask("GET", place, Range="bytes=3000000-").content == data[3_000_000:]
        assert client.ask("GET", place, Range="bytes=5-3,7-9").status_code == 200
        beyond = client.ask("GET", place, Range=f"bytes={len(data)}-")
        assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
        assert client.ask("GET", f"/v1/firmware/{'ab' * 32}").json()["code"] == "no_such_firmware"
        gone = requests.delete(f"{where}/fw.bin", headers=mine, timeout=10)
        assert (gone.status_code, gone.json()["images"]) == (200, [])
        assert client.ask("GET", place).status_code == 404


# --- the tablet -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("each_database")
def test_an_image_goes_on_where_the_line_was_cut_and_appears_whole(bureau: Bureau, tablet: Tablet) -> None:
    data = os.urandom(SIZE)
    publish(bureau, data, identifier='FW "140"', version="V1.40")
    asked: list[int] = []
    for _ in range(9):
        line = Cut(tablet)
        line.bears = 1
        report = fetch(tablet, line)
        asked += line.asked
        if report.state == "done":
            break
        assert (report.state, report.stage, report.pending) == ("offline", "firmware", 0)
        assert names(tablet) == [], "nothing shows before it is whole"
        assert [one.have for one in report.firmware_coming] == [asked[-1] + wire.PART_BYTES]
    assert report.state == "done"
    assert asked == sorted(set(asked)), "no piece twice"
    assert len(asked) == 3
    assert (report.firmware, report.firmware_received, report.firmware_coming) == (1, 1, [])
    assert (folder_of(tablet) / "fw.bin").read_bytes() == data
    note = tomllib.loads((folder_of(tablet) / "fw.bin.toml").read_text("utf-8"))
    assert note == {
        "models": ["prime-1ph"],
        "version": "V1.40",
        "identifier": 'FW "140"',
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    later = Cut(tablet)
    assert (fetch(tablet, later).firmware, later.asked) == (1, [])


def test_a_round_that_got_to_the_firmware_has_met_the_office(bureau: Bureau, tablet: Tablet) -> None:
    """An image larger than the line ever carries at once must not make lists look old."""
    from workorders.sync.round import last_sync_of

    publish(bureau, os.urandom(SIZE))
    line = Cut(tablet)
    line.bears = 1
    report = fetch(tablet, line)
    assert report.state == "offline"
    assert last_sync_of(tablet.store).contact == report.at


def test_records_and_photos_go_before_firmware(bureau: Bureau, tablet: Tablet) -> None:
    fetch(tablet)
    publish(bureau, os.urandom(SIZE))
    sealed = os.urandom(1000)
    sha256 = tablet.blobs.put(sealed)
    photo = kinds.BlobTaken(
        sha256=sha256, plain_sha256="ab" * 32, size=1000, media_type="image/jpeg", what="before", key_id="k"
    )
    tablet.journal.append(
        photo,
        order_id=tablet.order_ids()[0],
        also=lambda connection: note_local(connection, sha256, 1000, "2026-03-01T00:00:00.000Z"),
    )
    seen: list[str] = []
    assert fetch(tablet, watch=lambda at: seen.append(at.stage.value)).blobs_sent == 1
    order = list(dict.fromkeys(seen))
    assert order.index("push") < order.index("blobs") < order.index("firmware") == len(order) - 1


def test_a_damaged_image_is_thrown_away_told_and_not_fetched_all_day(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, os.urandom(SIZE))
    line = Cut(tablet)
    line.turned = 1
    report = fetch(tablet, line)
    assert (report.state, report.firmware) == ("done", 0)
    assert [(one.code, one.have) for one in report.firmware_coming] == [("damaged", 0)]
    assert names(tablet) == []
    good = Cut(tablet)
    assert [one.code for one in fetch(tablet, good).firmware_coming] == ["damaged"]
    assert good.asked == [], "a damaged image at the office must not cost the line every round"
    bureau.now.forward(hours=7)
    assert fetch(tablet, good).firmware_received == 1


def test_a_full_disk_is_told_and_fails_no_round(
    bureau: Bureau, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bureau, os.urandom(SIZE))
    room = shutil.disk_usage(tablet.bureau.folder)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: room._replace(free=1000))
        line = Cut(tablet)
        report = fetch(tablet, line)
    assert (report.state, line.asked) == ("done", [])
    assert [one.code for one in report.firmware_coming] == ["disk_full"]
    assert fetch(tablet).firmware == 1


def test_a_folder_that_cannot_be_written_is_told(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, b"image")
    folder_of(tablet).parent.mkdir(parents=True)
    folder_of(tablet).write_text("a file stands in its place")
    report = fetch(tablet)
    assert (report.state, [one.code for one in report.firmware_coming]) == ("done", ["cannot_write"])


def test_a_line_that_costs_makes_it_wait_and_keeps_what_has_come(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, os.urandom(SIZE))
    free = iter([None, FilesWait.METERED])
    report = fetch(tablet, wait=lambda: next(free))
    assert (report.state, report.firmware_wait) == ("done", FilesWait.METERED)
    assert [one.have for one in report.firmware_coming] == [wire.PART_BYTES]
    line = Cut(tablet)
    assert fetch(tablet, line).firmware_received == 1
    assert line.asked[0] == wire.PART_BYTES


def test_cancel_ends_it_between_two_pieces(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, os.urandom(SIZE))

    def stop(at: SyncProgress) -> None:
        if at.stage == "firmware" and at.size:
            raise SyncCancelled("stopped")

    report = fetch(tablet, watch=stop)
    assert (report.state, [one.have for one in report.firmware_coming]) == ("cancelled", [wire.PART_BYTES])


def test_an_image_that_was_taken_back_goes_but_not_from_under_a_meter(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, b"one")
    publish(bureau, b"two", "other.bin")
    assert fetch(tablet).firmware == 2
    firmware.withdraw_image(bureau.office, "demo", "fw.bin")
    with holding(folder_of(tablet) / "fw.bin"):
        assert fetch(tablet).firmware_removed == 0
        assert (folder_of(tablet) / "fw.bin").exists()
    assert fetch(tablet).firmware_removed == 1
    assert names(tablet) == ["other.bin", "other.bin.toml"]


def test_what_a_person_put_there_is_never_touched(bureau: Bureau, tablet: Tablet) -> None:
    folder_of(tablet).mkdir(parents=True)
    (folder_of(tablet) / "fw.bin").write_bytes(b"from a stick")
    (folder_of(tablet) / "same.bin").write_bytes(b"two")
    one = publish(bureau, b"one").image
    publish(bureau, b"two", "same.bin")
    line = Cut(tablet)
    assert fetch(tablet, line).firmware == 2
    assert len(line.asked) == 1, "the same bytes lay there already"
    beside = f"fw-{one.sha256[:8]}.bin"
    assert (folder_of(tablet) / beside).read_bytes() == b"one"
    firmware.withdraw_image(bureau.office, "demo", "fw.bin")
    fetch(tablet)
    assert (folder_of(tablet) / "fw.bin").read_bytes() == b"from a stick"
    assert not (folder_of(tablet) / beside).exists()


def test_a_new_image_of_the_name_takes_the_place_of_the_old_one(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, b"one", version="V1")
    fetch(tablet)
    publish(bureau, b"one", version="V1.0")
    line = Cut(tablet)
    fetch(tablet, line)
    assert line.asked == [], "only what is said of it has changed"
    assert "V1.0" in (folder_of(tablet) / "fw.bin.toml").read_text("utf-8")
    publish(bureau, b"two", version="V2")
    fetch(tablet)
    assert (folder_of(tablet) / "fw.bin").read_bytes() == b"two"
    assert names(tablet) == ["fw.bin", "fw.bin.toml"]


def test_what_the_office_has_lost_is_told_and_half_images_of_nobody_go(
    bureau: Bureau, tablet: Tablet
) -> None:
    image = publish(bureau, os.urandom(SIZE)).image
    line = Cut(tablet)
    line.bears = 1
    fetch(tablet, line)
    bureau.files.remove(image.sha256)
    report = fetch(tablet)
    assert (report.state, [one.code for one in report.firmware_coming]) == ("done", ["not_held"])
    firmware.withdraw_image(bureau.office, "demo", "fw.bin")
    fetch(tablet)
    assert not list((folder_of(tablet) / ".part").iterdir())
    with tablet.store.read() as connection:
        assert firmware_state(connection).coming == []


def test_a_tablet_of_another_project_is_offered_none(bureau: Bureau, tablet: Tablet) -> None:
    publish(bureau, b"one")
    tablet.identity = msgspec.structs.replace(tablet.identity, project="elsewhere")
    assert fetch(tablet).firmware == 0
