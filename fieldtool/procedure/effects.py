"""What accepting a step writes: the facts it causes, and `step.done` last, all for one transaction. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from fieldtool.balancing import PowerBoard
from fieldtool.identity import Source, normalise_serial
from fieldtool.leaving import worst
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import Bench, SignedOverride
from fieldtool.procedure.devices import device_serial
from fieldtool.procedure.rules import left_off, passed_at_place, reading_doubts
from fieldtool.procedure.state import Found, Job, RunState
from fieldtool.procedure.valuerules import NOT_AS_METER, doubts_of, normal
from workorders.journal.kinds import (
    BlobTaken,
    DevicePlaced,
    DeviceRemoved,
    JoinChecked,
    MatchChecked,
    MatchOverridden,
    MeterRead,
    OrderNotDone,
    Payload,
    SafetyFailed,
    SealRecorded,
    StepDone,
)
from workorders.journal.supply import LEFT_OFF
from workorders.journal.words import PLACE_RULES, DeviceRole, MatchSource, PlaceOverride, ReadingValue, Sealed
from workorders.network import BalanceBand
from workorders.orders import PERSONAL_FLAGS

Seal = Callable[[str, str], Sealed]
"""(field, text) → the text sealed under the order's key."""

OF_THE_PLACE = ("neighbour_", "phase_not_there", "collector_elsewhere", "panel_elsewhere")
"""Risks that nothing else in the record tells."""
OFF_BALANCE = (BalanceBand.SUSPECT, BalanceBand.TOPOLOGY)
BACK_ON_TRUCK = "truck"
UNSAFE_REASON = "unsafe_installation"
WRONG_PLACE = ("far", "simulated", "stale", "jump")
"""What a supervisor looks at in a position; a poor or a missing one is told in the record and no more."""


def effects(
    step: m.Step, answer: a.Answer, job: Job, state: RunState, bench: Bench, seal: Seal, seconds: int | None
) -> list[Payload]:
    """Payloads of accepting `answer` at `step`, in order."""
    written: list[Payload] = [*_new_photos(answer, state, bench)]
    written += _facts(step, answer, job, state, bench, seal)
    plain, personal = a.split_personal(_completed(step, answer, bench), hidden=personal_checks(step))
    sealed = {name: seal(f"step.{step.id}.{name}", text) for name, text in personal.items()}
    written.append(StepDone(step=step.id, answers=plain, sealed=sealed, seconds=seconds))
    return written


def personal_checks(step: m.Step) -> frozenset[str]:
    """Checks that are asked only of an order with a personal flag: that they were, would tell the flag."""
    checks = step.checks if isinstance(step, m.ConfirmStep | m.SummaryStep) else []
    return frozenset(
        check.id for check in checks if any(condition.flag in PERSONAL_FLAGS for condition in check.when)
    )


def unsafe(
    step: m.Step,
    failed: list[str],
    note: str | None,
    job: Job,
    state: RunState,
    attempts: int,
    seal: Seal,
    passed_over: list[str],
) -> list[Payload]:
    """Payloads that end an order because a safety check did not hold."""
    sealed = seal(f"step.{step.id}.safety", note) if note else None
    checks: list[Payload] = [SafetyFailed(step=step.id, check=check, note=sealed) for check in failed]
    blobs = sorted({*state.photos, *state.recordings})
    ended = OrderNotDone(
        reason=UNSAFE_REASON, blobs=blobs, attempt=attempts + 1, crew=job.crew, passed_over=passed_over
    )
    return [*checks, ended]


def photos_in(answer: a.Answer) -> list[str]:
    """Blobs an answer names, in order."""
    if isinstance(answer, a.ConfirmAnswer):
        return list(answer.photos.values())
    if isinstance(answer, a.SignatureAnswer):
        return [answer.image] if answer.image else []
    return list(getattr(answer, "photos", []))


def _new_photos(answer: a.Answer, state: RunState, bench: Bench) -> Iterable[BlobTaken]:
    for sha256 in dict.fromkeys(photos_in(answer)):
        if sha256 in bench.photos and sha256 not in state.photos:
            yield bench.photos[sha256]


def _completed(step: m.Step, answer: a.Answer, bench: Bench) -> a.Answer:
    """The answer with what the job found, so that `step.done` alone tells the outcome."""
    change = msgspec.structs.replace
    if isinstance(step, m.ValueStep) and isinstance(answer, a.ValueAnswer):
        return change(answer, value=normal(step, answer.value))
    if isinstance(answer, a.PlanApplyAnswer) and bench.plan is not None:
        states = {row.id: row.state for row in bench.plan.changes}
        return change(answer, program=bench.plan.program, states=states)
    if isinstance(answer, a.PanelPhotoAnswer) and bench.panel is not None:
        return change(answer, **msgspec.structs.asdict(bench.panel))
    if isinstance(answer, a.RelayAnswer) and bench.relay is not None:
        return change(answer, result=bench.relay)
    if isinstance(answer, a.PlaceAnswer) and bench.place is not None:
        place = bench.place
        return change(
            answer,
            concentrator=place.concentrator,
            panel=place.panel,
            slot=place.slot,
            phase=place.phase,
            elsewhere=place.elsewhere,
            mismatched=sorted(place.mismatched),
            passed=passed_at_place(bench),
            override=answer.override if passed_at_place(bench) else None,
        )
    if isinstance(answer, a.SummaryAnswer) and bench.risks:
        codes = [risk.code for risk in bench.risks]
        return change(answer, risk=worst(bench.risks).value, risks=codes)
    if isinstance(answer, a.BalanceAnswer) and bench.power is not None:
        return _balanced(answer, bench.power)
    if isinstance(answer, a.JoinAnswer) and bench.join is not None:
        found = bench.join
        return change(
            answer, state=found.state, how=found.how, reason=found.reason, recheck_at=found.recheck_at
        )
    return answer


def _balanced(answer: a.BalanceAnswer, board: PowerBoard) -> a.BalanceAnswer:
    result = board.result
    if result is None:
        return answer
    return msgspec.structs.replace(
        answer,
        macro=board.macro,
        band=result.band.value,
        macro_w=f"{result.macro:.0f}",
        sum_w=f"{result.sum:.0f}",
        uncertainty_w=f"{result.uncertainty:.0f}",
        missing=result.missing,
        causes=[":".join([cause.code.value, *cause.serials]) for cause in result.causes],
    )


def _facts(
    step: m.Step, answer: a.Answer, job: Job, state: RunState, bench: Bench, seal: Seal
) -> list[Payload]:
    match step, answer:
        case m.ConfirmStep(effect=m.Effect.RESTORED), _:
            return _restored(job, state, bench)
        case m.ConfirmStep(effect=m.Effect()), _:
            return _removed(job, state, sealed=step.effect is m.Effect.REMOVED_SEALED)
        case m.NumberStep(), a.NumberAnswer() if step.register is not None and step.device is not None:
            return [_dial(step, answer, job, state)]
        case m.ScanStep(device=DeviceRole.OLD), a.ScanAnswer():
            taken_down = _another_removed(normalise_serial(answer.serial), state)
            return [*_old_scanned(step, answer, job, bench), *taken_down]
        case m.MeterReadStep(), a.MeterReadAnswer():
            read = _read(step, answer, bench)
            named = normalise_serial(read.serial) if step.device is DeviceRole.OLD else None
            return [read, *_another_removed(named, state)]
        case m.MatchStep(), a.MatchAnswer():
            return _matched(bench)
        case m.SealsStep(), a.SealsAnswer():
            return _sealed(step, answer, state)
        case m.PlaceStep(), a.PlaceAnswer():
            return _placed(step, answer, job, state, bench, seal)
        case m.JoinStep(), _ if bench.join is not None:
            found = bench.join
            return [
                JoinChecked(
                    serial=device_serial(state, step.device) or "",
                    state=found.state,
                    how=found.how,
                    reason=found.reason,
                    recheck_at=found.recheck_at,
                    evidence=found.evidence,
                )
            ]
    return []


def _removed(job: Job, state: RunState, *, sealed: bool) -> list[Payload]:
    serial = device_serial(state, DeviceRole.OLD) or (
        job.order.old_asset.serial if job.order.old_asset else None
    )
    if serial is None:
        return []
    place = destination(state, sealed=sealed)
    return [DeviceRemoved(serial=serial, usage_point=job.order.usage_point, destination=place)]


def _restored(job: Job, state: RunState, bench: Bench) -> list[Payload]:
    """The swap undone: what was put there comes off, and what was taken down hangs where it was."""
    written: list[Payload] = []
    if state.placed is not None:
        new, point = state.placed.serial, job.order.usage_point
        written.append(DeviceRemoved(serial=new, usage_point=point, destination=BACK_ON_TRUCK))
    return [*written, bench.stood] if bench.stood is not None else written


def _another_removed(serial: str | None, state: RunState) -> list[Payload]:
    """The removal said again, where the meter that was taken down turns out to be another one."""
    before = state.removed
    if before is None or serial is None or normalise_serial(before.serial) == serial:
        return []
    return [msgspec.structs.replace(before, serial=serial)]


def destination(state: RunState, *, sealed: bool) -> str:
    """Where a removed device goes: to the laboratory as evidence, else to the store."""
    doubt = any(getattr(done.answer, "reason", None) == "suspected_fraud" for done in state.done.values())
    return "laboratory" if sealed or doubt else "store"


def _dial(step: m.NumberStep, answer: a.NumberAnswer, job: Job, state: RunState) -> MeterRead:
    assert step.device is not None
    serial = device_serial(state, step.device)
    if answer.not_obtainable is not None:
        return MeterRead(
            role=step.device,
            how="not_obtainable",
            step=step.id,
            serial=serial,
            reason=answer.not_obtainable,
        )
    doubts = [problem.code for problem in reading_doubts(step, answer, job, state)]
    value = (answer.value or "").strip().replace(",", ".")
    reading = ReadingValue(
        item=f"dial:{step.register}", value=value, unit=step.unit, status=",".join(doubts) or None
    )
    return MeterRead(
        role=step.device, how="dial", step=step.id, serial=serial, readings=[reading], reason=answer.reason
    )


def _old_scanned(step: m.ScanStep, answer: a.ScanAnswer, job: Job, bench: Bench) -> list[Payload]:
    if job.order.old_asset is None:
        return []
    serial, expected = normalise_serial(answer.serial), normalise_serial(job.order.old_asset.serial)
    checked = MatchChecked(
        role=DeviceRole.OLD,
        sources=[
            MatchSource(source=Source.ORDER, serial=expected),
            MatchSource(source=Source.LABEL, serial=serial),
        ],
        verdict="equal" if serial == expected else "mismatch",
        cause=None if serial == expected else "other_old_meter",
    )
    if serial == expected:
        return [checked]
    # The mismatch was journalled when it was seen; here it is passed.
    return (
        [_overridden(bench.override, bench.match_entry)]
        if bench.override and bench.match_entry
        else [checked]
    )


def _read(step: m.MeterReadStep, answer: a.MeterReadAnswer, bench: Bench) -> MeterRead:
    if answer.not_obtainable is not None or bench.found is None:
        return MeterRead(
            role=step.device, how="not_obtainable", step=step.id, reason=answer.not_obtainable or "unread"
        )
    found: Found = bench.found
    return MeterRead(
        role=step.device,
        how="optical",
        step=step.id,
        manufacturer=found.manufacturer,
        serial=found.serial,
        model=found.model,
        firmware=found.firmware,
        logical_device_name=found.logical_device_name,
        readings=found.readings,
        wiring=found.wiring,
        network=found.network,
    )


def match_payload(bench: Bench) -> MatchChecked:
    """The match on the bench as an entry; `bench.match` must be there."""
    assert bench.match is not None
    sources = [
        MatchSource(source=line.source, serial=line.serial, note=line.note) for line in bench.match.lines
    ]
    return MatchChecked(
        role=DeviceRole.NEW, sources=sources, verdict=bench.match.verdict, cause=bench.match.cause
    )


def _matched(bench: Bench) -> list[Payload]:
    assert bench.match is not None
    if bench.match.equal:
        return [match_payload(bench)]
    assert bench.override is not None
    assert bench.match_entry is not None
    return [_overridden(bench.override, bench.match_entry)]


def _overridden(override: SignedOverride, match_entry: str) -> MatchOverridden:
    return MatchOverridden(
        match_entry=match_entry,
        reason=override.reason,
        role=override.role,
        person=override.person,
        public_key=override.public_key,
        grant=override.grant,
        signature=override.signature,
    )


def _place_override(override: SignedOverride) -> PlaceOverride:
    return PlaceOverride(
        reason=override.reason,
        role=override.role,
        person=override.person,
        public_key=override.public_key,
        grant=override.grant,
        signature=override.signature,
    )


def _sealed(step: m.SealsStep, answer: a.SealsAnswer, state: RunState) -> list[Payload]:
    serial = device_serial(state, step.device)
    default = step.condition[0].id if step.condition else None
    written: list[Payload] = []
    for seal in answer.seals:
        condition = seal.condition or default
        action = step.action.value if condition in (None, default) else f"{step.action.value}:{condition}"
        written.append(
            SealRecorded(action=action, number=seal.number.strip(), position=seal.position, serial=serial)
        )
    return written


def _placed(
    step: m.PlaceStep, answer: a.PlaceAnswer, job: Job, state: RunState, bench: Bench, seal: Seal
) -> list[Payload]:
    place, passed = bench.place, passed_at_place(bench)
    assert place is not None
    position = None
    if answer.position is not None:
        position = seal("position", msgspec.json.encode(answer.position).decode())
    serial = device_serial(state, DeviceRole.NEW) or ""
    corrected: list[Payload] = []
    before = state.placed
    if before is not None and before.serial != serial:
        # It was said to hang here and does not: two devices would stand in one place.
        corrected = [
            DeviceRemoved(serial=before.serial, usage_point=job.order.usage_point, destination=BACK_ON_TRUCK)
        ]
    return [
        *corrected,
        DevicePlaced(
            serial=serial,
            model=_model(job, state),
            identities=place.identities,
            usage_point=job.order.usage_point,
            concentrator=place.concentrator,
            panel=place.panel,
            slot=place.slot,
            transformer=place.transformer,
            phase=place.phase,
            override=_place_override(bench.override) if bench.override and passed else None,
            position=position,
            mismatched=sorted(place.mismatched),
            passed=passed,
        ),
    ]


def _model(job: Job, state: RunState) -> str:
    found = state.reads.get(DeviceRole.NEW)
    if found is not None and found.model:
        return found.model
    return (job.order.new_asset.model if job.order.new_asset else None) or "unknown"


def flags_of(procedure: m.Procedure, job: Job, state: RunState) -> list[str]:
    """What the supervisor should look at: flags of the choices made, doubts, overrides, pending joins."""
    flags: list[str] = []
    for step in procedure.steps:
        answer = state.answer(step.id)
        if answer is None:
            continue
        flags += _chosen_flags(step, answer)
        if getattr(answer, "override", None) is not None:
            flags += _passed(step, answer)
        if isinstance(step, m.NumberStep) and isinstance(answer, a.NumberAnswer):
            names = {"disagrees_with_optical": "reading_disagrees", "implausible": "implausible_reading"}
            flags += [names[doubt.code] for doubt in reading_doubts(step, answer, job, state)]
        if isinstance(step, m.ValueStep) and isinstance(answer, a.ValueAnswer) and answer.reason is not None:
            doubted = [doubt.code for doubt in doubts_of(step, normal(step, answer.value), job, state)]
            flags += ["value_not_as_meter"] if NOT_AS_METER in doubted else []
            flags += ["ratio_implausible"] if set(doubted) - {NOT_AS_METER} else []
            flags += ["value_not_as_ordered"] if not doubted else []
        if isinstance(answer, a.PositionedAnswer) and answer.position is not None:
            flags += [f"position_{flag}" for flag in answer.position.flags if flag in WRONG_PLACE]
        if isinstance(answer, a.SummaryAnswer):
            flags += [code for code in answer.risks if code.startswith(OF_THE_PLACE)]
        if isinstance(answer, a.BalanceAnswer) and answer.band in OFF_BALANCE:
            flags.append("balance_off")
        if isinstance(answer, a.JoinAnswer) and answer.state is not None and answer.state != "joined":
            flags.append(f"join_{answer.state.value}")
        if isinstance(answer, a.JoinAnswer) and answer.reason == "other_concentrator":
            flags.append("other_concentrator")
    flags += [LEFT_OFF] if left_off(job, state) else []
    return list(dict.fromkeys(flags))


def _passed(step: m.Step, answer: a.Answer) -> list[str]:
    """What an override has passed."""
    if not isinstance(answer, a.PlaceAnswer):
        return ["old_meter_overridden" if isinstance(step, m.ScanStep) else "match_overridden"]
    if answer.passed:
        kinds = [PLACE_RULES[rule] for rule in answer.passed if rule in PLACE_RULES]
        return ["serial_elsewhere" if kind == "elsewhere_overridden" else kind for kind in kinds]
    passed = ["serial_elsewhere"] if answer.elsewhere is not None else []
    passed += ["identity_overridden"] if answer.mismatched else []
    return passed or ["capacity_overridden"]


def _chosen_flags(step: m.Step, answer: a.Answer) -> list[str]:
    chosen = {
        value
        for name in ("choice", "reason", "not_obtainable", "unreadable", "untested", "outcome")
        if isinstance(value := getattr(answer, name, None), str)
    }
    if isinstance(answer, a.SealsAnswer):
        chosen |= {seal.condition for seal in answer.seals if seal.condition}
    choices: list[m.Choice] = []
    for name in ("choices", "reasons", "not_obtainable", "unreadable", "untested", "outcomes", "condition"):
        choices += getattr(step, name, [])
    return [choice.flag for choice in choices if choice.flag and choice.id in chosen]
