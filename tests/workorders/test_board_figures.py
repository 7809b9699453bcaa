"""The figures that a server keeps are those that a count gives, whatever was changed in whichever order."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from tests.workorders import offices
from tests.workorders.offices import Bureau
from tests.workorders.test_sync_push import execute
from workorders.clock import utc_text
from workorders.gateway import acts, heard
from workorders.gateway.board import board_of, orders_behind
from workorders.network.orphans import orphans
from workorders.rollout import figures, listing
from workorders.rollout.listing import Listing
from workorders.store import projection, schema
from workorders.store.engine import Store
from workorders.store.queries import OrderRow


def a_day_of_work(bureau: Bureau) -> None:
    """Orders executed, returned, cancelled; meters heard, silent, never heard, heard elsewhere."""
    a, b = bureau.tablet("A", "ta"), bureau.tablet("B", "tb")
    a.sync()
    b.sync()
    for number, order_id in enumerate(a.order_ids()[:3]):
        execute(a, order_id, serial=f"ZIV{number:010d}")
    execute(b, b.order_ids()[0], serial="ZIV0000000009")
    a.sync()
    b.sync()
    acts.return_order(bureau.office, a.order_ids()[0], "photo missing", actor="sofia")
    acts.cancel_order(bureau.office, b.order_ids()[1], "withdrawn", actor="sofia")
    list_of = "serial;heard_at;concentrator\n{rows}"
    rows = (
        "ZIV0000000000;2026-02-27T01:00;C1\nZIV0000000001;2026-03-02T01:00;C2\nNOBODYS;2026-03-01T01:00;C1\n"
    )
    heard.take_heard(bureau.office, "demo", list_of.format(rows=rows).encode())
    # Mounted long ago, as far as the tables tell: so that ages pass their limits on either database alike.
    with bureau.office.store.write() as connection:
        before = "2026-02-01T12:34:56.000Z"
        connection.execute(schema.placement.update(), {"since": before, "concentrator": "C1"})
        joins = schema.join_state
        connection.execute(
            joins.update().where(joins.c.serial == "ZIV0000000009"),
            {
                "placed_at": before,
                "first_joined_at": "2026-02-02T12:34:56.000Z",
            },
        )
        connection.execute(
            joins.update().where(joins.c.serial == "ZIV0000000002"),
            {
                "placed_at": before,
                "first_joined_at": None,
                "heard_at": None,
            },
        )
        done = schema.work_order.c.completed_at.is_not(None)
        connection.execute(
            schema.work_order.update().where(done), {"completed_at": "2026-03-01T04:59:59.999Z"}
        )


def shown(bureau: Bureau) -> dict[str, object]:
    bureau.now.forward(hours=1)
    bureau.now.moment = bureau.now.moment.replace(day=3)
    board = msgspec.to_builtins(board_of(bureau.office, "demo"))
    with bureau.office.store.read() as connection:
        found = orphans(connection, now=utc_text(bureau.now() + timedelta(days=1)), project="demo")
    lists = msgspec.to_builtins(found)
    assert all(lists["counts"].values()), "each list has something on it"
    return {**board, "lists": lists}


def without_chance(found: dict[str, object]) -> str:
    """As text, without what differs between two runs: times of the machine and ids."""
    body = msgspec.json.encode(found, order="sorted").decode()
    return re.sub(r'"(order_id|placed_at)":"[^"]*"', r'"\1":"-"', body)


def test_a_server_shows_the_board_of_a_file(tmp_path: Path, postgres_url: str) -> None:
    file = Bureau.open(tmp_path / "file")
    with offices.on_server(lambda: postgres_url):
        server = Bureau.open(tmp_path / "server")
    a_day_of_work(file)
    a_day_of_work(server)
    one, other = shown(file), shown(server)

    assert without_chance(other) == without_chance(one)
    # Folded from nothing, the rows come back through the same triggers.
    projection.rebuild(server.office.store)
    before = kept(server.office.store)
    with server.office.store.write() as connection:
        connection.execute(text("SELECT board_rebuild()"))
    assert kept(server.office.store) == before


def test_many_orders_behind_a_figure_are_paged_as_few_are(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many, a server sorts no page: it walks them by schedule. The page and the number are the same."""
    with offices.on_server(lambda: postgres_url):
        bureau = Bureau.open(tmp_path / "server")
    a_day_of_work(bureau)
    shown(bureau)
    bureau.now.forward(hours=24)

    def pages() -> list[list[tuple[int, list[OrderRow]]]]:
        return [
            [orders_behind(bureau.office, "demo", which, 2, offset) for offset in (0, 2)] for which in Listing
        ]

    few = pages()
    monkeypatch.setattr(listing, "FEW", -1)
    assert pages() == few
    assert sum(total for (total, _), *_ in few) > 2


def kept(store: Store) -> list[list[tuple[object, ...]]]:
    """All rows of all kept figures, without those that came to nothing."""
    found = []
    with store.read() as connection:
        assert figures.kept_here(connection)
        for query in (
            "SELECT * FROM figure_status WHERE number <> 0 ORDER BY 1, 2, 3, 4, 5",
            "SELECT * FROM figure_day WHERE done <> 0 OR not_done <> 0 ORDER BY 1, 2",
            "SELECT * FROM figure_clock WHERE number <> 0 ORDER BY 1, 2, 3",
            "SELECT * FROM figure_join WHERE number <> 0 ORDER BY 1, 2, 3",
            "SELECT * FROM site ORDER BY entry_id",
        ):
            found.append([tuple(row) for row in connection.execute(text(query))])
    assert all(found)
    return found


@pytest.mark.usefixtures("each_database")
def test_clocks_are_computed_once_and_again_after_an_order_was_folded(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    first = board_of(bureau.office, "demo")
    assert sum(first.rules[0].states.values()) == 8
    with bureau.office.store.read() as connection:
        assert connection.execute(schema.sla_due.select()).first() is None
    tablet = bureau.tablet("A")
    tablet.sync()
    execute(tablet, tablet.order_ids()[0])
    tablet.sync()
    with bureau.office.store.read() as connection:
        assert len(connection.execute(schema.sla_due.select()).all()) == 1
    again = board_of(bureau.office, "demo")
    assert again.rules[0].states != first.rules[0].states
