"""Walks a procedure: which steps apply, which are done, which comes next. Pure: no screen, no device.

The split is Electrum's wizard: the engine keeps where we are and what was answered; a page only shows a step
kind.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from fieldtool.identity import normalise_serial
from fieldtool.procedure.answers import Answer, ConfirmAnswer, ScanAnswer, SummaryAnswer
from fieldtool.procedure.devices import device_serial
from fieldtool.procedure.model import (
    Check,
    Condition,
    ConfirmStep,
    MatchStep,
    Phase,
    Procedure,
    ScanStep,
    SealsStep,
    Step,
    SummaryStep,
)
from fieldtool.procedure.state import Done, Job, RunState
from fieldtool.procedure.views import StepState
from workorders.clock import read_utc
from workorders.journal.words import DeviceRole


def holds(condition: Condition, job: Job, state: RunState) -> bool:
    """Whether one condition is met."""
    if condition.fact is not None:
        met = condition.fact in job.facts
    elif condition.flag is not None:
        met = condition.flag in job.flags
    else:
        answer = state.answer(condition.step or "")
        met = answer is not None and getattr(answer, condition.field or "", None) == condition.equals
    return met is condition.holds


def applies(step: Step, job: Job, state: RunState) -> bool:
    """Whether a step is to be done on this job."""
    return all(holds(condition, job, state) for condition in step.when)


def standing(procedure: Procedure, job: Job, state: RunState) -> RunState:
    """The state without what was accepted at steps that a corrected answer has hidden.

    A step refers to earlier ones only, so each is judged by the answers that stand before it. What hangs on a
    hidden answer is hidden with it.
    """
    kept: dict[str, Done] = {}
    for step in procedure.steps:
        done = state.done.get(step.id)
        if done is not None and applies(step, job, msgspec.structs.replace(state, done=kept)):
            kept[step.id] = done
    if len(kept) == len(state.done):
        return state
    done_in_order = {name: done for name, done in state.done.items() if name in kept}
    return msgspec.structs.replace(state, done=done_in_order)


def checks_of(step: ConfirmStep | SummaryStep, job: Job, state: RunState) -> list[Check]:
    """The checks of a step that apply to this job."""
    return [check for check in step.checks if all(holds(condition, job, state) for condition in check.when)]


def only_asked(step: Step, answer: Answer, job: Job, state: RunState) -> Answer:
    """The answer without checks (and their photos) that this job does not ask for: they were not done."""
    if not isinstance(step, ConfirmStep | SummaryStep) or not isinstance(
        answer, ConfirmAnswer | SummaryAnswer
    ):
        return answer
    asked = {check.id for check in checks_of(step, job, state)}
    checks = {name: said for name, said in answer.checks.items() if name in asked}
    if isinstance(answer, SummaryAnswer):
        return msgspec.structs.replace(answer, checks=checks)
    photos = {name: sha256 for name, sha256 in answer.photos.items() if name in asked}
    return msgspec.structs.replace(answer, checks=checks, photos=photos)


def visible_phases(procedure: Procedure, job: Job, state: RunState) -> list[tuple[Phase, list[Step]]]:
    """Phases with the steps that apply; phases without any are left out."""
    pairs = [(phase, [step for step in phase.step if applies(step, job, state)]) for phase in procedure.phase]
    return [(phase, steps) for phase, steps in pairs if steps]


def visible_steps(procedure: Procedure, job: Job, state: RunState) -> list[Step]:
    """All steps that apply, in order."""
    return [step for _, steps in visible_phases(procedure, job, state) for step in steps]


def is_stale(step: Step, procedure: Procedure, job: Job, state: RunState) -> bool:
    """Whether a done step has to be done again: one that it rests on was corrected since, it is of another
    visit, or the office has another device in mind by now."""
    done = state.done.get(step.id)
    if done is None:
        return False
    if any(state.done[name].position > done.position for name in step.redo_after if name in state.done):
        return True
    return (
        _of_another_visit(step, procedure, job, state)
        or _ordered_otherwise(step, done, job)
        or _on_another_device(step, done, state)
    )


def _of_another_visit(step: Step, procedure: Procedure, job: Job, state: RunState) -> bool:
    """Whether a step that was not done yet wants this one fresh, and it lies too far back.

    Once that step was done the question is settled: what is corrected later cannot be read or proven anew.
    """
    waiting = [
        one
        for one in procedure.steps
        if step.id in one.fresh and one.id not in state.done and applies(one, job, state)
    ]
    if not waiting:
        return False
    age = read_utc(job.today) - read_utc(state.done[step.id].at)
    return age > timedelta(minutes=procedure.fresh_minutes)


def _on_another_device(step: Step, done: Done, state: RunState) -> bool:
    """Whether seals were recorded on a device that turned out to be another one."""
    if not isinstance(step, SealsStep) or done.sealed is None:
        return False
    return normalise_serial(done.sealed) != device_serial(state, step.device)


def _ordered_otherwise(step: Step, done: Done, job: Job) -> bool:
    """Whether the order names another device than the one that this step compared with."""
    old, new, answer = job.order.old_asset, job.order.new_asset, done.answer
    if isinstance(step, ScanStep) and isinstance(answer, ScanAnswer) and step.device is DeviceRole.OLD:
        if old is None or answer.override is not None:
            return False
        return normalise_serial(old.serial) != normalise_serial(answer.serial)
    if isinstance(step, MatchStep):
        return done.ordered != normalise_serial(new.serial if new is not None else None)
    return False


def is_done(step: Step, procedure: Procedure, job: Job, state: RunState) -> bool:
    """Whether a step is done and still stands."""
    return step.id in state.done and not is_stale(step, procedure, job, state)


def open_step(procedure: Procedure, job: Job, state: RunState) -> Step | None:
    """The first step that is still to be done; None when all are, or the run has ended."""
    if state.end is not None:
        return None
    steps = visible_steps(procedure, job, state)
    return next(
        (step for step in steps if not is_done(step, procedure, job, state) or _asks_more(step, job, state)),
        None,
    )


def _asks_more(step: Step, job: Job, state: RunState) -> bool:
    """Whether a done step has checks now that it had not then: the office flagged the order meanwhile."""
    answer = state.answer(step.id)
    if not isinstance(step, ConfirmStep | SummaryStep) or not isinstance(
        answer, ConfirmAnswer | SummaryAnswer
    ):
        return False
    return any(answer.checks.get(check.id) is not True for check in checks_of(step, job, state))


def may_show(step: Step, procedure: Procedure, job: Job, state: RunState) -> bool:
    """Whether a step may be opened: it is done, or it is the first open one."""
    current = open_step(procedure, job, state)
    if current is not None and current.id == step.id:
        return True
    steps = visible_steps(procedure, job, state)
    if step not in steps or state.end is not None:
        return False
    limit = steps.index(current) if current in steps else len(steps)
    return steps.index(step) < limit


def state_of(step: Step, shown: Step | None, procedure: Procedure, job: Job, state: RunState) -> StepState:
    """The mark of a step in the list."""
    if shown is not None and step.id == shown.id:
        return StepState.CURRENT
    if step.id not in state.done:
        return StepState.TODO
    return StepState.STALE if is_stale(step, procedure, job, state) else StepState.DONE
