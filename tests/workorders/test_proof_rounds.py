"""Rounds of asking: every device in its turn, and silence counts only where somebody answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from drivers.concentrators.errors import ConcentratorRefused, ConcentratorUnreachable
from drivers.concentrators.lookup import LookupUnauthorised, SeenDevice
from fieldtool import proofs
from fieldtool.proofs import ConcentratorSource, LookupSource, Sources, poll
from tests.workorders.offices import Bureau
from workorders.gateway.proof import Waits
from workorders.store import schema

SERVER = LookupSource(name="ns", url="http://ns.example", token="env:NS")
LONG_AGO = "2026-01-01T00:00:00.000Z"


def stand(bureau: Bureau, number: int, concentrator: str | None = None) -> None:
    """Devices that stand and wait to be heard for a month already; with a DevEUI where there is no
    concentrator."""
    rows = [f"M{at:04d}" for at in range(number)] if concentrator is None else [f"{concentrator}-1"]
    with bureau.office.store.write() as connection:
        for at, serial in enumerate(rows):
            identities = {} if concentrator else {"dev_eui": f"{at:016X}"}
            common = {"serial": serial, "identities": identities}
            where = {
                "entry_id": serial,
                "project": "demo",
                "since": LONG_AGO,
                "disputed": False,
                "order_id": "o",
            }
            connection.execute(insert(schema.placement).values(**common, **where, concentrator=concentrator))
            connection.execute(insert(schema.device).values(**common, state="installed", at=LONG_AGO))
            waiting = {"serial": serial, "state": "pending", "how": "none", "at": LONG_AGO, "evidence": {}}
            connection.execute(insert(schema.join_state).values(**waiting, placed_at=LONG_AGO))


def failed(bureau: Bureau) -> set[str]:
    join = schema.join_state
    with bureau.office.store.read() as connection:
        return set(connection.execute(select(join.c.serial).where(join.c.state == "failed")).scalars())


def answering(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], SeenDevice | Exception | None]
) -> list[int]:
    """The server answers by the number of the device; returns who was asked."""
    asked: list[int] = []

    def look(url: str, identity: str, token: str) -> SeenDevice | None:
        asked.append(int(identity, 16))
        found = answer(asked[-1])
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(proofs.lookup, "look_up", look)
    return asked


def never_heard(number: int) -> SeenDevice:
    return SeenDevice(identity=f"{number:016X}", last_seen=None)


def ask(bureau: Bureau, sources: Sources, *, whole: bool = False, waits: Waits | None = None) -> proofs.Round:
    return poll(bureau.office, "demo", sources, waits or Waits(), lambda name: "token", whole=whole)


def test_a_server_is_asked_for_all_devices_in_turn_however_many_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each_database: str
) -> None:
    """Those never heard came first each time, and nobody behind the first 500 was ever asked."""
    bureau = Bureau.open(tmp_path / "office")
    monkeypatch.setattr(proofs, "LOOKED_UP_AT_ONCE", 5)
    stand(bureau, 12)
    asked = answering(monkeypatch, never_heard)
    sources, patient = Sources(lookup=[SERVER]), Waits(failed_hours=100_000)
    for expected, more in (([0, 1, 2, 3, 4], True), ([5, 6, 7, 8, 9], True), ([10, 11], False)):
        found = ask(bureau, sources, waits=patient).asked
        assert (asked, [one.more for one in found]) == (expected, [more])
        asked.clear()
    assert ask(bureau, sources, waits=patient).asked == [], "all were asked: now it waits its time"
    bureau.now.forward(minutes=61)
    (one,) = ask(bureau, sources, whole=True, waits=patient).asked
    assert (asked, one.more, one.report and one.report.seen) == (list(range(12)), False, 12)
    bureau.office.store.close()


def test_one_device_that_cannot_be_asked_for_costs_no_other_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each_database: str
) -> None:
    """A server answers 401 for a device it does not have; of an answer that is none, nothing follows."""
    bureau = Bureau.open(tmp_path / "office")
    stand(bureau, 6)
    heard = SeenDevice(identity="5", last_seen=datetime.now(UTC))
    answers = {1: LookupUnauthorised(), 2: None, 3: ConcentratorRefused(detail="HTTP 400"), 5: heard}
    bureau.now.moment = datetime.now(UTC)
    answering(monkeypatch, lambda number: answers.get(number, never_heard(number)))
    found = ask(bureau, Sources(lookup=[SERVER]))
    (one,) = found.asked
    assert one.report is not None
    assert (one.report.seen, one.report.silent, one.report.reported) == (5, 4, 1)
    assert one.error == "concentrator-refused: The concentrator refused the request. (1 of 6 devices)"
    assert failed(bureau) == {"M0000", "M0001", "M0002", "M0004"}
    bureau.office.store.close()


def test_a_source_that_does_not_answer_makes_nobody_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each_database: str
) -> None:
    """A wrong token, a server or a concentrator that is away: its devices still wait."""
    bureau = Bureau.open(tmp_path / "office")
    stand(bureau, 30)
    stand(bureau, 1, "C1")
    stand(bureau, 1, "C2")
    answering(monkeypatch, lambda number: LookupUnauthorised())
    nobody = ConcentratorSource(node="C1", url="http://127.0.0.1:9/")
    sources = Sources(lookup=[SERVER], concentrator=[nobody])
    codes = [(one.error or "").split(":")[0] for one in ask(bureau, sources).asked]
    assert codes == ["concentrator-unreachable", "lookup-unauthorised"]
    assert failed(bureau) == {"C2-1"}, "nobody asks for that one: time decides"
    bureau.now.forward(minutes=61)
    asked = answering(monkeypatch, lambda number: ConcentratorUnreachable())
    ask(bureau, sources)
    assert asked == list(range(10)), "a server that is down is not asked for every device"
    bureau.now.forward(minutes=6)
    asked = answering(monkeypatch, never_heard)
    ask(bureau, sources)
    assert asked == list(range(10, 30)), "it goes on behind them"
    assert failed(bureau) == {"C2-1", *(f"M{at:04d}" for at in range(10, 30))}
    bureau.office.store.close()
