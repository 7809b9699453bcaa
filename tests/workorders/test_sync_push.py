"""Every pushed entry gets one verdict; what happened is never refused, what proves nothing has no effect."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from tests.workorders.offices import Bureau, Tablet
from workorders import people
from workorders.gateway import acts, admin, push
from workorders.journal import kinds
from workorders.journal.entry import Entry, Envelope, Realm, seal_entry, to_wire
from workorders.journal.said import seal_said
from workorders.journal.words import DeviceRole, JoinState, OrderStatus, PlaceOverride, Sealed
from workorders.people import Role
from workorders.store import keys, queries, schema
from workorders.store.verify import verify_store
from workorders.sync import wire
from workorders.sync.wire import VerdictKind

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.fixture
def tablet(bureau: Bureau) -> Tablet:
    tablet = bureau.tablet("A")
    tablet.sync()
    return tablet


def execute(tablet: Tablet, order_id: str, serial: str = "ZIV0000000001") -> list[Entry]:
    """A short exchange: started, old removed, new placed, joined, completed."""
    payloads: list[kinds.Payload] = [
        kinds.OrderStarted(procedure="exchange", procedure_version=1),
        kinds.DevicePlaced(serial=serial, model="prime-1ph", usage_point=f"U-{order_id[:4]}"),
        kinds.JoinChecked(serial=serial, state=JoinState.JOINED, how="optical"),
        kinds.OrderCompleted(record_hash="ab" * 32, blobs=[]),
    ]
    return [tablet.journal.append(payload, order_id=order_id, actor="ana") for payload in payloads]


def request(tablet: Tablet, raws: list[bytes], chain_id: str | None = None) -> wire.PushRequest:
    head = tablet.journal.head()
    assert head is not None
    return wire.PushRequest(
        chain_id=chain_id or head.chain_id,
        certificate=tablet.identity.certificate,
        entries=[msgspec.Raw(raw) for raw in raws],
    )


def raw(entry: Entry) -> bytes:
    return msgspec.json.encode(to_wire(entry))


def verdicts(tablet: Tablet, raws: list[bytes], chain_id: str | None = None) -> list[tuple[str, str]]:
    answer = push.push(tablet.bureau.office, request(tablet, raws, chain_id), tablet.identity.tablet)
    return [(str(item.verdict), item.code) for item in answer.verdicts]


def status(bureau: Bureau, order_id: str) -> str:
    with bureau.office.store.read() as connection:
        table = schema.work_order
        query = select(table.c.status).where(table.c.order_id == order_id)
        return str(connection.execute(query).scalar_one())


def kept(bureau: Bureau) -> list[tuple[str, str]]:
    table = schema.quarantine
    with bureau.office.store.read() as connection:
        rows = connection.execute(select(table.c.verdict, table.c.code).order_by(table.c.number))
        return [(row.verdict, row.code) for row in rows]


def test_an_executed_order_arrives_and_is_countersigned(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    execute(tablet, order_id)
    report = tablet.sync()
    assert report.verdicts == {"applied": 4}
    assert (report.pending, report.equal) == (0, True)
    assert status(bureau, order_id) == OrderStatus.COMPLETED
    assert tablet.sync().pushed == 0


def test_a_repeated_push_gets_the_stored_verdicts(bureau: Bureau, tablet: Tablet) -> None:
    """The answer to the first push was lost on the way."""
    entries = execute(tablet, tablet.order_ids()[0])
    raws = [raw(entry) for entry in entries]
    first = push.push(bureau.office, request(tablet, raws), tablet.identity.tablet)
    again = push.push(bureau.office, request(tablet, raws), tablet.identity.tablet)
    assert [item.verdict for item in again.verdicts] == [VerdictKind.DUPLICATE] * 4
    assert [item.server_seq for item in again.verdicts] == [item.server_seq for item in first.verdicts]
    assert again.head == first.head
    assert tablet.sync().verdicts == {"duplicate": 4}
    assert tablet.sync().equal is True


def resigned(tablet: Tablet, entry: Entry, **changes: object) -> Entry:
    """The entry with other fields, signed by the same tablet."""
    envelope: Envelope = msgspec.structs.replace(entry.envelope, **changes)
    return seal_entry(envelope, tablet.identity.signer())


def test_one_bad_entry_never_stops_those_behind_it(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    entries = execute(tablet, order_id)
    good = [raw(entry) for entry in entries]
    forged = to_wire(entries[1])
    other_key = seal_entry(entries[1].envelope, Ed25519PrivateKey.generate())
    new_id = {"id": "0198f000-0000-7000-8000-00000000000"}
    raws = [
        b'"not an entry"',
        b"{}",
        msgspec.json.encode(msgspec.structs.replace(forged, body=forged.body + " ")),
        raw(other_key),
        raw(resigned(tablet, entries[0], id=new_id["id"] + "1", realm=Realm.TRAINING)),
        raw(resigned(tablet, entries[0], id=new_id["id"] + "2", kind="order.approved", payload={})),
        raw(resigned(tablet, entries[0], id=new_id["id"] + "3", payload={"procedure": 7})),
        raw(resigned(tablet, entries[0], id=new_id["id"] + "4", chain_id=new_id["id"] + "4")),
        *good,
        raw(resigned(tablet, entries[0], order_version=99)),
    ]
    assert verdicts(tablet, raws) == [
        ("quarantined", "not_an_entry"),
        ("quarantined", "not_an_entry"),
        ("quarantined", "wrong_hash"),
        ("rejected", "wrong_signature"),
        ("rejected", "wrong_realm"),
        ("quarantined", "office_kind"),
        ("quarantined", "malformed_payload"),
        ("quarantined", "other_chain"),
        ("applied", "applied"),
        ("applied", "applied"),
        ("applied", "applied"),
        ("applied", "applied"),
        ("quarantined", "id_reused"),
    ]
    assert status(bureau, order_id) == OrderStatus.COMPLETED
    before = kept(bureau)
    assert len(before) == 9
    # The true entry came meanwhile, whatever a forged copy of it says.
    assert verdicts(tablet, raws[:5])[3:] == [("duplicate", "applied"), ("rejected", "wrong_realm")]
    assert kept(bureau) == before, "the same bytes are kept once"


def test_a_quarantined_entry_leaves_no_gap_in_what_the_office_proves(bureau: Bureau, tablet: Tablet) -> None:
    """Its bytes are kept under its number: `journal verify` at the office must not miss it."""
    order_id = tablet.order_ids()[0]
    tablet.journal.append(kinds.ExceptionDecided(exception_id="x", decision="accepted", reason="ours"))
    execute(tablet, order_id)
    assert tablet.sync().verdicts == {"applied": 4, "quarantined": 1}
    assert verify_store(bureau.office.store).problems == []


def test_a_certificate_that_is_none_is_answered_entry_by_entry(bureau: Bureau, tablet: Tablet) -> None:
    entry = execute(tablet, tablet.order_ids()[0])[0]
    asked = msgspec.structs.replace(request(tablet, [raw(entry)]), chain_id=entry.envelope.id)
    stranger = resigned(tablet, entry, chain_id=asked.chain_id)
    asked = msgspec.structs.replace(asked, certificate="§", entries=[msgspec.Raw(raw(stranger))])
    answer = push.push(bureau.office, asked, tablet.identity.tablet)
    assert [item.code for item in answer.verdicts] == ["certificate_malformed"]


def test_a_newer_kind_is_kept_and_relayed_without_effect(bureau: Bureau, tablet: Tablet) -> None:
    entry = execute(tablet, tablet.order_ids()[0])[0]
    newer = resigned(
        tablet, entry, id="0198f000-0000-7000-8000-000000000009", kind="meter.dreamt", schema=3, seq=900,
        prev_hash="ab" * 32,
    )  # fmt: skip
    assert verdicts(tablet, [raw(newer)]) == [("applied", "applied")]
    colleague = bureau.tablet("A", "t2")
    colleague.sync()
    with colleague.store.read() as connection:
        table = schema.entry
        query = select(func.count()).select_from(table).where(table.c.kind == "meter.dreamt")
        assert connection.execute(query).scalar() == 1


def test_two_entries_at_one_place_of_a_chain_are_both_kept_and_raised(bureau: Bureau, tablet: Tablet) -> None:
    """A tablet restored from a backup went on writing."""
    entry = execute(tablet, tablet.order_ids()[0])[0]
    twin = resigned(tablet, entry, id="0198f000-0000-7000-8000-000000000001", order_version=2)
    assert verdicts(tablet, [raw(entry), raw(twin)]) == [("conflict", "fork"), ("conflict", "fork")]
    with bureau.office.store.read() as connection:
        table = schema.exception
        assert connection.execute(select(table.c.kind)).scalars().all() == ["fork"]


def test_what_a_revoked_tablet_still_brings_is_rejected_and_kept(bureau: Bureau, tablet: Tablet) -> None:
    execute(tablet, tablet.order_ids()[0])
    admin.revoke_tablet(bureau.office, tablet.identity.tablet, "lost in a taxi")
    report = tablet.sync()
    assert (report.state, report.code, report.locked) == ("paused", "revoked", True)
    assert len(kept(bureau)) == 4, "what was unsent was handed over before the lock"
    entries = [raw(entry) for entry in execute(tablet, tablet.order_ids()[1])]
    assert verdicts(tablet, entries) == [("rejected", "revoked")] * 4
    assert len(kept(bureau)) == 8


def test_executed_offline_after_the_office_cancelled(bureau: Bureau, tablet: Tablet) -> None:
    order_id = tablet.order_ids()[0]
    acts.cancel_order(bureau.office, order_id, "duplicated order", actor="sofia")
    execute(tablet, order_id)
    report = tablet.sync()
    assert report.verdicts["conflict"] >= 1
    assert report.equal is True
    assert status(bureau, order_id) == OrderStatus.COMPLETED
    with bureau.office.store.read() as connection:
        raised = connection.execute(select(schema.exception.c.kind)).scalars().all()
    assert "executed_after_cancel" in raised


def said(tablet: Tablet, order_id: str, text: str = "label torn") -> Sealed:
    with tablet.store.read() as connection:
        return seal_said(keys.order_key(connection, order_id), text, order_id)


def override(tablet: Tablet, order_id: str, key: Ed25519PrivateKey, grant: str, role: Role) -> Entry:
    checked = tablet.journal.append(
        kinds.MatchChecked(role=DeviceRole.NEW, sources=[], verdict="mismatch"), order_id=order_id
    )
    reason = said(tablet, order_id)
    message = people.override_message(
        order_id=order_id, subject=checked.envelope.id, reason=reason, role=role, person="luz"
    )
    return tablet.journal.append(
        kinds.MatchOverridden(
            match_entry=checked.envelope.id,
            reason=reason,
            role=role,
            person="luz",
            public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
            grant=grant,
            signature=base64.b64encode(key.sign(message)).decode(),
        ),
        order_id=order_id,
        actor="luz",
    )


@pytest.mark.parametrize(
    ("role", "claimed", "stolen", "verdict"),
    [
        (Role.LEAD, Role.LEAD, False, "conflict"),
        (Role.INSTALLER, Role.INSTALLER, False, "override_not_allowed"),
        (Role.INSTALLER, Role.LEAD, False, "override_not_allowed"),
        (Role.LEAD, Role.LEAD, True, "override_not_proven"),
    ],
)
def test_an_override_counts_only_with_role_and_signature(
    bureau: Bureau, tablet: Tablet, role: Role, claimed: Role, stolen: bool, verdict: str
) -> None:
    key, thief = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    grant = people.Grant(
        person="luz", role=role, realm="demo", crew="A", project="demo",
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        issued_at="2026-01-01T00:00:00Z", expires_at="2036-01-01T00:00:00Z",
    )  # fmt: skip
    token = people.sign_grant(grant, bureau.office.key)
    entry = override(tablet, tablet.order_ids()[0], thief if stolen else key, token, claimed)
    told = verdicts(tablet, [raw(entry)])[0]
    assert verdict in told


def grant_of(bureau: Bureau, key: Ed25519PrivateKey, role: Role, ends: str = "2036-01-01T00:00:00Z") -> str:
    grant = people.Grant(
        person="luz", role=role, realm="demo", crew="A", project="demo",
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        issued_at="2026-01-01T00:00:00Z", expires_at=ends,
    )  # fmt: skip
    return people.sign_grant(grant, bureau.office.key)


def placed_over(tablet: Tablet, order_id: str, key: Ed25519PrivateKey, grant: str, at: str) -> Entry:
    """A placement at C1 whose override was signed for the collector `at`, claiming the role of a lead."""
    reason, subject = said(tablet, order_id), people.place_subject("ZIV1", at, None)
    message = people.override_message(
        order_id=order_id, subject=subject, reason=reason, role=Role.LEAD, person="luz"
    )
    override = PlaceOverride(
        reason=reason,
        role=Role.LEAD,
        person="luz",
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        grant=grant,
        signature=base64.b64encode(key.sign(message)).decode(),
    )
    placed = kinds.DevicePlaced(serial="ZIV1", model="prime-1ph", concentrator="C1", override=override)
    return tablet.journal.append(placed, order_id=order_id, actor="luz")


@pytest.mark.parametrize(
    ("role", "ends", "at", "code"),
    [
        (Role.LEAD, "2036-01-01T00:00:00Z", "C1", None),
        (Role.INSTALLER, "2036-01-01T00:00:00Z", "C1", "override_not_allowed"),
        (Role.LEAD, "2026-02-01T00:00:00Z", "C1", "grant_expired"),
        (Role.LEAD, "2036-01-01T00:00:00Z", "C2", "override_not_proven"),
    ],
)
def test_a_full_concentrator_is_passed_only_with_role_term_and_signature(
    bureau: Bureau, tablet: Tablet, role: Role, ends: str, at: str, code: str | None
) -> None:
    """The meter hangs there all the same: accepted as fact, one case for the supervisor with the reason."""
    key, order_id = Ed25519PrivateKey.generate(), tablet.order_ids()[0]
    entry = placed_over(tablet, order_id, key, grant_of(bureau, key, role, ends), at)
    kind = "override_not_proven" if code else "capacity_overridden"
    assert verdicts(tablet, [raw(entry)]) == [("conflict", kind)]
    with bureau.office.store.read() as connection:
        [row] = queries.exceptions(connection, order_id=order_id)
        [place] = queries.placements(connection, serial="ZIV1", standing_only=True)
    assert (row.kind, row.entry_id, row.detail.get("code")) == (kind, entry.envelope.id, code)
    assert (row.detail["reason"], row.detail["person"]) == ("label torn", "luz")
    assert place.concentrator == "C1"
    assert verify_store(bureau.office.store).ok
    tablet.sync()
    with tablet.store.read() as connection:
        assert [one.kind for one in queries.exceptions(connection, order_id=order_id)] == [kind]


def test_an_override_that_nobody_signed_is_a_fact_and_says_so(bureau: Bureau, tablet: Tablet) -> None:
    """Entries of the first schema carry only a reason; a tablet not yet updated still writes them."""
    order_id = tablet.order_ids()[0]
    old = kinds.DevicePlaced(serial="ZIV1", model="prime-1ph", concentrator="C1", capacity_override="urgent")
    entry = tablet.journal.append(old, order_id=order_id)
    assert verdicts(tablet, [raw(entry)]) == [("conflict", "override_not_proven")]


def test_a_body_that_cannot_be_read_is_kept(bureau: Bureau) -> None:
    push.keep_unreadable(bureau.office, os.urandom(50), "t1")
    assert kept(bureau) == [("quarantined", "unreadable_body")]


def test_another_tablets_chain_brought_by_usb_is_answered_to_its_author(
    bureau: Bureau, tablet: Tablet
) -> None:
    entries = execute(tablet, tablet.order_ids()[0])
    carrier = bureau.tablet("B", "t2")
    head = tablet.journal.head()
    assert head is not None
    told = push.push(
        bureau.office,
        request(tablet, [raw(entry) for entry in entries], head.chain_id),
        carrier.identity.tablet,
    )
    assert {item.verdict for item in told.verdicts} == {VerdictKind.APPLIED}
    # The author has not pushed since, and learns the verdicts by its pull.
    transport = tablet.transport()
    with tablet.store.read() as connection:
        cursor = connection.execute(select(schema.cursor.c.value)).scalar_one()
    page = transport.pull(str(cursor))
    assert {item.id for item in page.verdicts} == {entry.envelope.id for entry in entries}


def test_the_demo_realm_never_reaches_a_live_gateway(tmp_path: Path) -> None:
    live = Bureau.open(tmp_path / "live", realm=Realm.LIVE)
    demo = Bureau.open(tmp_path / "demo")
    tablet = demo.tablet("A")
    tablet.sync()
    entry = tablet.journal.append(kinds.OrderStarted(procedure="x", procedure_version=1), order_id="o")
    answer = push.push(live.office, request(tablet, [raw(entry)]), None)
    assert [(item.verdict, item.code) for item in answer.verdicts] == [(VerdictKind.REJECTED, "wrong_realm")]
