"""Small values beside the record: settings by name, and drafts of steps not yet accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from workorders.clock import utc_text
from workorders.journal.canonical import Json
from workorders.store import schema


def setting(connection: Connection, name: str) -> Json:
    """The value of a setting; None if it was never set."""
    table = schema.setting
    value: Json = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
    return value


def set_setting(connection: Connection, name: str, value: Json) -> None:
    """Set a setting; None takes it away."""
    table = schema.setting
    connection.execute(delete(table).where(table.c.name == name))
    if value is not None:
        connection.execute(insert(table), {"name": name, "value": value})


def draft(connection: Connection, order_id: str, step: str) -> dict[str, Any] | None:
    """What was typed into a step before it was accepted."""
    table = schema.draft
    query = select(table.c.answers).where(table.c.order_id == order_id, table.c.step == step)
    answers: dict[str, Any] | None = connection.execute(query).scalar()
    return answers


def set_draft(connection: Connection, order_id: str, step: str, answers: dict[str, Any]) -> None:
    """Keep what is typed so far; it survives the program."""
    table = schema.draft
    same = (table.c.order_id == order_id) & (table.c.step == step)
    values = {"answers": answers, "at": utc_text(datetime.now(UTC))}
    if connection.execute(update(table).where(same).values(values)).rowcount == 0:
        connection.execute(insert(table), values | {"order_id": order_id, "step": step})


def clear_drafts(connection: Connection, order_id: str, step: str | None = None) -> None:
    """Forget drafts of one step, or of the whole order; usually in the transaction of its entry."""
    table = schema.draft
    query = delete(table).where(table.c.order_id == order_id)
    connection.execute(query if step is None else query.where(table.c.step == step))
