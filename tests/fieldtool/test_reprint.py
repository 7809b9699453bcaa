"""What a tablet executed stays readable and printable on it, whoever the order belongs to now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fieldtool.errors import JobError
from fieldtool.run import photos
from fieldtool.settings import Home
from fieldtool.tablet.rows import Group, OrderFilter
from fieldtool.tablet.tablet import Tablet
from tests.workorders.offices import Bureau
from workorders.gateway import acts, admin, enrolment
from workorders.gateway.direct import DirectTransport
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.store import keys, queries
from workorders.sync.blobs import GRACE, expired, note_local
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol


class Way(DirectTransport):
    """The gateway in this process, where the tablet opens and closes a connection."""

    def close(self) -> None:
        """Nothing to let go."""


PDF = b"%PDF-1.7 the record as it was given to the customer"


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office")


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    """Crew A's tablet, enrolled and synced in this process."""
    tablet = Tablet.open(
        Home(tmp_path / "home"), Realm.DEMO, create=True, passphrase=lambda: "nueve gatos grises"
    )
    code = enrolment.create_enrolment_code(bureau.office, crew="A", project="demo", url="https://office")
    ticket = EnrolTicket(url="https://office", code=parse_code(code.code), root=code.root_sha256)
    tablet._identity = enrol(
        tablet.store, DirectTransport(bureau.office, bureau.files), ticket, name="t", realm=Realm.DEMO
    )
    monkeypatch.setattr(
        Tablet,
        "_transport",
        lambda self: Way(bureau.office, bureau.files, self.identity.tablet),
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


def an_order(tablet: Tablet) -> tuple[str, str]:
    row = tablet.orders(OrderFilter())[0]
    return row.order_id, row.number


def test_the_record_is_printed_again_after_the_order_went_to_another_crew(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    acts.reassign_order(bureau.office, order_id, "B")
    assert tablet.sync().equal is True
    tablet.sync()
    assert tablet.record_pdf(number) == PDF
    [row] = [one for one in tablet.orders(OrderFilter()) if one.order_id == order_id]
    assert row.group is Group.DONE
    assert row.address is not None
    assert tablet.order(number).action == "none"


def test_closing_the_order_or_the_grace_time_of_files_does_not_take_the_record_away(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    tablet.sync()
    acts.approve_order(bureau.office, order_id)
    tablet.sync()
    with tablet.store.write() as connection:
        assert list(expired(connection, tablet.now() + GRACE + timedelta(days=1))) == []
        assert keys.forget_expired(connection, "2099-01-01T00:00:00.000Z") > 0
    assert tablet.record_pdf(number) == PDF


def test_an_order_that_was_only_planned_here_leaves_with_its_customer(bureau: Bureau, tablet: Tablet) -> None:
    order_id, number = an_order(tablet)
    acts.reassign_order(bureau.office, order_id, "B")
    tablet.sync()
    assert tablet.find_order(number) is None
    with tablet.store.read() as connection:
        detail = queries.order(connection, order_id)
    assert detail is not None
    assert detail.customer_state == "missing"


def test_an_erasure_ends_it(bureau: Bureau, tablet: Tablet) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    tablet.sync()
    acts.reassign_order(bureau.office, order_id, "B")
    admin.erase_order(bureau.office, order_id, "retention")
    tablet.sync()
    with pytest.raises(JobError) as caught:
        tablet.record_pdf(number)
    assert caught.value.code == "record_erased"
