"""The content of a page, one function a step kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from fieldtool import wiring
from fieldtool.identity import Source
from fieldtool.leaving import worst
from fieldtool.procedure import answers as a
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.devices import device_serial, scanned_serial
from fieldtool.procedure.effects import flags_of
from fieldtool.procedure.readings import optical_value, plausible
from fieldtool.procedure.rules import consent_missing
from fieldtool.procedure.valuerules import expected
from fieldtool.run import balances, beside, evidence, panels, placing
from fieldtool.run.bodyparts import options as options
from fieldtool.text import Language
from workorders.clock import read_utc
from workorders.journal.words import DeviceRole
from workorders.store import schema

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

OVERRIDE_REASONS = ("office_confirmed", "list_outdated", "emergency")
"""Reasons offered for an override; keys `override.reason.<id>`."""
_SHOWN_READINGS = 12


def body(run: ProcedureRun, step: m.Step, given: a.Answer | None, language: Language) -> v.Body:
    """The content of the page of `step`; `given` is its accepted answer."""
    match step:
        case m.ConfirmStep():
            return _confirm(run, step, given, language)
        case m.ChooseStep():
            chosen = given.choice if isinstance(given, a.ChooseAnswer) else None
            return v.ChooseBody(options=options(step.choices, language), chosen=chosen)
        case m.NumberStep():
            return _number(run, step, given, language)
        case m.TextStep():
            text = given.text if isinstance(given, a.TextAnswer) else ""
            return v.TextBody(text=text, required=step.required, max_length=step.max_length)
        case m.ValueStep():
            typed = given.value if isinstance(given, a.ValueAnswer) else None
            return v.ValueBody(
                value=typed,
                expected=None if _blind(run, step) else expected(step, run.job()),
                reasons=options(step.reasons, language),
                optional=step.optional,
            )
        case m.PhotoStep():
            return _photo(run, step, given, language)
        case m.PanelPhotoStep():
            return panels.body(run, step, given, language)
        case m.ScanStep():
            return _scan(run, step, given, language)
        case m.MeterReadStep():
            return _meter_read(run, step, given, language)
        case m.MatchStep():
            return _match(run, step)
        case m.PlanApplyStep():
            return _plan(run)
        case m.RelayStep():
            return _relay(run, step, given, language)
        case m.SealsStep():
            return _seals(step, given, language)
        case m.PlaceStep():
            return placing.body(run, step, given, override_options())
        case m.BalanceStep():
            return balances.body(run, given, options(step.reasons, language))
        case m.JoinStep():
            return _join(run, given, language)
        case m.SignatureStep():
            return _signature(step, given, language)
        case m.SummaryStep():
            return _summary(run, step, given, language)


def _blind(run: ProcedureRun, step: m.ValueStep) -> bool:
    """Whether the value comes from two sources: each is read off its own, with nothing beside it."""
    others = {one.agrees_with for one in run.procedure.steps if isinstance(one, m.ValueStep)}
    return step.agrees_with is not None or step.id in others


def address(run: ProcedureRun) -> str | None:
    """The customer's address, where its key is here."""
    table = schema.order_text
    with run.around.journal.store.read() as connection:
        found: str | None = connection.execute(
            select(table.c.address).where(table.c.order_id == run.order_id)
        ).scalar()
    return found


def _checks(
    run: ProcedureRun, step: m.ConfirmStep | m.SummaryStep, given: a.Answer | None, language: Language
) -> list[v.CheckView]:
    said = given.checks if isinstance(given, a.ConfirmAnswer | a.SummaryAnswer) else {}
    taken = given.photos if isinstance(given, a.ConfirmAnswer) else {}
    by_what = {blob.what: sha for sha, blob in run.bench.photos.items()}
    shown = []
    for check in engine.checks_of(step, run.job(), run.state):
        measured, tone = None, ""
        if check.wiring is not None:
            measured, tone = wiring.said(check.wiring, run.state.reads.get(DeviceRole.NEW), language)
        shown.append(
            v.CheckView(
                id=check.id,
                text=check.text.in_language(language),
                checked=said.get(check.id, False),
                photo=check.photo,
                photo_sha256=taken.get(check.id) or by_what.get(check.photo or ""),
                measured=measured,
                measured_tone=tone,
            )
        )
    return shown


def _confirm(
    run: ProcedureRun, step: m.ConfirmStep, given: a.Answer | None, language: Language
) -> v.ConfirmBody:
    order = run.order
    pairs = [
        ("address", address(run)),
        ("supply_number", order.supply_number),
        ("old_serial", order.old_asset.serial if order.old_asset else None),
        ("new_serial", order.new_asset.serial if order.new_asset else None),
    ]
    shown = [v.FactView(name=name, value=value) for name, value in pairs if value]
    return v.ConfirmBody(
        checks=_checks(run, step, given, language),
        one_by_one=step.one_by_one,
        facts=[] if step.one_by_one else shown,
    )


def _number(
    run: ProcedureRun, step: m.NumberStep, given: a.Answer | None, language: Language
) -> v.NumberBody:
    answer = given if isinstance(given, a.NumberAnswer) else a.NumberAnswer()
    old = run.order.old_asset if step.device is DeviceRole.OLD else None
    band = plausible(old, run.job().today)
    optical = (
        optical_value(run.state.reads.get(step.device), step.register)
        if step.device and step.register
        else None
    )
    return v.NumberBody(
        unit=step.unit,
        value=answer.value,
        digits=step.digits,
        decimals=step.decimals,
        low=f"{band.low:f}" if band else step.minimum,
        high=f"{band.high:f}" if band else step.maximum,
        last=old.last_reading if old else None,
        last_at=old.last_reading_date if old else None,
        optical=f"{optical:f}" if optical is not None else None,
        reasons=options(step.reasons, language),
        not_obtainable=options(step.not_obtainable, language),
    )


def _photo(run: ProcedureRun, step: m.PhotoStep, given: a.Answer | None, language: Language) -> v.PhotoBody:
    accepted = given.photos if isinstance(given, a.PhotoAnswer) else []
    fresh = [sha for sha, blob in run.bench.photos.items() if blob.what == step.what]
    known = {**run.state.photos, **run.bench.photos}
    shown = [known[sha] for sha in dict.fromkeys([*accepted, *fresh]) if sha in known]
    return v.PhotoBody(
        must_show=step.must_show.in_language(language),
        minimum=step.minimum,
        maximum=step.maximum,
        photos=[v.PhotoView(sha256=blob.sha256, what=blob.what, size=blob.size) for blob in shown],
    )


def _scan(run: ProcedureRun, step: m.ScanStep, given: a.Answer | None, language: Language) -> v.ScanBody:
    answer = given if isinstance(given, a.ScanAnswer) else None
    asset = run.order.old_asset if step.device is DeviceRole.OLD else run.order.new_asset
    return v.ScanBody(
        device=step.device.value,
        expected=asset.serial if asset else None,
        serial=answer.serial if answer else None,
        identities=answer.identities if answer else {},
        unreadable=options(step.unreadable, language),
        typed=answer is not None and answer.unreadable is not None,
    )


def _meter_read(
    run: ProcedureRun, step: m.MeterReadStep, given: a.Answer | None, language: Language
) -> v.MeterReadBody:
    found = run.bench.found or (run.state.reads.get(step.device) if given else None)
    if found is not None and (found.role is not step.device or found.how != "optical"):
        found = None
    readings = found.readings[:_SHOWN_READINGS] if found else []
    return v.MeterReadBody(
        device=step.device.value,
        done=found is not None,
        port=run.around.port_for(step.device),
        serial=found.serial if found else None,
        model=found.model if found else None,
        firmware=found.firmware if found else None,
        readings=[
            v.ReadingView(
                item=reading.item,
                name=reading.name or reading.item,
                value=reading.value,
                unit=reading.unit,
                status=reading.status,
            )
            for reading in readings
        ],
        not_obtainable=options(step.not_obtainable, language),
        recording=_recording(run, done=found is not None),
    )


def _recording(run: ProcedureRun, *, done: bool) -> str:
    """Nothing is offered of a session in which this step had no part; that one is attached is always said."""
    state = run.recordings.state
    return state if done or state == "attached" else ""


def _match(run: ProcedureRun, step: m.MatchStep) -> v.MatchBody:
    result = run.bench.match or evidence.match_now(run, step)
    scanned = next((done.at for done in run.state.done.values() if done.device is DeviceRole.NEW), None)
    found = run.state.reads.get(DeviceRole.NEW)
    times = {Source.LABEL: scanned, Source.OPTICAL: found.at if found else None}
    rows = [
        v.MatchRow(
            source=line.source.value,
            serial=line.serial,
            state=line.state.value,
            marks=line.marks,
            at=times.get(line.source),
            note=line.note,
        )
        for line in result.lines
    ]
    rescan = next(
        (
            step.id
            for step in run.procedure.steps
            if isinstance(step, m.ScanStep) and step.device is DeviceRole.NEW
        ),
        None,
    )
    return v.MatchBody(
        verdict=result.verdict.value,
        rows=rows,
        cause=result.cause.value if result.cause else None,
        remedy=result.remedy.value if result.remedy else None,
        params=result.params,
        rescan_step=None if result.equal else rescan,
        other_order=result.other.order_id if result.other else None,
        overridden_by=run.state.match.overridden_by if run.state.match else None,
        reasons=override_options(),
    )


def override_options() -> list[v.Option]:
    """Reasons offered for an override; the text is a key, because they are no matter of the file."""
    return [v.Option(id=reason, text=f"override.reason.{reason}") for reason in OVERRIDE_REASONS]


def _plan(run: ProcedureRun) -> v.PlanBody:
    plan = run.bench.plan
    return v.PlanBody(
        program=plan.program if plan else run.order.program or "",
        serial=plan.serial if plan else device_serial(run.state, DeviceRole.NEW),
        planned=plan is not None,
        changes=plan.changes if plan else [],
        complete=plan.complete if plan else False,
        unsettled=sum(write.state is None for write in run.state.writes.values()),
        recording=_recording(run, done=plan is not None),
    )


def _relay(run: ProcedureRun, step: m.RelayStep, given: a.Answer | None, language: Language) -> v.RelayBody:
    from fieldtool.identity import last_four

    serial = device_serial(run.state, step.device) or scanned_serial(run.state, step.device)
    result = given.result if isinstance(given, a.RelayAnswer) else None
    return v.RelayBody(
        last_four=last_four(serial),
        result=run.bench.relay or result,
        blocked=consent_missing(run.job(), run.state),
        untested=options(step.untested, language),
        operation=step.operation.value,
        recording=_recording(run, done=run.bench.relay is not None),
    )


def _seals(step: m.SealsStep, given: a.Answer | None, language: Language) -> v.SealsBody:
    answer = given if isinstance(given, a.SealsAnswer) else a.SealsAnswer()
    return v.SealsBody(
        action=step.action.value,
        positions=options(step.positions, language),
        conditions=options(step.condition, language),
        minimum=step.minimum,
        seals=[
            v.SealView(number=seal.number, position=seal.position, condition=seal.condition)
            for seal in answer.seals
        ],
        none=answer.none,
    )


def _join(run: ProcedureRun, given: a.Answer | None, language: Language) -> v.JoinBody:
    found = run.bench.join
    answer = given if isinstance(given, a.JoinAnswer) else a.JoinAnswer()
    technology = evidence.technology_of(run.order, run.around)
    state = found.state if found else answer.state
    return v.JoinBody(
        technology=technology.id if technology else "",
        state=state.value if state else None,
        how=found.how if found else answer.how,
        reason=found.reason if found else answer.reason,
        recheck_at=found.recheck_at if found else answer.recheck_at,
        evidence=found.evidence if found else {},
        expected=run.order.place.concentrator,
        heard=found.heard if found else None,
        sees=technology.sees.in_language(language) if technology and technology.sees else "",
        recording=_recording(run, done=found is not None),
    )


def _signature(step: m.SignatureStep, given: a.Answer | None, language: Language) -> v.SignatureBody:
    answer = given if isinstance(given, a.SignatureAnswer) else None
    return v.SignatureBody(
        outcomes=options(step.outcomes, language),
        outcome=answer.outcome if answer else None,
        name=answer.name if answer else None,
        image=answer.image if answer else None,
        role=step.role.in_language(language) if step.role else None,
        witness=step.witness,
    )


def _summary(
    run: ProcedureRun, step: m.SummaryStep, given: a.Answer | None, language: Language
) -> v.SummaryBody:
    state, job = run.state, run.job()
    started = state.started_at
    minutes = int((datetime.now(UTC) - read_utc(started)).total_seconds() // 60) if started else 0
    risks = beside.risks_now(run)
    return v.SummaryBody(
        checks=_checks(run, step, given, language),
        facts=summary_facts(run),
        flags=flags_of(run.procedure, job, state),
        photos=[
            v.PhotoView(sha256=blob.sha256, what=blob.what, size=blob.size) for blob in state.photos.values()
        ],
        minutes=max(0, minutes),
        risk=worst(risks).value,
        risks=[
            v.RiskView(code=one.code, level=one.level.value, params=one.params, step=one.step)
            for one in risks
        ],
    )


def summary_facts(run: ProcedureRun) -> list[v.FactView]:
    """The few values that decide whether the record is right."""
    state = run.state
    units: dict[str, str] = {}
    found: list[tuple[str, str | None]] = [
        ("old_serial", device_serial(state, DeviceRole.OLD)),
        ("new_serial", device_serial(state, DeviceRole.NEW)),
    ]
    for done in state.done.values():
        answer = done.answer
        if isinstance(answer, a.NumberAnswer):
            step = next((one for one in run.procedure.steps if one.id == done.step), None)
            if not isinstance(step, m.NumberStep) or step.register is None:
                continue
            found.append(("final_reading", answer.value or answer.not_obtainable))
            if answer.value:
                units["final_reading"] = step.unit
        elif isinstance(answer, a.PlaceAnswer):
            found += [("concentrator", answer.concentrator), ("panel", answer.panel), ("phase", answer.phase)]
            found.append(("slot", str(answer.slot) if answer.slot is not None else None))
        elif isinstance(answer, a.JoinAnswer):
            found.append(("join", answer.state.value if answer.state else None))
        elif isinstance(answer, a.SignatureAnswer):
            found.append(("signature", answer.outcome))
    return [v.FactView(name=name, value=value, unit=units.get(name)) for name, value in found if value]
