"""The balance at a totalizer as a crew makes it: macro meter, each meter, macro meter again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers import errors
from drivers.reading import Reading
from fieldtool.balancing import watts_of
from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure.views import BalanceBody
from fieldtool.run import ProcedureRun
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.scripted import Meter, ScriptedSession
from tests.fieldtool.test_jobs import codes, job_world
from tests.fieldtool.test_jobs_network import TOTALIZER
from tests.fieldtool.world import World
from workorders.journal.kinds import DevicePlaced
from workorders.journal.words import ReadingValue, TaskKind

POWER = "3:1.0.1.7.0.255:2"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = job_world(
        tmp_path,
        monkeypatch,
        TaskKind.INSTALL_TOTALIZER,
        old_asset=None,
        program_values={"ct_ratio": "400/5"},
    )
    for serial in ("A1", "B2"):
        placed = DevicePlaced(
            serial=serial, model="prime-1ph", usage_point=f"U{serial}", transformer="CT-28101"
        )
        with world.store.write() as connection:
            w.keys.put_order_key(connection, f"order-{serial}", w.new_order_key())
        world.journal.append(placed, order_id=f"order-{serial}")
    return world


def at_balance(world: World) -> ProcedureRun:
    run = world.run()
    work(run, TOTALIZER, until="balance")
    return run


def read(run: ProcedureRun, serial: str, watts: str, unit: str = "W") -> BalanceBody:
    """The probe on one meter."""
    power = Reading(item=POWER, name="power", value=watts, unit=unit)
    for port in ScriptedSession.field:
        ScriptedSession.field[port] = Meter(serial=serial, momentary=[power])
    run.read_power()
    return shown(run)


def shown(run: ProcedureRun) -> BalanceBody:
    view = run.view(Language.ES).current
    assert view is not None
    assert isinstance(view.body, BalanceBody)
    return view.body


def test_it_goes_from_the_macro_meter_to_each_and_back_and_keeps_what_was_measured(world: World) -> None:
    run = at_balance(world)
    assert shown(run).next == w.NEW_SERIAL
    assert read(run, w.NEW_SERIAL, "2.005", "kW").next == "A1"
    assert read(run, "A1", "1200").next == "B2"
    assert read(run, "B2", "800").next == w.NEW_SERIAL, "only two readings tell whether the load stood still"
    body = read(run, w.NEW_SERIAL, "2003")
    assert (body.complete, body.band, body.sum) == (True, "fine", "2000")
    run.accept({})
    [done] = [one for one in world.payloads("step.done") if one["step"] == "balance"]
    assert done["answers"]["macro"] == w.NEW_SERIAL
    assert done["answers"]["band"] == "fine"
    assert done["answers"]["sum_w"] == "2000"


def test_what_does_not_close_is_explained_and_goes_on_only_with_a_reason(world: World) -> None:
    """The meter that hangs elsewhere is named; the supervisor hears of it."""
    run = at_balance(world)
    for serial, watts in ((w.NEW_SERIAL, "1200"), ("A1", "1200"), ("B2", "800")):
        read(run, serial, watts)
    body = read(run, w.NEW_SERIAL, "1201")
    assert body.band == "topology"
    assert ("foreign_meter", "B2") in [(cause.code, cause.params["serials"]) for cause in body.causes]
    with pytest.raises(StepRefused) as refused:
        run.accept({})
    assert codes(refused) == {"balance_topology"}
    run.accept({"reason": "does_not_close", "note": "B2 es de otro transformador"})
    work(run, TOTALIZER)
    [completed] = world.payloads("order.completed")
    assert "balance_off" in completed["flags"]


def test_a_meter_that_cannot_be_read_is_passed_by_and_forbids_a_verdict(world: World) -> None:
    run = at_balance(world)
    read(run, w.NEW_SERIAL, "2000")
    run.say_of_power("A1", "silent")
    assert shown(run).next == "B2"
    read(run, "B2", "800")
    body = read(run, w.NEW_SERIAL, "2000")
    assert (body.band, body.missing) == ("refused", ["A1"])
    with pytest.raises(StepRefused):
        run.accept({})


def test_a_stranger_counts_only_when_somebody_says_what_it_is(world: World) -> None:
    run = at_balance(world)
    read(run, w.NEW_SERIAL, "2600")
    body = read(run, "Z9", "600")
    assert [(row.serial, row.state) for row in body.rows][-1] == ("Z9", "stranger")
    run.say_of_power("Z9", "member")
    for serial, watts in (("A1", "1200"), ("B2", "800"), (w.NEW_SERIAL, "2600")):
        body = read(run, serial, watts)
    assert (body.band, body.sum) == ("fine", "2600")


def test_a_meter_without_power_and_a_head_that_is_off_leave_the_board_as_it_was(world: World) -> None:
    run = at_balance(world)
    read(run, w.NEW_SERIAL, "2000")
    for port in ScriptedSession.field:
        ScriptedSession.field[port] = Meter(serial="A1", momentary=[])
    with pytest.raises(JobError) as told:
        run.read_power()
    assert told.value.code == "no_power"
    for port in ScriptedSession.field:
        ScriptedSession.field[port] = Meter(serial="A1", fail={"identify": errors.NoAnswer()})
    with pytest.raises(errors.NoAnswer):
        run.read_power()
    assert shown(run).next == "A1"


def test_what_was_read_outlasts_another_step_and_the_program(world: World) -> None:
    """Whoever corrected an answer between two meters, or restarted, walked to all of them again."""
    run = at_balance(world)
    read(run, w.NEW_SERIAL, "2000")
    read(run, "A1", "1200")
    run.say_of_power("B2", "silent")
    run.go("site")
    work(run, TOTALIZER, until="balance")
    assert states(run) == {w.NEW_SERIAL: "macro", "A1": "read", "B2": "silent"}
    again = world.run()
    assert states(again) == states(run)
    again.accept({"reason": "load_unsteady"})
    again.go("balance")
    assert states(again) == states(run), "whoever comes back to it sees what was measured"
    work(again, TOTALIZER)
    assert again.book.power() is None


def test_what_was_read_long_ago_is_read_again(world: World) -> None:
    run = at_balance(world)
    read(run, "A1", "1200")
    board = run.bench.power
    assert board is not None
    old = msgspec.structs.replace(board.shares["A1"], at="2026-01-01T08:00:00.000Z")
    run.keep_power(msgspec.structs.replace(board, shares={"A1": old}))
    assert states(world.run())["A1"] == "open"


def test_the_totalizer_that_was_scanned_again_is_the_macro_meter(world: World) -> None:
    run = at_balance(world)
    read(run, "A1", "1200")
    board = run.bench.power
    assert board is not None
    run.keep_power(msgspec.structs.replace(board, own="X1", macro="X1"))
    assert (shown(run).macro, states(run)["A1"]) == (w.NEW_SERIAL, "read")


def states(run: ProcedureRun) -> dict[str, str]:
    return {row.serial: row.state for row in shown(run).rows}


@pytest.mark.parametrize(
    ("readings", "watts"),
    [
        ([(POWER, "412", "W")], "412"),
        ([("1.7.0", "0.412", "kW")], "412.000"),
        ([("ansi:ST28:1.7.0", "3", "W")], "3"),
        ([("3:1.0.16.7.0.255:2", "-50", "W")], "-50"),
        ([(POWER, "10", "W"), ("3:1.0.2.7.0.255:2", "60", "W"), ("3:1.0.16.7.0.255:2", "50", "W")], "-50"),
        ([(f"3:1.0.{c}.7.0.255:2", "7", "W") for c in (21, 41, 61)], "21"),
        ([("3:1.0.1.8.0.255:2", "412", "Wh")], None),
    ],
)
def test_power_is_found_however_a_meter_says_it(readings: list[tuple[str, str, str]], watts: Any) -> None:
    found = watts_of([ReadingValue(item=item, value=value, unit=unit) for item, value, unit in readings])
    assert (None if found is None else f"{found:f}") == watts
