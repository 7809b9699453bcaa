"""Entries of a revoked tablet: kept, without effect, and taken in once a supervisor says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event, insert

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.test_sync_push import execute, status
from workorders.gateway import admin, enrolment, erasing, kept, pardon, quarantine
from workorders.gateway.direct import DirectTransport
from workorders.gateway.errors import NotFound, OutOfTurn
from workorders.journal.entry import Realm, to_wire
from workorders.store import inbox, schema
from workorders.sync import wire
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol


def enrolled_again(tablet: Tablet) -> Tablet:
    office = tablet.bureau.office
    code = enrolment.create_enrolment_code(office, crew="A", project="demo", url="https://office.example")
    ticket = EnrolTicket(url="https://office.example", code=parse_code(code.code), root=code.root_sha256)
    transport = DirectTransport(office, tablet.bureau.files)
    identity = enrol(tablet.store, transport, ticket, name="again", realm=Realm.DEMO)
    return Tablet(tablet.bureau, tablet.store, identity, tablet.blobs)


@pytest.mark.usefixtures("each_database")
def test_work_of_a_tablet_revoked_by_mistake_counts_after_all(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    tablet.sync()
    order_id = tablet.order_ids()[0]
    with pytest.raises(OutOfTurn, match="not revoked"):
        pardon.accept_kept(bureau.office, tablet.identity.tablet, "found")
    admin.revoke_tablet(bureau.office, tablet.identity.tablet, "lost")
    entries = execute(tablet, order_id)
    report = tablet.sync()
    assert (report.code, report.verdicts) == ("revoked", {"rejected": 4})
    assert status(bureau, order_id) != "completed"
    (waits,) = kept.kept_entries(bureau.office, "demo")
    assert (waits.tablet, waits.entries) == (tablet.identity.tablet, 4)
    assert kept.kept_entries(bureau.office, "other") == []
    assert waits.first_at == waits.last_at == bureau.office.time()
    work = kept.kept_work(bureau.office, waits.tablet)
    assert ([(one.order_id, one.entries) for one in work.orders], work.others) == ([(order_id, 4)], 0)
    assert work.orders[0].status == status(bureau, order_id)
    with pytest.raises(NotFound):
        kept.kept_work(bureau.office, waits.tablet, "other")
    with pytest.raises(NotFound):
        pardon.accept_kept(bureau.office, waits.tablet, "found", project="other")

    accepted = pardon.accept_kept(bureau.office, waits.tablet, "the crew had it", actor="sofia")
    assert (accepted.entries, accepted.verdicts) == (4, {"applied": 4})
    assert status(bureau, order_id) == "completed"
    assert kept.kept_entries(bureau.office) == []
    with pytest.raises(NotFound):
        pardon.accept_kept(bureau.office, waits.tablet, "again")
    assert erasing.erase_order(bureau.office, waits.tablet, "request"), "why it was accepted can be forgotten"

    more = execute(tablet, tablet.order_ids()[1])
    assert tablet.sync().verdicts == {"rejected": 4}, "its trust stays taken away"
    later = enrolled_again(tablet)
    done = later.sync()
    assert (done.state, done.equal) == ("done", True)
    with later.store.read() as connection:
        told = [inbox.verdict_of(connection, entry.envelope.id, entry.hash) for entry in (*entries, *more)]
    assert [verdict.verdict for verdict in told if verdict] == ["applied"] * 4 + ["rejected"] * 4


def test_a_forged_entry_is_not_pardoned(tmp_path: Path) -> None:
    """Only the revocation is waived; what was not signed by the tablet stays out."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    tablet.sync()
    admin.revoke_tablet(bureau.office, tablet.identity.tablet, "lost")
    execute(tablet, tablet.order_ids()[0])
    with tablet.store.read() as connection:
        batch = inbox.outbox(connection)
    raws = [msgspec.structs.replace(to_wire(entry), signature=b"\x00" * 64) for entry in batch]
    tablet.transport().push(
        wire.PushRequest(
            chain_id=batch[0].envelope.chain_id,
            certificate=tablet.identity.certificate,
            entries=[msgspec.Raw(msgspec.json.encode(raw)) for raw in raws],
        )
    )
    report = pardon.accept_kept(bureau.office, tablet.identity.tablet, "found")
    assert set(report.verdicts) == {"rejected"}
    tablet.sync()
    again = pardon.accept_kept(bureau.office, tablet.identity.tablet, "found")
    assert again.verdicts.get("applied", 0) == 4, "the true bytes came later and count"


def test_what_kept_bytes_say_of_their_order_is_not_trusted(tmp_path: Path) -> None:
    """They may be anything, also garbled or about an order of nobody here."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    bodies = [b'{"order_id":"not-here"}', b'{"order_id":7}', b"\xff", b"[]", b"{}"]
    with bureau.office.store.write() as connection:
        row = {"signature": b"s", "chain_id": "c", "verdict": "rejected", "reason": "r", "code": "revoked"}
        row |= {"source": tablet.identity.tablet, "received_at": bureau.office.time()}
        connection.execute(insert(schema.quarantine), [{**row, "body": body} for body in bodies])
    work = kept.kept_work(bureau.office, tablet.identity.tablet)
    assert work.others == 4
    assert [(one.order_id, one.entries, one.number) for one in work.orders] == [("not-here", 1, None)]


def test_lists_of_what_is_kept_load_no_bodies(tmp_path: Path) -> None:
    """A body may have megabytes, and a page of them filled the memory only to be counted."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet()
    with bureau.office.store.write() as connection:
        row = {
            "body": "año".encode(),
            "signature": b"s",
            "chain_id": "c",
            "verdict": "rejected",
            "reason": "r",
            "code": "revoked",
            "source": tablet.identity.tablet,
            "received_at": bureau.office.time(),
        }
        connection.execute(insert(schema.quarantine), [row, row])
    admin.revoke_tablet(bureau.office, tablet.identity.tablet, "lost")
    read: list[str] = []
    engine = bureau.office.store.engine
    event.listen(engine, "before_cursor_execute", lambda c, cursor, sql, *rest: read.append(sql))
    assert [one.size for one in quarantine.kept(bureau.office)] == [4, 4]
    assert [one.entries for one in kept.kept_entries(bureau.office)] == [2]
    assert read
    assert not any("quarantine.body" in sql.replace("length(quarantine.body)", "") for sql in read)
