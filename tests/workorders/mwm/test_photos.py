"""Photos to a field service: after the record, again after a fault, once each, and only where they may."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.workorders.mwm.field import NOW, ORDER, execute, links_file, open_file, state, virtual_mwm
from tests.workorders.offices import Bureau, Tablet
from workorders.gateway.rows import order_mrid
from workorders.gateway.tables import mwm_outbox
from workorders.journal.kinds import BlobTaken
from workorders.journal.sealing import seal_blob
from workorders.mwm.virtual.server import Server
from workorders.store import keys

W1 = order_mrid("demo", "W-1")
PHOTOS = '[link.field_service.photo_properties]\nbefore = "XA_BEFORE"\nafter = "XA_AFTER"\n'


def take(tablet: Tablet, what: str, data: bytes, media_type: str = "image/jpeg") -> bytes:
    """A file that the tablet has written down; returns its sealed bytes, which are not sent yet."""
    with tablet.store.read() as connection:
        key = keys.order_key(connection, W1)
    sealed = seal_blob(key, data)
    taken = BlobTaken(
        sha256=hashlib.sha256(sealed).hexdigest(), plain_sha256=hashlib.sha256(data).hexdigest(),
        size=len(sealed), media_type=media_type, what=what, key_id=key.key_id,
    )  # fmt: skip
    tablet.journal.append(taken, order_id=W1, order_version=1, actor="ana", project="demo")
    return sealed


def send(tablet: Tablet, *sealed: bytes) -> None:
    for one in sealed:
        tablet.blobs.put(one)
    tablet.sync()


def files(server: Server) -> dict[str, bytes]:
    return {name.partition("/")[2]: one["data"] for name, one in server.mwm.files.items()}


@pytest.mark.parametrize("personal", [True, False])
def test_photos_follow_the_record_once_each(each_database: str, tmp_path: Path, personal: bool) -> None:
    bureau = Bureau.open(tmp_path)
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "rest", f"personal = {str(personal).lower()}\nattempts = 50")
        path.write_text(path.read_text("utf-8") + PHOTOS, "utf-8")
        server.mwm.plan(ORDER, NOW)
        open_file(bureau, path).round()
        tablet = bureau.tablet("A")
        tablet.sync()
        first, again = take(tablet, "before", b"first"), take(tablet, "before", b"second")
        other, record = take(tablet, "panel", b"x"), take(tablet, "record", b"%PDF", "application/pdf")
        send(tablet, again, other)
        open_file(bureau, path).round()
        assert files(server) == {}  # the order may still be given back
        execute(tablet, W1)
        open_file(bureau, path).round()
        assert files(server) == {}  # the record is still on the tablet
        send(tablet, record)
        bureau.now.forward(minutes=20)
        server.mwm.faults.rates["lost"] = 1.0
        open_file(bureau, path).round()
        server.mwm.faults.rates["lost"] = 0.0
        for _ in range(5):
            bureau.now.forward(minutes=20)
            open_file(bureau, path).round()
        late = take(tablet, "after", b"late")
        send(tablet, late, first)  # the one that was taken again comes last, and replaces nothing
        bureau.now.forward(minutes=20)
        open_file(bureau, path).round()
        wanted = {"XA_RECORD": b"%PDF", "XA_BEFORE": b"second", "XA_AFTER": b"late"}
        assert files(server) == (wanted if personal else {})
        assert state(bureau, "rest").waiting == state(bureau, "rest").dead_out == 0
        table = mwm_outbox
        with bureau.office.store.read() as connection:
            query = select(table.c.kind).where(table.c.kind.in_(["photo", "blob"]))
            kinds = sorted(connection.execute(query).scalars())
        assert kinds == (["blob", "photo", "photo", "photo"] if personal else [])
        sent = dict(server.mwm.files)
        open_file(bureau, path).round()
        assert all(server.mwm.files[name] is one for name, one in sent.items())  # nothing went twice
