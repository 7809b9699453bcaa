"""Whether the step on the page was accepted before, and whether anything new speaks at it."""

from __future__ import annotations

from typing import Any

from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.run import ProcedureRun

AT_THE_METER = frozenset({"meter_read", "match", "plan_apply", "relay", "join", "balance"})


def stands(run: ProcedureRun) -> bool:
    """Whether the step on the page was accepted before and still holds."""
    step = run.shown_step()
    return step is not None and engine.is_done(step, run.procedure, run.job(), run.state)


def measured(run: ProcedureRun) -> bool:
    """Whether meter or network said something at the step on the page that is not accepted yet."""
    step, bench = run.shown_step(), run.bench
    match step:
        case m.MeterReadStep():
            return bench.found is not None and bench.found.role is step.device
        case m.PlanApplyStep():
            return bench.plan is not None
        case m.RelayStep():
            return bench.relay is not None
        case m.JoinStep():
            return bench.join is not None
        case m.BalanceStep():
            return bench.power is not None
    return False


def says_the_same(step: v.StepView, fields: dict[str, Any]) -> bool:
    """Whether an answer to a step that stands changes anything; what a meter said stands by itself."""
    if step.kind in AT_THE_METER:
        return True
    taken = ("position", "no_position")  # nobody enters these
    before = {name: value for name, value in (step.answer or {}).items() if value and name not in taken}
    return before == {name: value for name, value in fields.items() if value}
