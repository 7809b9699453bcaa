"""The form of an entry cannot be mended later: what is written reads back, and nothing else reads at all."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.workorders.record_support import Author
from workorders.journal import kinds
from workorders.journal.canonical import MAX_DEPTH, NotCanonical, canonical_bytes, normalise, parse_canonical
from workorders.journal.entry import (
    MAX_BODY_BYTES,
    Entry,
    EntryError,
    export_line,
    from_wire,
    read_entry,
    seal_entry,
    signature_holds,
    to_wire,
)
from workorders.journal.lifts import PayloadError, lift, read_payload
from workorders.journal.words import OrderStatus

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Two keys that differ only before normalisation are refused, and have their own test.
keys = texts.map(lambda text: unicodedata.normalize("NFC", text))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


def normal(value: Any) -> Any:
    """The value with NFC text, by other means than the code under test."""
    return json.loads(unicodedata.normalize("NFC", json.dumps(value, ensure_ascii=False)))


def an_entry(**payload: Any) -> Entry:
    return Author().write(kinds.StepDone(step="photo", answers=payload), order_id="o1")


@given(values)
def test_canonical_form_reads_back_and_is_the_only_one(value: Any) -> None:
    data = canonical_bytes(value)
    assert parse_canonical(data) == normal(value)
    assert canonical_bytes(parse_canonical(data)) == data
    spaced = json.dumps(json.loads(data), ensure_ascii=False, indent=1).encode()
    if spaced != data:
        with pytest.raises(NotCanonical):
            parse_canonical(spaced)


@given(values)
def test_the_fast_way_writes_what_the_published_algorithm_writes(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(normalise(value))


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1.5}',
        b'{"a":1e2}',
        b'{"a":9007199254740993}',
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'"e\xcc\x81"',
        b'"\\u0061"',
        b"\xef\xbb\xbf{}",
        b"{}\n",
        b"-0",
        b'"\xff"',
        b'"\\ud800"',
        b"",
    ],
)
def test_whatever_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**53, b"x", {1: 2}, {"é": 1, "e\u0301": 2}, "\ud800", object()]
)
def test_what_has_no_canonical_form_is_named(value: Any) -> None:
    with pytest.raises(NotCanonical, match=r"\$"):
        canonical_bytes({"deep": [value]})


def test_nesting_has_a_limit_of_its_own_not_of_the_machine() -> None:
    fits: Any = "x"
    for _ in range(MAX_DEPTH):
        fits = [fits]
    assert parse_canonical(canonical_bytes(fits)) == fits
    with pytest.raises(NotCanonical, match="nested"):
        canonical_bytes([fits])
    with pytest.raises(NotCanonical):
        parse_canonical(b"[" * 100_000 + b"]" * 100_000)


def test_keys_are_sorted_by_utf_16_as_rfc_8785_says() -> None:
    # The published vector, without the one key whose NFC is another text.
    names = ["\u20ac", "\r", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical_bytes(dict.fromkeys(names, 0))))
    assert found == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600"]


@given(st.dictionaries(keys, texts, max_size=5))
def test_an_entry_survives_the_wire_and_is_still_signed(answers: dict[str, str]) -> None:
    author = Author()
    entry = author.write(kinds.StepDone(step="s", answers=answers), order_id="o1")
    again = from_wire(msgspec.json.decode(msgspec.json.encode(to_wire(entry)), type=type(to_wire(entry))))
    assert again == entry
    assert signature_holds(again, author.key.public_key())
    assert not signature_holds(again, Ed25519PrivateKey.generate().public_key())


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    entry = an_entry(reading="004471.9")
    position = data.draw(st.integers(0, len(entry.body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != entry.body[position]))
    body = entry.body[:position] + bytes([byte]) + entry.body[position + 1 :]
    with pytest.raises(EntryError, match="hash"):
        read_entry(body, entry.hash, entry.signature)
    # And with the hash made to fit, the signature does not.
    digest = hashlib.sha256(body).hexdigest()
    forged = Entry(body=body, hash=digest, signature=entry.signature, envelope=entry.envelope)
    assert not signature_holds(forged, Author().key.public_key())


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("v", 2, "unknown_version"),
        ("v", "1", "malformed"),
        ("id", "01A20BD1-0000-7000-8000-000000000000", "malformed"),
        ("id", "not-a-uuid", "malformed"),
        ("chain_id", "", "malformed"),
        ("seq", -1, "malformed"),
        ("seq", 5, "malformed"),
        ("seq", True, "malformed"),
        ("prev_hash", "00", "malformed"),
        ("realm", "play", "malformed"),
        ("kind", "", "malformed"),
        ("kind", "step done", "malformed"),
        ("schema", 0, "malformed"),
        ("payload", [], "malformed"),
        ("time", {"device": "2026-13-01T00:00:00.000Z", "monotonic_ms": 0, "boot_id": "b"}, "malformed"),
        ("time", {"device": "2026-11-01T00:00:00Z", "monotonic_ms": 0, "boot_id": "b"}, "malformed"),
        ("time", {"device": "2026-11-01T00:00:00.000+00:00", "monotonic_ms": 0, "boot_id": "b"}, "malformed"),
    ],
)
def test_an_envelope_has_one_spelling(field: str, value: Any, code: str) -> None:
    plain = json.loads(an_entry().body)
    plain[field] = value
    body = canonical_bytes(plain)
    with pytest.raises(EntryError) as caught:
        read_entry(body, hashlib.sha256(body).hexdigest(), b"")
    assert caught.value.code == code


def test_a_field_of_a_later_version_is_kept_as_signed() -> None:
    plain = json.loads(an_entry().body)
    plain["weather"] = "rain"
    body = canonical_bytes(plain)
    entry = read_entry(body, hashlib.sha256(body).hexdigest(), b"")
    assert b'"weather":"rain"' in export_line(entry)


def test_an_exported_line_gives_back_the_signed_body() -> None:
    entry = an_entry(note="año")
    line = json.loads(export_line(entry))
    assert line.pop("hash") == entry.hash
    assert line.pop("signature") == msgspec.to_builtins(entry.signature)
    assert canonical_bytes(line) == entry.body


def test_an_entry_that_is_too_large_is_not_written() -> None:
    with pytest.raises(EntryError) as caught:
        an_entry(text="x" * MAX_BODY_BYTES)
    assert caught.value.code == "too_large"


def test_a_signature_of_wrong_length_is_just_wrong() -> None:
    entry = an_entry()
    for signature in (b"", b"\x00" * 63, b"\x00" * 64, entry.signature + b"\x00"):
        other = read_entry(entry.body, entry.hash, signature)
        assert not signature_holds(other, Author().key.public_key())


def test_every_kind_has_its_own_name_and_reads_back_what_it_wrote() -> None:
    names = [kind.KIND for kind in kinds.PAYLOADS.values()]
    assert len(names) == len(set(names)) >= 25
    for name, kind in kinds.PAYLOADS.items():
        assert name == kind.KIND
        assert kind.SCHEMA >= 1


def test_a_newer_kind_or_schema_is_not_guessed_at() -> None:
    author = Author()
    newer_kind = author.write(kinds.StepDone(step="s", answers={}), kind="drone.flown")
    newer_schema = author.write(kinds.StepDone(step="s", answers={}), schema=2)
    assert read_payload(newer_kind.envelope) is None
    assert read_payload(newer_schema.envelope) is None


def test_a_known_kind_with_wrong_fields_says_which() -> None:
    entry = Author().write(kinds.OrderProgressed(status=OrderStatus.ENROUTE), kind="meter.read")
    with pytest.raises(PayloadError, match=r"meter\.read"):
        read_payload(entry.envelope)


def test_an_old_schema_is_lifted_step_by_step_without_touching_the_bytes() -> None:
    lifts = {
        ("x", 1): lambda plain: plain | {"b": plain["a"] + 1},
        ("x", 2): lambda plain: {"c": plain["b"]},
    }
    before = {"a": 1}
    assert lift("x", 1, before, 3, lifts) == {"c": 2}
    assert before == {"a": 1}
    with pytest.raises(PayloadError):
        lift("x", 1, before, 4, lifts)


def test_sealing_an_entry_checks_what_it_writes() -> None:
    entry = an_entry()
    broken = msgspec.structs.replace(entry.envelope, id="nonsense")
    with pytest.raises(EntryError):
        seal_entry(broken, Ed25519PrivateKey.generate())
