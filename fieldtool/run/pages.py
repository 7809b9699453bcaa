"""Builds what the procedure page shows from the state of a run; reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fieldtool.procedure import answers as a
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.rules import problems
from fieldtool.run import bodies, changing, standing
from fieldtool.text import Language, Text

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun


def run_view(run: ProcedureRun, language: Language) -> v.RunView:
    """Everything the procedure page shows now."""
    state, shown = run.state, run.shown_step()
    return v.RunView(
        order_id=run.order_id,
        order_number=run.order.number,
        procedure=run.procedure.id,
        version=run.procedure.version,
        title=run.procedure.title.in_language(language),
        address=bodies.address(run) or run.order.supply_number or run.order.number,
        phases=_phases(run, shown, language),
        current=_page(run, shown, language) if shown is not None else None,
        end=state.end,
        saved_at=state.last_at,
        not_done=bodies.options(run.procedure.not_done, language),
        standing=standing.standing_view(run, language),
        works=changing.works(run, language),
    )


def _phases(run: ProcedureRun, shown: m.Step | None, language: Language) -> list[v.PhaseView]:
    job, state = run.job(), run.state
    number = 0
    phases: list[v.PhaseView] = []
    for phase, steps in engine.visible_phases(run.procedure, job, state):
        rows: list[v.StepRow] = []
        for step in steps:
            number += 1
            rows.append(_row(run, step, number, shown, language))
        phases.append(
            v.PhaseView(
                id=phase.id,
                title=phase.title.in_language(language),
                done=sum(engine.is_done(step, run.procedure, job, state) for step in steps),
                total=len(steps),
                current=shown in steps,
                steps=rows,
            )
        )
    return phases


def _row(run: ProcedureRun, step: m.Step, number: int, shown: m.Step | None, language: Language) -> v.StepRow:
    done = run.state.done.get(step.id)
    state = engine.state_of(step, shown, run.procedure, run.job(), run.state)
    if run.state.end is v.RunEnd.UNSAFE and done is None and step == _stopped_at(run):
        state = v.StepState.FAILED
    match = run.bench.match
    mismatch = isinstance(step, m.MatchStep) and match is not None and not match.equal
    return v.StepRow(
        id=step.id,
        number=number,
        title=step.title.in_language(language),
        kind=m.kind_of(step),
        state=state,
        safety=step.safety,
        saved_at=done.at if done else None,
        note="mismatch" if mismatch and step == shown else None,
    )


def _stopped_at(run: ProcedureRun) -> m.Step | None:
    """The first step that is not done, even after the end: where an unsafe order stopped."""
    going = msgspec.structs.replace(run.state, end=None)
    return engine.open_step(run.procedure, run.job(), going)


def _page(run: ProcedureRun, step: m.Step, language: Language) -> v.StepView:
    job, state = run.job(), run.state
    steps = engine.visible_steps(run.procedure, job, state)
    index = steps.index(step)
    done = state.done.get(step.id)
    given = done.answer if done else None
    return v.StepView(
        id=step.id,
        number=index + 1,
        kind=m.kind_of(step),
        title=step.title.in_language(language),
        help=_text(step.help, language),
        safety=step.safety,
        state=engine.state_of(step, step, run.procedure, job, state),
        can_go_back=index > 0,
        answer=msgspec.to_builtins(given) if given else None,
        waiting=_waiting(run, step, given),
        body=bodies.body(run, step, given, language),
        position=run.positions.view(step, given),
    )


def _text(text: Text | None, language: Language) -> str:
    return text.in_language(language) if text else ""


_EMPTY: dict[str, a.Answer] = {
    "confirm": a.ConfirmAnswer(),
    "number": a.NumberAnswer(),
    "text": a.TextAnswer(),
    "value": a.ValueAnswer(),
    "photo": a.PhotoAnswer(),
    "panel_photo": a.PanelPhotoAnswer(),
    "scan": a.ScanAnswer(serial=""),
    "meter_read": a.MeterReadAnswer(),
    "match": a.MatchAnswer(),
    "plan_apply": a.PlanApplyAnswer(),
    "relay": a.RelayAnswer(),
    "seals": a.SealsAnswer(),
    "place": a.PlaceAnswer(),
    "join": a.JoinAnswer(),
    "balance": a.BalanceAnswer(),
    "signature": a.SignatureAnswer(outcome="signed"),
    "summary": a.SummaryAnswer(),
    "choose": a.ChooseAnswer(choice=""),
}


def _waiting(run: ProcedureRun, step: m.Step, given: a.Answer | None) -> list[v.Problem]:
    """What the page still lacks with nothing (more) entered: why the primary button is not possible yet."""
    answer = run.positions.completed(step, given or _EMPTY[m.kind_of(step)])
    return problems(step, answer, run.job(), run.state, run.bench_for(step, answer))
