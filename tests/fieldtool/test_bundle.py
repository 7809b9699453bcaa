"""A hand-over opens for its recipient only, whole only, and only from a tablet of this office."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fieldtool import bundle
from fieldtool.errors import JobError
from workorders import certificates
from workorders.certificates import Holder, Subject
from workorders.journal.entry import Realm

NOW = datetime.now(UTC)
ROOT_KEY, TABLET_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
ROOT = certificates.new_root(ROOT_KEY, Realm.LIVE, "11" * 16, NOW)
CERTIFICATE = certificates.issue(
    ROOT_KEY,
    ROOT,
    Subject(id="t-1", holder=Holder.TABLET, realm=Realm.LIVE),
    TABLET_KEY.public_key(),
    NOW,
)
OFFICE = X25519PrivateKey.generate()


def written(items: list[tuple[bytes, bytes]], signer: Ed25519PrivateKey = TABLET_KEY) -> bytes:
    def header(recipients: list[bundle.Recipient], nonce: str) -> bundle.Header:
        return bundle.Header(
            v=1,
            id=bundle.new_id(),
            number=1,
            tablet="t-1",
            realm=Realm.LIVE,
            project=None,
            created_at="2026-11-24T12:00:00.000Z",
            entries=len(items),
            blobs=0,
            certificate=base64.b64encode(CERTIFICATE).decode(),
            recipients=recipients,
            nonce=nonce,
        )

    file = io.BytesIO()
    writer = bundle.BundleWriter(file, header, {"gateway": OFFICE.public_key()}, signer)
    for tag, data in items:
        writer.add(tag, data)
    writer.close()
    return file.getvalue()


def read(
    data: bytes, opener: X25519PrivateKey = OFFICE, realm: Realm = Realm.LIVE
) -> list[tuple[bytes, bytes]]:
    return list(bundle.BundleReader(io.BytesIO(data), ROOT, realm).items(opener))


ITEMS = st.lists(st.tuples(st.sampled_from([b"C", b"E", b"B"]), st.binary(max_size=300)), max_size=8)


@given(ITEMS)
def test_what_goes_in_comes_out(items: list[tuple[bytes, bytes]]) -> None:
    assert read(written(items)) == items


def test_items_larger_than_a_frame_come_out_whole() -> None:
    large = (bundle.BLOB, bytes(range(256)) * 10_000)
    assert read(written([large, (bundle.ENTRY, b"{}")])) == [large, (bundle.ENTRY, b"{}")]


@given(st.data())
def test_a_byte_changed_or_an_end_cut_off_never_gives_anything_else(data: st.DataObject) -> None:
    items = [(bundle.ENTRY, b"x" * 50), (bundle.BLOB, b"y" * 50)]
    whole = written(items)
    if data.draw(st.booleans(), "cut"):
        spoilt = whole[: data.draw(st.integers(0, len(whole) - 1), "length")]
    else:
        at = data.draw(st.integers(0, len(whole) - 1), "at")
        spoilt = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255), "bits")]) + whole[at + 1 :]
    try:
        # The last letter of a base64 text has spare bits: changing those changes nothing that is said.
        assert read(spoilt) == items
    except JobError:
        return


def test_what_follows_the_end_is_found() -> None:
    """A stick with gigabytes behind a good hand-over must not look like one."""
    for more in (b"\0", written([(bundle.ENTRY, b"x")])):
        with pytest.raises(JobError) as caught:
            read(written([(bundle.ENTRY, b"x")]) + more)
        assert caught.value.code == "bundle_damaged"


def test_it_opens_for_its_recipient_only() -> None:
    with pytest.raises(JobError) as caught:
        read(written([]), opener=X25519PrivateKey.generate())
    assert caught.value.code == "bundle_not_for_us"


def test_another_signer_and_another_realm_are_refused() -> None:
    with pytest.raises(JobError) as caught:
        read(written([], signer=Ed25519PrivateKey.generate()))
    assert caught.value.code == "bundle_unknown_sender"
    with pytest.raises(JobError) as caught:
        read(written([]), realm=Realm.TRAINING)
    assert caught.value.code == "realm_mixed"
