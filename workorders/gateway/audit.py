"""Who did what in the office, when, and from where: written before an act begins, completed at its end.

An act that leaves no outcome was cut: whether it had its effect the journal says. Rows are only ever added.
What stands here names people of the office and things by id, never a customer, a reason or a secret.
"""

from __future__ import annotations

import logging

import msgspec
from sqlalchemy import insert, select, update

from workorders.gateway.office import Office
from workorders.gateway.tables import office_act

MAX_ACTS = 1000
_SHOWN = 200
_log = logging.getLogger(__name__)


class OfficeAct(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `outcome`: `done`, a status of HTTP or a stable code; absent: it was cut, or runs."""

    number: int
    at: str
    who: str
    role: str
    act: str
    object: str | None
    source: str
    outcome: str | None
    ended_at: str | None


def begin(office: Office, *, who: str, role: str, act: str, source: str, object: str | None = None) -> int:
    """Note durably that an act begins; returns its number.

    Args:
        who: id of the person; of a command line, the account and machine; `-` where nobody signed in.
        act: the request (`POST /v1/orders/{order_id}/cancel`) or the command (`gateway users add`).
        object: what it is about, by id.
        source: the address that it came from, or `command line`.
    """
    with office.store.write(alone=False) as connection:
        done = connection.execute(
            insert(office_act).values(
                at=office.time(),
                who=who[:_SHOWN],
                role=role,
                act=act,
                source=source[:_SHOWN],
                object=object[:_SHOWN] if object else None,
            )
        )
        key = done.inserted_primary_key
    assert key is not None
    return int(key[0])


def end(office: Office, number: int, outcome: str) -> None:
    """Note what came of an act. A database that cannot is told to the log: the act itself is done."""
    try:
        with office.store.write(alone=False) as connection:
            connection.execute(
                update(office_act)
                .where(office_act.c.number == number)
                .values(outcome=outcome[:_SHOWN], ended_at=office.time())
            )
    except Exception:
        _log.exception("the outcome of act %s could not be noted: %s", number, outcome)


def acts(
    office: Office, *, before: int | None = None, who: str | None = None, limit: int = 100
) -> list[OfficeAct]:
    """What was done, newest first.

    Args:
        before: only acts with a lower number (the last of the page before).
        who: only those of one person.
    """
    query = select(office_act).order_by(office_act.c.number.desc()).limit(min(limit, MAX_ACTS))
    if before is not None:
        query = query.where(office_act.c.number < before)
    if who is not None:
        query = query.where(office_act.c.who == who)
    with office.store.read() as connection:
        return [OfficeAct(**row) for row in connection.execute(query).mappings()]
