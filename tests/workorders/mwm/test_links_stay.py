"""A link goes on: past a message that cannot be made, an order that cannot be taken, a database that is busy,
another project's link of the same name, and another process that took it over."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from tests.workorders.mwm.field import execute, links_file, open_file, state, virtual_mwm
from tests.workorders.offices import Bureau
from workorders.gateway import acts
from workorders.gateway.links import inward, ledger, loop, outward
from workorders.gateway.rows import order_mrid
from workorders.gateway.tables import mwm_cursor, mwm_inbox, mwm_order, mwm_outbox, project
from workorders.mwm.port import Change, Event, ForeignOrder, Verb
from workorders.store import migrations
from workorders.store.errors import store_error
from workorders.store.queries import order as order_query

W1 = order_mrid("demo", "W-1")
HOOK = ledger.link_key("demo", "hook")


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


def change(key: str, **said: Any) -> Change:
    """W-1 at a point that the project knows, and what a test says else."""
    told = {"number": "W-1", "kind": "exchange", "usage_point": "U3", "crew": "A"} | said
    return Change(key=key, verb=Verb.TAKE, order=ForeignOrder(**told), original=b"{}")


def test_a_message_that_cannot_be_made_is_put_aside_and_those_behind_it_go_out(
    bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with virtual_mwm() as server:
        link = open_file(bureau, links_file(tmp_path, server.url, "hook", "only_own = false"))
        for number in ("003", "005"):
            acts.cancel_order(bureau.office, order_mrid("demo", number), "x")
        post = link.port.post_event

        def choosy(event: Event) -> None:
            if event.about.number == "003":
                raise ValueError("Rosa Quispe's serial is not of the schema")
            post(event)

        monkeypatch.setattr(link.port, "post_event", choosy)
        report = link.round()
        assert (report.sent, report.dead, report.trouble) == (1, 1, None)
        with bureau.office.store.read() as connection:
            (letter,) = ledger.dead_letters(connection, HOOK)
        assert letter.code == "unfit"
        assert letter.reason is not None
        assert "ValueError" in letter.reason
        assert "Rosa" not in letter.reason, "an error's words may quote a customer"


def test_an_order_that_no_entry_can_be_made_of_holds_up_no_other(each_database: str, tmp_path: Path) -> None:
    """Half a surrogate is good JSON and no text; nothing of such an order stays, its key neither."""
    bureau = Bureau.open(tmp_path)
    bad, good = change("bad", notes="\ud800"), change("good")
    with bureau.office.store.read() as connection:
        keys_before = connection.execute(text("SELECT count(*) FROM order_key")).scalar()
    refused, issued = inward.take(bureau.office, "demo", HOOK, [bad, good])
    assert (refused.what, refused.code, issued.what) == ("refused", "unfit", "issued")
    with bureau.office.store.read() as connection:
        assert order_query(connection, W1) is not None
        assert connection.execute(text("SELECT count(*) FROM order_key")).scalar() == (keys_before or 0) + 1
        (letter,) = ledger.dead_letters(connection, HOOK)
    assert letter.key == "bad"


def test_a_busy_database_and_a_fault_of_ours_are_trouble_and_not_the_end(
    bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with virtual_mwm() as server:
        file = links_file(tmp_path, server.url, "hook", "only_own = false\nevery = 0.01")
        link = open_file(bureau, file)
        acts.cancel_order(bureau.office, order_mrid("demo", "003"), "x")
        faults = iter([store_error("busy", "The database is busy."), RuntimeError("Rosa")])
        gather = outward.gather

        def fails(*given: Any) -> int:
            for error in faults:
                raise error
            return gather(*given)

        monkeypatch.setattr(loop.outward, "gather", fails)
        monkeypatch.setattr(ledger, "FIRST_WAIT", 0.01)
        reports: list[loop.RoundReport] = []

        def told(report: loop.RoundReport) -> None:
            reports.append(report)
            if report.sent or len(reports) > 50:
                link.stop()

        link.run(told)
        first, second, third = reports[:3]
        assert "busy" in (first.trouble or "")
        assert (second.trouble or "").startswith("unexpected: RuntimeError")
        assert "Rosa" not in (second.trouble or "")
        assert (third.trouble, third.sent) == (None, 1)


def test_two_projects_may_call_a_link_the_same(bureau: Bureau, tmp_path: Path) -> None:
    """Neither takes the other's cursor, nor the keys of its messages."""
    with bureau.office.store.write() as connection:
        row = connection.execute(select(project)).one()._asdict()
        connection.execute(
            insert(project), row | {"project_id": "other", "data": row["data"] | {"id": "other"}}
        )
    with virtual_mwm() as server:
        settings = open_file(bureau, links_file(tmp_path, server.url, "hook", "only_own = false")).settings
    for which in ("demo", "other"):
        key = ledger.link_key(which, "hook")
        (outcome,) = inward.take(bureau.office, which, key, [change("MSG-1")])
        assert outcome.what == "issued", which
        acts.cancel_order(bureau.office, order_mrid(which, "W-1"), "x")
    for which in ("demo", "other"):
        assert outward.gather(bureau.office, which, settings) > 0, which
        with bureau.office.store.read() as connection:
            assert ledger.waiting(connection, ledger.link_key(which, "hook")) == 1, which


def test_what_stood_under_a_links_bare_name_is_kept(each_database: str, tmp_path: Path) -> None:
    """A database of before: nothing is told twice, and what waits is still told."""
    bureau = Bureau.open(tmp_path)
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "hook", "only_own = false")
        acts.cancel_order(bureau.office, order_mrid("demo", "003"), "x")
        assert open_file(bureau, path).round().sent == 1
        server.mwm.faults.rates["500"] = 1.0
        acts.cancel_order(bureau.office, order_mrid("demo", "005"), "x")
        assert open_file(bureau, path).round().put_off == 1
        server.mwm.faults.rates["500"] = 0.0
        with bureau.office.store.write() as connection:
            for table in (mwm_cursor, mwm_inbox, mwm_order, mwm_outbox):
                connection.execute(update(table).values(link="hook"))
            # This step alone: what later ones change is here already.
            migrations.migrate(connection, tuple(one for one in migrations.REVISIONS if one.name == "0011"))
        bureau.now.forward(minutes=20)
        report = open_file(bureau, path).round()
        assert (report.sent, state(bureau, "hook").sent) == (1, 2)


def test_a_link_that_another_process_took_over_is_left_to_it(
    bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side answers so slowly that the lease runs out in the middle of a round."""
    with virtual_mwm() as server:
        link = open_file(bureau, links_file(tmp_path, server.url, "hook", "only_own = false"))
        tablet = bureau.tablet("A")
        tablet.sync()
        execute(tablet, order_mrid("demo", "000"))
        for number in ("003", "005"):
            acts.cancel_order(bureau.office, order_mrid("demo", number), "x")
        post = link.port.post_event
        steps = itertools.count(step=200)
        monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(steps)))

        def slow(event: Event) -> None:
            post(event)
            bureau.now.forward(minutes=6)
            assert ledger.take_lease(bureau.office, HOOK, "other")

        monkeypatch.setattr(link.port, "post_event", slow)
        assert link.round().sent == 1
        assert state(bureau, "hook").waiting > 1
