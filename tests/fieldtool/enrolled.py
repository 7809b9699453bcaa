"""A whole tablet, enrolled at an office in this process, for tests that need no screen and no meter."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from fieldtool.run import photos
from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from tests.support.commandline import light_vault
from tests.workorders.offices import Bureau
from workorders.gateway import enrolment
from workorders.gateway.direct import DirectTransport
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.store import keys
from workorders.sync.blobs import note_local
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol

PDF = b"%PDF-1.7 the record as it was given to the customer"
PASSPHRASE = "nueve gatos grises"


class Way(DirectTransport):
    """The gateway in this process, where the tablet opens and closes a connection. No byte crosses a line."""

    sent = 0
    received = 0
    kinds: ClassVar[dict[str, int]] = {}

    def cancel(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to let go."""


def enrolled_tablet(bureau: Bureau, folder: Path, monkeypatch: pytest.MonkeyPatch, crew: str = "A") -> Tablet:
    """The tablet of a crew, enrolled and synced."""
    light_vault(folder, Realm.DEMO, PASSPHRASE)
    tablet = Tablet.open(Home(folder), Realm.DEMO, create=True, passphrase=lambda: PASSPHRASE)
    code = enrolment.create_enrolment_code(bureau.office, crew=crew, project="demo", url="https://office")
    ticket = EnrolTicket(url="https://office", code=parse_code(code.code), root=code.root_sha256)
    tablet._identity = enrol(
        tablet.store, DirectTransport(bureau.office, bureau.files), ticket, name="t", realm=Realm.DEMO
    )
    monkeypatch.setattr(
        Tablet, "transport", lambda self: Way(bureau.office, bureau.files, self.identity.tablet)
    )
    tablet.sync()
    return tablet


def execute(tablet: Tablet, order_id: str) -> None:
    """What a finished visit leaves behind, with its record."""
    with tablet.store.read() as connection:
        key = keys.order_key(connection, order_id)
    blob = photos.store_blob(
        tablet.blobs, key, PDF, media_type="application/pdf", what=kinds.RECORD_BLOB, step="leave"
    )
    for payload in (
        kinds.OrderStarted(procedure="exchange", procedure_version=1, crew="A"),
        blob,
        kinds.RecordIssued(record_hash="ab" * 32, sha256=blob.sha256, number="000-1"),
        kinds.OrderCompleted(record_hash="ab" * 32, blobs=[blob.sha256], crew="A"),
    ):
        tablet.journal.append(
            payload,
            order_id=order_id,
            order_version=1,
            actor="ana",
            also=lambda connection: note_local(
                connection, blob.sha256, blob.size, "2026-03-01T15:00:00.000Z"
            ),
        )
