"""What a link has done and has yet to do: cursors, inbox, outbox, and who works on it just now.

`link` is a key of `link_key` throughout: two projects of an office may call a link the same.
"""

from __future__ import annotations

import random
import traceback
from datetime import timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from workorders.clock import utc_text
from workorders.gateway.office import Office
from workorders.gateway.tables import mwm_cursor, mwm_inbox, mwm_order, mwm_outbox

FIRST_WAIT = 2.0
LONGEST_WAIT = 15 * 60.0
LEASE = timedelta(minutes=5)


def link_key(project: str, name: str) -> str:
    """Under which a link stands in the tables. A name has no slash (`workorders.mwm.settings.Name`)."""
    return f"{project}/{name}"


def fault(error: BaseException) -> str:
    """What went wrong and where, without the error's own words: they may quote a customer or a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _name(key: str) -> str:
    return key.rpartition("/")[2]


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How a link stands. `oldest`: since when the oldest message waits."""

    link: str
    taken: int = 0
    dead_in: int = 0
    waiting: int = 0
    sent: int = 0
    dead_out: int = 0
    oldest: str | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that somebody must look at. `way`: in, out."""

    link: str
    way: str
    key: str
    number: str | None
    code: str | None
    reason: str | None
    attempts: int
    at: str


def get_cursor(connection: Connection, link: str, name: str) -> str | None:
    """A value kept for a link."""
    table = mwm_cursor
    query = select(table.c.value).where(table.c.link == link, table.c.name == name)
    found: str | None = connection.execute(query).scalar()
    return found


def put_cursor(connection: Connection, link: str, name: str, value: str) -> None:
    """Keep a value for a link."""
    table = mwm_cursor
    same = (table.c.link == link) & (table.c.name == name)
    if connection.execute(update(table).where(same).values(value=value)).rowcount == 0:
        connection.execute(insert(table), {"link": link, "name": name, "value": value})


class Keeper:
    """The small values of one link (`workorders.mwm.port.Kept`), each in a transaction of its own."""

    def __init__(self, office: Office, link: str) -> None:
        self._office, self._link = office, link

    def get(self, name: str) -> str | None:
        with self._office.store.read() as connection:
            return get_cursor(connection, self._link, f"adapter.{name}")

    def put(self, name: str, value: str) -> None:
        with self._office.store.write() as connection:
            put_cursor(connection, self._link, f"adapter.{name}", value)


def take_lease(office: Office, link: str, owner: str) -> bool:
    """Whether `owner` may work on the link now: two processes would send everything twice."""
    now = office.now()
    with office.store.write() as connection:
        holder, _, until = (get_cursor(connection, link, "lease") or "").partition(" ")
        if holder not in {"", owner} and until > utc_text(now):
            return False
        put_cursor(connection, link, "lease", f"{owner} {utc_text(now + LEASE)}")
    return True


def give_lease_back(office: Office, link: str, owner: str) -> None:
    """Let another process go on at once."""
    with office.store.write() as connection:
        if (get_cursor(connection, link, "lease") or "").startswith(f"{owner} "):
            table = mwm_cursor
            connection.execute(delete(table).where(table.c.link == link, table.c.name == "lease"))


def wait_seconds(attempts: int, asked: float | None) -> float:
    """How long to wait after so many attempts: exponential with full jitter, never less than was asked."""
    most = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts, 20))
    return max(asked or 0.0, random.uniform(most / 4, most))


def put_off(office: Office, link: str, key: str, attempts: int, seconds: float, why: tuple[str, str]) -> None:
    """Try a message again later."""
    _set(office, link, key, "waiting", attempts, utc_text(office.now() + timedelta(seconds=seconds)), why)


def settle(
    office: Office, link: str, key: str, state: str, attempts: int, why: tuple[str | None, str | None]
) -> None:
    """A message is sent or dead."""
    _set(office, link, key, state, attempts, office.time(), why)


def _set(
    office: Office,
    link: str,
    key: str,
    state: str,
    attempts: int,
    next_at: str,
    why: tuple[str | None, str | None],
) -> None:
    table = mwm_outbox
    values = {
        "state": state,
        "attempts": attempts,
        "next_at": next_at,
        "code": why[0],
        "reason": why[1] and why[1][:1000],
    }
    with office.store.write() as connection:
        connection.execute(
            update(table).where(table.c.link == link, table.c.key == key).values(at=office.time(), **values)
        )


def retry(office: Office, link: str, key: str | None = None) -> tuple[int, int]:
    """Bring dead letters back: those out wait anew, those in are read from their original at the next round.

    Returns how many went out again, and how many in.
    """
    outbox, inbox = mwm_outbox, mwm_inbox
    out = (outbox.c.link == link) & (outbox.c.state == "dead")
    back = (inbox.c.link == link) & (inbox.c.state == "dead")
    if key is not None:
        out, back = out & (outbox.c.key == key), back & (inbox.c.key == key)
    with office.store.write() as connection:
        again = connection.execute(
            update(outbox).where(out).values(state="waiting", attempts=0, next_at=office.time())
        ).rowcount
        anew = connection.execute(update(inbox).where(back).values(state="retry")).rowcount
    return again, anew


def waiting(connection: Connection, link: str) -> int:
    """How many messages are still to be told."""
    table = mwm_outbox
    query = select(func.count()).where(table.c.link == link, table.c.state == "waiting")
    return connection.execute(query).scalar() or 0


def state_of(connection: Connection, link: str) -> LinkState:
    """Counts of one link."""
    counts: dict[tuple[str, str], int] = {}
    for way, table in (("in", mwm_inbox), ("out", mwm_outbox)):
        query = select(table.c.state, func.count()).where(table.c.link == link).group_by(table.c.state)
        counts |= {(way, row[0]): row[1] for row in connection.execute(query)}
    table = mwm_outbox
    oldest = select(func.min(table.c.at)).where(table.c.link == link, table.c.state == "waiting")
    return LinkState(
        link=_name(link),
        taken=counts.get(("in", "taken"), 0),
        dead_in=counts.get(("in", "dead"), 0) + counts.get(("in", "retry"), 0),
        waiting=counts.get(("out", "waiting"), 0),
        sent=counts.get(("out", "sent"), 0),
        dead_out=counts.get(("out", "dead"), 0),
        oldest=connection.execute(oldest).scalar(),
    )


def dead_letters(connection: Connection, link: str, limit: int = 100) -> list[DeadLetter]:
    """The dead letters of a link, oldest first."""
    inbox, outbox, orders = mwm_inbox, mwm_outbox, mwm_order
    found = [
        DeadLetter(
            link=_name(link), way="in", key=row.key, number=row.number, code=row.code, reason=row.reason,
            attempts=row.attempts, at=row.at,
        )
        for row in connection.execute(
            select(inbox)
            .where(inbox.c.link == link, inbox.c.state == "dead")
            .order_by(inbox.c.at)
            .limit(limit)
        )
    ]  # fmt: skip
    query = (
        select(outbox, orders.c.number)
        .outerjoin(orders, (orders.c.link == link) & (orders.c.order_id == outbox.c.order_id))
        .where(outbox.c.link == link, outbox.c.state == "dead")
        .order_by(outbox.c.position)
        .limit(limit)
    )
    found += [
        DeadLetter(
            link=_name(link), way="out", key=row.key, number=row.number, code=row.code, reason=row.reason,
            attempts=row.attempts, at=row.at,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
    return found[:limit]
