"""A tablet and a gateway that never met prove themselves to each other by a one-time code."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.workorders.offices import Bureau, Tablet
from workorders import people
from workorders.clock import SystemClock
from workorders.gateway import enrolment as office_side
from workorders.gateway.direct import DirectTransport
from workorders.gateway.enrolment import create_enrolment_code, create_recovery_code
from workorders.journal.entry import Realm
from workorders.people import LockedKey
from workorders.store import schema
from workorders.store.engine import open_store
from workorders.sync import wire
from workorders.sync.codes import (
    CodeError,
    EnrolTicket,
    new_code,
    parse_code,
    parse_ticket,
)
from workorders.sync.enrolment import deposit_key, enrol, journal_of, recover_key
from workorders.sync.errors import EnrolmentError, NotAccepted, SyncError, WrongGateway


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path, pins={"ana": "481605"})


def join(bureau: Bureau, ticket: EnrolTicket, name: str = "t", realm: Realm = Realm.DEMO) -> Tablet:
    store = open_store(bureau.folder / name / "tablet.db", b"t" * 32, role="tablet")
    identity = enrol(store, DirectTransport(bureau.office, bureau.files), ticket, name=name, realm=realm)
    return Tablet(bureau, store, identity, bureau.files)


def ticket(bureau: Bureau, crew: str = "A") -> EnrolTicket:
    issued = create_enrolment_code(bureau.office, crew=crew, project="demo", url="https://office.example")
    assert issued.qr is not None
    return parse_ticket(issued.qr)


def test_an_enrolled_tablet_has_all_it_needs_to_work_without_signal(bureau: Bureau) -> None:
    tablet = join(bureau, ticket(bureau))
    with tablet.store.read() as connection:
        person = connection.execute(select(schema.person)).one()
        chain = connection.execute(select(schema.chain)).one()
    assert (person.person_id, person.role) == ("ana", "installer")
    locked = msgspec.json.decode(person.key, type=LockedKey)
    key = people.unlock_key("481605", locked)
    grant = people.verify_grant(
        person.grant, tablet.identity.office_key(), at=bureau.now(), realm=tablet.identity.realm
    )
    assert base64.b64decode(grant.public_key) == key.public_key().public_bytes_raw()
    assert (chain.own, chain.active, chain.certificate) == (True, True, tablet.identity.certificate_der())


def test_each_tablet_has_a_client_system_title_of_its_own(bureau: Bureau) -> None:
    titles = [join(bureau, ticket(bureau), f"t{n}").identity.system_title for n in range(3)]
    assert len(set(titles)) == 3
    assert all(bytes.fromhex(title).startswith(b"FTL") and len(title) == 16 for title in titles)


def test_a_code_works_once_and_for_a_day(bureau: Bureau) -> None:
    used = ticket(bureau)
    join(bureau, used)
    with pytest.raises(NotAccepted) as refused:
        join(bureau, used, "second")
    assert refused.value.code == "unknown_code"
    old = ticket(bureau)
    bureau.now.forward(hours=24.1)
    with pytest.raises(NotAccepted) as refused:
        join(bureau, old, "third")
    assert refused.value.code == "unknown_code"


def test_wrong_proofs_void_a_code(bureau: Bureau) -> None:
    good = ticket(bureau)
    wrong = msgspec.structs.replace(good, code=type(good.code)(good.code.id, "0" * 20))
    for attempt in range(office_side.MAX_FAILURES):
        with pytest.raises(NotAccepted):
            join(bureau, wrong, f"w{attempt}")
    with pytest.raises(NotAccepted):
        join(bureau, good, "late")


def test_another_realm_or_another_gateway_is_refused_before_anything_is_asked(
    bureau: Bureau, tmp_path: Path
) -> None:
    with pytest.raises(WrongGateway) as refused:
        join(bureau, ticket(bureau), realm=Realm.LIVE)
    assert refused.value.code == "wrong_realm"
    elsewhere = msgspec.structs.replace(ticket(bureau), root="0" * 64)
    with pytest.raises(WrongGateway):
        join(bureau, elsewhere)


class Between(DirectTransport):
    """Somebody on the way who answers with a root of their own."""

    def enrol(self, request: wire.EnrolRequest) -> wire.EnrolAnswer:
        answer = super().enrol(request)
        statement = msgspec.json.decode(answer.statement)
        statement["recovery_key"] = base64.b64encode(bytes(32)).decode()
        return wire.EnrolAnswer(statement=msgspec.json.encode(statement).decode(), proof=answer.proof)


def test_an_answer_altered_on_the_way_is_not_believed(bureau: Bureau) -> None:
    store = open_store(bureau.folder / "m" / "tablet.db", b"t" * 32, role="tablet")
    with pytest.raises(EnrolmentError):
        enrol(store, Between(bureau.office, bureau.files), ticket(bureau), name="m", realm=Realm.DEMO)


def test_the_tablet_must_hold_the_key_it_asks_for(bureau: Bureau) -> None:
    good = ticket(bureau)

    class Thief(DirectTransport):
        def enrol(self, request: wire.EnrolRequest) -> wire.EnrolAnswer:
            signature = Ed25519PrivateKey.generate().sign(request.statement.encode())
            text = base64.b64encode(signature).decode()
            return super().enrol(msgspec.structs.replace(request, signature=text))

    store = open_store(bureau.folder / "k" / "tablet.db", b"t" * 32, role="tablet")
    with pytest.raises(SyncError) as refused:
        enrol(store, Thief(bureau.office, bureau.files), good, name="k", realm=Realm.DEMO)
    assert refused.value.code == "key_not_proven"


def test_enrolling_again_begins_a_chain_that_names_the_old_head(bureau: Bureau) -> None:
    first = join(bureau, ticket(bureau), "t")
    head = first.journal.head()
    first.store.close()
    again = join(bureau, ticket(bureau), "t")
    with again.store.read() as connection:
        query = select(schema.entry).where(schema.entry.c.kind == "chain.begun").order_by(schema.entry.c.at)
        entries = connection.execute(query).all()
    begun = msgspec.json.decode(entries[1].body)["payload"]
    assert head is not None
    assert begun["previous_head"] == {"chain_id": head.chain_id, "hash": head.hash, "seq": head.seq}
    assert begun["reason"] == "enrolled_again"
    report = again.sync()
    assert (report.equal, report.pending, report.verdicts["applied"] >= 2) == (True, 0, True)
    assert again.sync().pushed == 0, "the old chain is not sent again and again"


def test_a_chain_is_begun_later_if_the_program_ended_in_between(bureau: Bureau) -> None:
    tablet = join(bureau, ticket(bureau))
    heads = {journal_of(tablet.store, tablet.identity, SystemClock()).head() for _ in range(2)}
    assert len(heads) == 1


def test_a_lost_database_key_comes_back_with_an_administrators_code(bureau: Bureau) -> None:
    tablet = join(bureau, ticket(bureau))
    deposit_key(tablet.transport(), tablet.identity, b"t" * 32)
    code = parse_code(create_recovery_code(bureau.office, tablet.identity.tablet).code)
    stranger = DirectTransport(bureau.office, bureau.files)
    with pytest.raises(NotAccepted):
        recover_key(stranger, new_code(), tablet.identity.tablet)
    other = join(bureau, ticket(bureau), "other")
    with pytest.raises(NotAccepted):
        recover_key(stranger, code, other.identity.tablet)
    assert recover_key(stranger, code, tablet.identity.tablet) == b"t" * 32
    with pytest.raises(NotAccepted):
        recover_key(stranger, code, tablet.identity.tablet)


@given(st.text(max_size=40))
def test_any_text_is_a_code_or_a_clear_error(text: str) -> None:
    try:
        code = parse_code(text)
    except CodeError:
        return
    assert parse_code(str(code)) == code


def test_a_code_is_read_as_people_type_it() -> None:
    code = new_code()
    typed = str(code).lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert parse_code(typed) == code
    with pytest.raises(CodeError):
        parse_ticket("https://example.org/?code=1")
