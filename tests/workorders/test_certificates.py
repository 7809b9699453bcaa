"""A certificate proves what it says, to those who hold the right root, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from workorders import certificates, people, sealedbox
from workorders.certificates import CertificateError, Holder, Subject
from workorders.journal.entry import Realm

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLET = Subject(
    id="tablet-7", holder=Holder.TABLET, realm=Realm.LIVE, crew="norte", system_title="46544C0000000007"
)


def authority(realm: Realm = Realm.LIVE) -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.generate()
    return key, certificates.new_root(key, realm, "gateway-1", NOW)


def test_a_tablets_certificate_names_it_and_its_key() -> None:
    root_key, root = authority()
    key = Ed25519PrivateKey.generate()
    der = certificates.issue(root_key, root, TABLET, key.public_key(), NOW)
    subject, public = certificates.verify_chain(der, root, realm=Realm.LIVE, holder=Holder.TABLET, at=NOW)
    assert subject == TABLET
    assert public.public_bytes_raw() == key.public_key().public_bytes_raw()
    assert certificates.from_pem(certificates.pem(der)) == der


@pytest.mark.parametrize(
    ("realm", "holder", "at", "code"),
    [
        (Realm.TRAINING, Holder.TABLET, NOW, "wrong_realm"),
        (Realm.LIVE, Holder.OFFICE, NOW, "wrong_holder"),
        (Realm.LIVE, Holder.TABLET, NOW + timedelta(days=4 * 365), "expired"),
    ],
)
def test_a_certificate_is_refused_where_it_has_no_force(
    realm: Realm, holder: Holder, at: datetime, code: str
) -> None:
    root_key, root = authority()
    der = certificates.issue(root_key, root, TABLET, Ed25519PrivateKey.generate().public_key(), NOW)
    with pytest.raises(CertificateError) as refused:
        certificates.verify_chain(der, root, realm=realm, holder=holder, at=at)
    assert refused.value.code == code


def test_another_gateways_certificate_and_an_altered_one_are_refused() -> None:
    root_key, root = authority()
    _, other_root = authority()
    der = certificates.issue(root_key, root, TABLET, Ed25519PrivateKey.generate().public_key(), NOW)
    with pytest.raises(CertificateError) as refused:
        certificates.verify_chain(der, other_root, realm=Realm.LIVE)
    assert refused.value.code in {"wrong_signature", "wrong_issuer"}
    altered = der.replace(b"norte", b"norti")
    with pytest.raises(CertificateError) as refused:
        certificates.verify_chain(altered, root, realm=Realm.LIVE)
    assert refused.value.code == "wrong_signature"


@given(st.binary(max_size=300))
def test_any_bytes_are_answered_with_a_typed_error(data: bytes) -> None:
    _, root = authority()
    with pytest.raises(CertificateError):
        certificates.verify_chain(data, root, realm=Realm.LIVE)


@given(plain=st.binary(max_size=500), position=st.integers(min_value=0))
def test_a_sealed_box_opens_for_its_recipient_and_purpose_only(plain: bytes, position: int) -> None:
    recipient = X25519PrivateKey.generate()
    box = sealedbox.seal_to(recipient.public_key(), plain, b"order-keys")
    assert sealedbox.open_sealed(recipient, box, b"order-keys") == plain
    where = position % len(box)
    altered = box[:where] + bytes([box[where] ^ 1]) + box[where + 1 :]
    for key, data, context in (
        (X25519PrivateKey.generate(), box, b"order-keys"),
        (recipient, box, b"meter-secrets"),
        (recipient, altered, b"order-keys"),
        (recipient, box[:40], b"order-keys"),
    ):
        with pytest.raises(sealedbox.SealedBoxError):
            sealedbox.open_sealed(key, data, context)


def grant(key: Ed25519PrivateKey) -> people.Grant:
    return people.Grant(
        person="p-1",
        name="Rosa Quispe",
        role=people.Role.LEAD,
        realm="live",
        crew="norte",
        project="cusco",
        public_key=people._b64(key.public_key().public_bytes_raw()),
        issued_at="2026-03-01T00:00:00Z",
        expires_at="2026-04-01T00:00:00Z",
    )


def test_a_grant_holds_only_signed_in_its_realm_and_time() -> None:
    office, person = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    token = people.sign_grant(grant(person), office)
    assert people.verify_grant(token, office.public_key(), at=NOW, realm="live") == grant(person)
    late, early = NOW + timedelta(days=60), NOW - timedelta(days=60)
    other = Ed25519PrivateKey.generate().public_key()
    for bad_token, key, at, realm, code in (
        (token, office.public_key(), late, "live", "expired"),
        (token, office.public_key(), early, "live", "not_yet_valid"),
        (token, office.public_key(), NOW, "training", "wrong_realm"),
        (token, other, NOW, "live", "wrong_signature"),
        (token[:-8] + "AAAAAAAA", office.public_key(), NOW, "live", "wrong_signature"),
        ("ñ", office.public_key(), NOW, "live", "malformed"),
    ):
        with pytest.raises(people.GrantError) as refused:
            people.verify_grant(bad_token, key, at=at, realm=realm)
        assert refused.value.code == code


def test_a_person_key_opens_with_its_pin_only() -> None:
    key = Ed25519PrivateKey.generate()
    locked = people.lock_key("481605", key)
    assert people.unlock_key("481605", locked).private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(people.WrongPin):
        people.unlock_key("481606", locked)
    for weak in ("12345", "111111", "123456", "987654", "12345a", "١٢٣٤٥٦"):
        with pytest.raises(people.WeakPin):
            people.check_pin(weak)
