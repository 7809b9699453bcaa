"""Rows by the many: on a file and on a server the same rows, and no row in what an error says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, literal_column, select

from tests.support.postgres import MASTER_KEY
from tests.workorders.record_support import new_store
from workorders.store import projection, schema
from workorders.store.asking import ask
from workorders.store.bulk import among, insert_listed, put_rows, take_away
from workorders.store.engine import Store
from workorders.store.replacing import replacement
from workorders.store.server import open_server

TABLE = schema.step_state
AWKWARD = ["", "\\N", "a\tb\n\\c", "é ñ 漢 😀", '"quoted", {braces}', "\\."]


@pytest.fixture(params=["file", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "file":
        with new_store(tmp_path, "gateway") as opened:
            yield opened
    else:
        with open_server(request.getfixturevalue("postgres_url"), MASTER_KEY) as opened:
            yield opened


def row(number: int, words: str) -> dict[str, Any]:
    return {
        "order_id": f"o{number % 3}",
        "step": f"s{number}",
        "position": number,
        "answers": {"said": words, "n": number},
        "sealed": {},
        "seconds": None if number % 2 else 2**40,
        "revisions": 0,
        "entry_id": f"e{number}",
        "actor": words or None,
        "at": "2026-11-24T12:00:00.000Z",
        "no_column": "a fold notes more than it shows",
    }


def test_rows_put_in_together_read_as_rows_put_in_by_themselves(store: Store) -> None:
    rows = [row(number, words) for number, words in enumerate(AWKWARD)]
    shown = [{name: value for name, value in each.items() if name != "no_column"} for each in rows]
    with store.write() as connection:
        put_rows(connection, TABLE, rows)
        together = connection.execute(select(TABLE).order_by(TABLE.c.position)).mappings().all()
        take_away(connection, [(TABLE.c.order_id, "orders")], orders=["o0", "o1", "o2", "o3"])
        assert connection.execute(select(TABLE)).all() == []
        for each in shown:
            connection.execute(insert(TABLE), each)
        apart = connection.execute(select(TABLE).order_by(TABLE.c.position)).mappings().all()
    assert [dict(each) for each in together] == [dict(each) for each in apart] == shown


def test_a_list_may_be_longer_than_a_statement_may_have_parameters(store: Store) -> None:
    many = range(70_000)
    with store.write() as connection:
        put_rows(connection, TABLE, [row(number, "x") for number in range(6)])
        found = select(TABLE.c.position).where(among(TABLE.c.position, "at"))
        assert len(connection.execute(found, {"at": list(many)}).all()) == 6
        due = schema.sla_due
        for _ in range(2):
            put = insert_listed(connection.dialect.name, due.c.order_id, "orders")
            connection.execute(put, {"orders": [f"o{number}" for number in range(10)]})
        assert len(connection.execute(select(due)).all()) == 10
        take_away(
            connection, [(TABLE.c.step, "steps"), (due.c.order_id, "ids")], steps=["s1"], ids=["o7", "o8"]
        )
        assert len(connection.execute(select(TABLE)).all()) == 5
        assert len(connection.execute(select(due)).all()) == 8


KEYS = [(TABLE.c.order_id, "keys"), (schema.exception.c.scope, "scopes")]


def case(number: int) -> dict[str, Any]:
    named = dict.fromkeys(["project", "order_id", "serial", "entry_id"])
    said = {"kind": "fork", "severity": "look", "detail": {"n": number}, "raised_at": "2026-11-24"}
    return {"exception_id": f"x{number}", "scope": "order:o1", **named, **said}


def test_what_is_replaced_at_once_is_as_if_taken_away_and_put_in(postgres_url: str) -> None:
    """Of what stays the same not even a row's version changes: only what is new is written."""
    text = [row(number, words) for number, words in enumerate(AWKWARD * 2)]
    later = [*text[1:6], text[7] | {"answers": {"said": "other"}, "seconds": None}]
    mine = [each for each in later if each["order_id"] in ("o0", "o1")]
    with open_server(postgres_url, MASTER_KEY) as store, store.write() as connection:
        put_rows(connection, TABLE, text)
        put_rows(connection, schema.exception, [case(1), case(2)])
        versions = select(TABLE.c.step, literal_column("xmin::text"), literal_column("ctid::text"))
        before = {step: version for step, *version in connection.execute(versions)}
        rows = {"step_state": mine, "exception": [case(2), case(3)]}
        step = replacement(connection, KEYS, rows, keys=["o0", "o1"], scopes=["order:o1"])
        assert step is not None
        ask(connection, step)
        after = {step: version for step, *version in connection.execute(versions)}
        there = connection.execute(select(TABLE).order_by(TABLE.c.position)).mappings().all()
        cases = connection.execute(select(schema.exception.c.exception_id)).scalars().all()
    kept = [each for each in text if each["order_id"] == "o2"]
    wanted = sorted([*kept, *mine], key=lambda each: each["position"])
    assert [dict(each) for each in there] == [
        {name: value for name, value in each.items() if name != "no_column"} for each in wanted
    ]
    assert sorted(cases) == ["x2", "x3"]
    assert [step for step in after if after[step] != before[step]] == ["s7"]


def test_text_that_no_server_holds_goes_the_longer_way(postgres_url: str) -> None:
    rows = {"step_state": [row(1, "a\0b")], "exception": []}
    with open_server(postgres_url, MASTER_KEY) as store, store.write() as connection:
        assert replacement(connection, KEYS, rows, keys=["o1"], scopes=[]) is None
        put_rows(connection, TABLE, rows["step_state"])
        assert connection.execute(select(TABLE.c.actor)).scalar() == "a␀b"


def test_what_is_asked_together_is_answered_in_turn(store: Store) -> None:
    """Each statement sees what those before have written; the first that fails says why."""
    write = insert(TABLE)
    read = select(TABLE.c.position, TABLE.c.answers).order_by(TABLE.c.position)
    shown = {name: value for name, value in row(1, "x").items() if name != "no_column"}
    with store.write() as connection:
        none, one, _, two = ask(
            connection, (read, {}), (write, shown), (write, shown | {"step": "s2", "position": 2}), (read, {})
        )[:4]
        assert [list(none), list(one), [each.position for each in two]] == [[], [], [1, 2]]
        assert two[0].answers == {"said": "x", "n": 1}
    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as connection:
        ask(connection, (write, shown), (read, {}))


def test_rows_that_are_refused_are_not_quoted(store: Store) -> None:
    rows = [row(1, "Juana Quispe"), row(2, "x"), row(1, "Juana Quispe")]
    with pytest.raises(Exception, match=r"(?i)unique") as refused, store.write() as connection:
        put_rows(connection, TABLE, rows)
    assert "Juana" not in f"{refused.value} {refused.value.__cause__}"
    with store.read() as connection:
        assert connection.execute(select(TABLE)).all() == []


def test_what_is_named_by_a_list_is_looked_up_and_no_table_is_walked(tmp_path: Path) -> None:
    """SQLite walked every entry there is for each page of orders or devices that was folded."""
    asked: list[tuple[str, Any]] = []
    with new_store(tmp_path, "gateway") as store:
        note = lambda *given: asked.append((given[2], given[3]))  # noqa: E731  # the event's form
        event.listen(store.engine, "before_cursor_execute", note)
        with store.write() as connection:
            projection.refold_orders(connection, ["o1", "o2"])
            projection.refold_serials(connection, ["s1", "s2"])
            event.remove(store.engine, "before_cursor_execute", note)
            listed = [(said, given) for said, given in asked if "json_each" in said]
            plans = {
                said: [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given)]
                for said, given in listed
            }
    assert len(plans) >= 10
    for said, plan in plans.items():
        assert [step for step in plan if step.startswith("SCAN") and "json_each" not in step] == [], said
        assert "entry_kind" not in str(plan), said


def test_what_a_server_refuses_is_told_without_the_row(postgres_url: str) -> None:
    """Its detail quotes the key or the whole row, and a gateway logs what it could not take."""
    quoted = row(1, "x") | {"step": "step of a customer"}
    with open_server(postgres_url, MASTER_KEY) as store, store.write() as connection:
        put_rows(connection, TABLE, [quoted])
    with (
        open_server(postgres_url, MASTER_KEY) as store,
        pytest.raises(Exception, match="unique") as caught,
        store.write() as connection,
    ):
        put_rows(connection, TABLE, [quoted])
    assert "customer" not in str(caught.value)
