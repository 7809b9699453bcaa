"""Counters that never go back: DLMS invocation counters, the gateway's sequence.

A value is taken before it is used and is never given out again, whatever happens afterwards: with AES-GCM one
counter used twice under one key gives the key's secrets away.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, text, update

from workorders.store import schema
from workorders.store.engine import Store
from workorders.store.errors import StoreError

MAX_COUNTER = 2**32 - 1
"""What an invocation counter can hold (IEC 62056-5-3)."""

INVOCATION = "invocation/"


class CounterSpent(StoreError):
    """The counter is at its end; the key it counts for must be changed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "counter_spent", f"The counter {name} is used up.", "The meter's key must be changed."
        )


_NEXT = select(schema.counter.c.next_value).where(schema.counter.c.name == bindparam("of"))
_SET_NEXT = (
    update(schema.counter).where(schema.counter.c.name == bindparam("of")).values(next_value=bindparam("to"))
)


def reserve(
    connection: Connection, name: str, *, at_least: int = 0, count: int = 1, limit: int = 2**62
) -> int:
    """Take `count` values inside the caller's write transaction; returns the first.

    Args:
        at_least: what the counter must have reached (a meter said it already saw `at_least - 1`).

    Raises:
        CounterSpent: there are no `count` values left below `limit`.
    """
    if count < 1:
        raise ValueError("at least one value")
    if connection.dialect.name == "postgresql":
        return _reserve_at_once(connection, name, at_least, count, limit)
    table = schema.counter
    known = connection.execute(_NEXT, {"of": name}).scalar()
    first = max(at_least, known or 0)
    if first + count - 1 > limit:
        raise CounterSpent(name)
    if known is None:
        connection.execute(insert(table), {"name": name, "next_value": first + count})
    else:
        connection.execute(_SET_NEXT, {"of": name, "to": first + count})
    return first


_TAKE = text(
    "INSERT INTO counter AS c (name, next_value) VALUES (:of, :first) ON CONFLICT (name) DO UPDATE"
    " SET next_value = greatest(c.next_value, :at_least) + :count"
    " WHERE greatest(c.next_value, :at_least) + :count - 1 <= :limit RETURNING next_value"
)


def _reserve_at_once(connection: Connection, name: str, at_least: int, count: int, limit: int) -> int:
    if at_least + count - 1 > limit:
        raise CounterSpent(name)
    values = {"of": name, "first": at_least + count, "at_least": at_least, "count": count, "limit": limit}
    after = connection.execute(_TAKE, values).scalar()
    if after is None:
        raise CounterSpent(name)
    return int(after) - count


def reserve_counter(store: Store, name: str, at_least: int, count: int) -> int:
    """Take `count` invocation counter values, durably, in a transaction of its own; returns the first.

    Two programs that ask at once get different values; a crash loses values, never gives one twice.

    Raises:
        CounterSpent: see `MAX_COUNTER`.
        StoreError: the store cannot be written; then nothing was taken and nothing may be sent.
    """
    with store.write() as connection:
        return reserve(connection, f"{INVOCATION}{name}", at_least=at_least, count=count, limit=MAX_COUNTER)


def next_counter(store: Store, name: str) -> int:
    """The lowest value of an invocation counter that was never given; nothing is taken."""
    table = schema.counter
    with store.read() as connection:
        known = connection.execute(
            select(table.c.next_value).where(table.c.name == f"{INVOCATION}{name}")
        ).scalar()
    return int(known or 0)


def skip_invocation_counters(store: Store, count: int = 2**20) -> None:
    """Leave `count` values of every invocation counter unused: this store is an older copy of itself.

    Nobody knows what was taken after the copy was made; a million frames are more than a tablet sends to one
    meter in its life.
    """
    table = schema.counter
    with store.write() as connection:
        connection.execute(
            update(table)
            .where(table.c.name.startswith(INVOCATION, autoescape=True))
            .values(next_value=table.c.next_value + count)
        )
