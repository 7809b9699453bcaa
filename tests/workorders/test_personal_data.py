"""Personal data stands sealed, opens only with its order's key, and an erasure leaves no way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from tests.workorders.record_support import KEY, an_order, issued, new_journal, new_store
from workorders.journal import kinds
from workorders.journal.sealing import (
    Erased,
    KeyMissing,
    SealError,
    field_context,
    new_order_key,
    seal_blob,
    seal_text,
    unseal_blob,
    unseal_text,
)
from workorders.orders import Customer
from workorders.store import keys, projection, queries, schema, settings
from workorders.store.engine import Store, open_store
from workorders.store.verify import export_lines, verify_store

CUSTOMER = Customer(name="Juana Quispe Mamani", document="40123456", address="Jr. Túpac Amaru 123", phone="9")
ORDER_KEY = new_order_key()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as opened:
        yield opened


def with_order(store: Store, *, key_here: bool = True) -> None:
    if key_here:
        with store.write() as connection:
            keys.put_order_key(connection, "o1", ORDER_KEY)
    journal = new_journal(store)
    journal.append(issued(an_order("o1"), ORDER_KEY, CUSTOMER), order_id="o1")


def erase(store: Store) -> None:
    new_journal(store).append(kinds.PersonalErased(key_ids=[ORDER_KEY.key_id], reason="request"))


def test_an_order_without_a_customer_is_not_told_as_erased(store: Store) -> None:
    """A sheet's order without name and address stood in the crew's list as erased."""
    with_order(store)
    journal = new_journal(store)
    journal.append(issued(an_order("o2"), ORDER_KEY, Customer()), order_id="o2")
    with store.read() as connection:
        assert keys.erased_of(connection, ["o1", "o2"]) == set()
    erase(store)
    with store.read() as connection:
        assert keys.erased_of(connection, ["o1", "o2"]) == {"o1"}
    keys.finish_erasures(store)
    with store.read() as connection:
        assert keys.erased_of(connection, ["o1", "o2"]) == {"o1"}


def found(store: Store, words: str) -> int:
    with store.read() as connection:
        return queries.count_orders(connection, search=words)


@given(st.text(max_size=40), st.text(max_size=20))
def test_a_sealed_text_opens_only_where_it_belongs(text: str, other: str) -> None:
    context = field_context("o1", "customer.name")
    sealed = seal_text(ORDER_KEY, text, context)
    assert unseal_text(ORDER_KEY, sealed, context) == text
    with pytest.raises(SealError):
        unseal_text(new_order_key(), sealed, context)
    with pytest.raises(SealError):
        unseal_text(ORDER_KEY, sealed, field_context("o2", f"customer.{other}"))
    assert seal_text(ORDER_KEY, text, context).ciphertext != sealed.ciphertext


@given(st.binary(max_size=200), st.data())
def test_a_sealed_blob_opens_whole_or_not_at_all(data: bytes, draw: st.DataObject) -> None:
    sealed = seal_blob(ORDER_KEY, data)
    assert unseal_blob(ORDER_KEY, sealed) == data
    at = draw.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for broken in (changed, sealed[:at], b""):
        with pytest.raises(SealError):
            unseal_blob(ORDER_KEY, broken)


def test_a_key_never_shows_itself() -> None:
    assert ORDER_KEY.key.hex() not in repr(ORDER_KEY)
    assert str(ORDER_KEY.key) not in str(ORDER_KEY)


def test_with_the_key_the_customer_is_read_and_found(store: Store) -> None:
    with_order(store)
    with store.read() as connection:
        detail = queries.order(connection, "o1")
    assert detail is not None
    assert (detail.customer, detail.customer_state, detail.row.address) == (
        CUSTOMER,
        "open",
        CUSTOMER.address,
    )
    assert found(store, "tupac amaru") == found(store, "QUISPE") == found(store, "Mamani 123") == 1


def test_a_key_that_comes_later_makes_the_customer_readable(store: Store) -> None:
    with_order(store, key_here=False)
    assert found(store, "quispe") == 0
    with store.write() as connection:
        assert keys.put_order_key(connection, "o1", ORDER_KEY)
    assert found(store, "quispe") == 1


def indexed_and_waiting(store: Store) -> tuple[list[str], int]:
    with store.read() as connection:
        texts = connection.exec_driver_sql("SELECT search FROM order_search").scalars().all()
        return list(texts), len(connection.execute(select(schema.order_text_waiting)).all())


def test_a_text_goes_into_the_index_once_with_the_customer_in_it(store: Store) -> None:
    """To take each text of a first download out of the index again took a third of its time."""
    with_order(store, key_here=False)
    assert indexed_and_waiting(store) == ([], 1)
    assert found(store, "OT-o1") == found(store, "o1") == found(store, "ot- o1") == 1
    assert found(store, "OT-o1 elsewhere") == found(store, "o2") == 0
    projection.rebuild(store)
    assert indexed_and_waiting(store) == ([], 1)
    with store.write() as connection:
        keys.put_order_key(connection, "o1", ORDER_KEY)
    (text,), waiting = indexed_and_waiting(store)
    assert ("Juana" in text, waiting, found(store, "OT-o1")) == (True, 0, 1)
    erase(store)
    (text,), waiting = indexed_and_waiting(store)
    assert ("Juana" in text, waiting, found(store, "OT-o1")) == (False, 0, 1)


def test_an_order_asks_for_each_key_not_for_each_field(store: Store) -> None:
    with_order(store)
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        if "FROM order_key" in arguments[2]:
            asked.append(arguments[2])

    event.listen(store.engine, "before_cursor_execute", note)
    with store.read() as connection:
        assert queries.order(connection, "o1") is not None
    assert len(asked) == 2, "one to open the customer, one to say how it stands"


def test_without_the_key_the_order_can_still_be_worked_on(store: Store) -> None:
    with_order(store, key_here=False)
    with store.read() as connection:
        detail = queries.order(connection, "o1")
        with pytest.raises(KeyMissing):
            keys.order_key(connection, "o1")
    assert detail is not None
    assert (detail.customer, detail.customer_state) == (Customer(), "missing")
    assert found(store, "OT-o1") == 1


def test_an_erasure_destroys_key_plain_text_and_drafts_and_the_chain_still_holds(store: Store) -> None:
    with_order(store)
    with store.write() as connection:
        settings.set_draft(connection, "o1", "notes", {"text": "Juana is deaf"})
    erase(store)
    with store.read() as connection:
        detail = queries.order(connection, "o1")
        with pytest.raises(Erased):
            keys.order_key(connection, "o1")
        assert settings.draft(connection, "o1", "notes") is None
        dump = str([connection.execute(table.select()).all() for table in schema.metadata.sorted_tables])
        index = str(connection.exec_driver_sql("SELECT search FROM order_search").all())
    assert detail is not None
    assert (detail.customer, detail.customer_state, detail.row.number) == (Customer(), "erased", "OT-o1")
    assert "Quispe" not in dump + index
    assert "Juana" not in dump + index
    assert found(store, "quispe") == 0
    assert verify_store(store).ok


def test_an_erased_key_is_never_taken_back(store: Store) -> None:
    with_order(store)
    erase(store)
    with store.write() as connection:
        assert not keys.put_order_key(connection, "o1", ORDER_KEY)
    projection.rebuild(store)
    with store.read() as connection, pytest.raises(Erased):
        keys.key_by_id(connection, ORDER_KEY.key_id)


def test_an_erasure_that_arrives_before_the_key_holds(store: Store) -> None:
    erase(store)
    with store.write() as connection:
        assert not keys.put_order_key(connection, "o1", ORDER_KEY)
    with_order(store, key_here=False)
    with store.read() as connection:
        detail = queries.order(connection, "o1")
    assert detail is not None
    assert detail.customer_state == "erased"


def test_after_a_checkpoint_the_erased_key_is_not_in_the_decrypted_file(store: Store, tmp_path: Path) -> None:
    with_order(store)
    erase(store)
    store.checkpoint()
    path = store.path
    store.close()
    with open_store(path, KEY, role="tablet") as again, again.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        plain = tmp_path / "plain.db"
        driver.execute("PRAGMA query_only = 0")
        driver.execute("COMMIT")
        driver.execute("ATTACH DATABASE ? AS plain KEY ''", (str(plain),))
        driver.execute("SELECT sqlcipher_export('plain')")
        driver.execute("DETACH DATABASE plain")
        driver.execute("BEGIN")
    data = plain.read_bytes()
    assert b"OT-o1" in data
    assert ORDER_KEY.key not in data
    assert b"Quispe" not in data


def test_an_export_never_holds_a_plain_name(store: Store) -> None:
    with_order(store)
    with store.read() as connection:
        text = b"\n".join(export_lines(connection))
    assert b"order.issued" in text
    assert b"Quispe" not in text
    assert b"40123456" not in text


def test_an_expired_key_is_forgotten_but_may_come_again(store: Store) -> None:
    with_order(store)
    with store.write() as connection:
        keys.put_order_key(connection, "o1", ORDER_KEY, expires_at="2026-12-01T00:00:00.000Z")
        assert keys.forget_expired(connection, "2026-11-30T00:00:00.000Z") == 0
        assert keys.forget_expired(connection, "2026-12-01T00:00:00.000Z") == 1
    assert found(store, "quispe") == 0
    with store.write() as connection:
        assert keys.put_order_key(connection, "o1", ORDER_KEY)
    assert found(store, "quispe") == 1
