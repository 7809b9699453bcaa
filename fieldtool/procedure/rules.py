"""What speaks against an answer: pure rules per step kind. An empty list means it can be accepted.

`overridable` problems pass with an override, reasoned and signed by a role that may; safety never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fieldtool.identity import normalise_serial
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure import valuerules as values
from fieldtool.procedure.bench import Bench
from fieldtool.procedure.devices import scanned_serial
from fieldtool.procedure.engine import checks_of
from fieldtool.procedure.readings import (
    decimal,
    disagree,
    is_energy,
    optical_value,
    plausible,
    typed_decimal,
)
from fieldtool.procedure.state import Job, RunState
from fieldtool.procedure.views import Problem
from fieldtool.wiring import contradictions
from workorders.journal.supply import meant_off
from workorders.journal.words import DeviceRole, JoinState
from workorders.network import BalanceBand
from workorders.people import MAY_OVERRIDE

MEDICAL = "medical_dependency"
CONSENT = "consent"
BALANCED = (BalanceBand.FINE, BalanceBand.WATCH)


def problems(step: m.Step, answer: a.Answer, job: Job, state: RunState, bench: Bench) -> list[Problem]:
    """Why `answer` cannot be accepted at `step` now."""
    found = list(_problems(step, answer, job, state, bench))
    if step.roles and bench.role not in step.roles:
        found.append(Problem(code="role", params={"roles": ", ".join(step.roles)}))
    if bench.override is not None:
        if bench.override.role not in MAY_OVERRIDE:
            found.append(Problem(code="override_role", params={"role": bench.override.role}))
        else:
            found = [problem for problem in found if not problem.overridable]
    return found


def safety_failures(step: m.Step, answer: a.Answer, job: Job, state: RunState) -> list[str]:
    """Ids of checks of a safety step that were answered *no*: the order ends as unsafe."""
    if not step.safety or not isinstance(step, m.ConfirmStep) or not isinstance(answer, a.ConfirmAnswer):
        return []
    return [check.id for check in checks_of(step, job, state) if answer.checks.get(check.id) is False]


def _problems(step: m.Step, answer: a.Answer, job: Job, state: RunState, bench: Bench) -> Iterable[Problem]:
    match step, answer:
        case m.ConfirmStep(), a.ConfirmAnswer():
            return _confirm(step, answer, job, state, bench)
        case m.ChooseStep(), a.ChooseAnswer():
            return _chosen(step.choices, answer.choice, answer, bench, "choice")
        case m.NumberStep(), a.NumberAnswer():
            return _number(step, answer, job, state, bench)
        case m.TextStep(), a.TextAnswer():
            return _text(step, answer)
        case m.ValueStep(), a.ValueAnswer():
            return values.problems(step, answer, job, state, bench)
        case m.PhotoStep(), a.PhotoAnswer():
            return _photos(step, answer, state, bench)
        case m.PanelPhotoStep(), a.PanelPhotoAnswer():
            return _panel_photo(step, answer, bench)
        case m.ScanStep(), a.ScanAnswer():
            return _scan(step, answer, job, bench)
        case m.MeterReadStep(), a.MeterReadAnswer():
            return _meter_read(step, answer, state, bench)
        case m.MatchStep(), a.MatchAnswer():
            return _match(bench)
        case m.PlanApplyStep(), a.PlanApplyAnswer():
            return _plan(bench)
        case m.RelayStep(), a.RelayAnswer():
            return _relay(step, answer, job, state, bench)
        case m.SealsStep(), a.SealsAnswer():
            return _seals(step, answer, job, state, bench)
        case m.PlaceStep(), a.PlaceAnswer():
            return _place(bench)
        case m.JoinStep(), a.JoinAnswer():
            return _join(bench)
        case m.BalanceStep(), a.BalanceAnswer():
            return _balance(step, answer, bench)
        case m.SignatureStep(), a.SignatureAnswer():
            return _signature(step, answer, bench)
        case m.SummaryStep(), a.SummaryAnswer():
            return _summary(step, answer, job, state)
    return [Problem(code="wrong_kind", params={"kind": m.kind_of(step)})]


# --- confirm, choose, text, photo ---------------------------------------------------------------


def _confirm(
    step: m.ConfirmStep, answer: a.ConfirmAnswer, job: Job, state: RunState, bench: Bench
) -> Iterable[Problem]:
    for check in checks_of(step, job, state):
        said = answer.checks.get(check.id)
        if said is False and step.safety:
            continue
        if said is not True:
            yield Problem(code="check_open", field=check.id)
            continue
        against = contradictions(check.wiring, state.reads.get(DeviceRole.NEW))
        if against:
            # As a failed check, no role passes it; the wiring is put right and the meter read again.
            params = {"faults": ",".join(fault.fault for fault in against)}
            yield Problem(code="wiring_contradicts", field=check.id, params=params)
        elif check.photo is not None and answer.photos.get(check.id) not in bench.photos:
            yield Problem(code="photo_missing", field=check.id)


def _chosen(
    choices: list[m.Choice], chosen: str | None, answer: a.Answer, bench: Bench, field: str
) -> Iterable[Problem]:
    choice = next((choice for choice in choices if choice.id == chosen), None)
    if choice is None:
        yield Problem(code="not_allowed", field=field, params={"value": chosen or ""})
        return
    if choice.note and not (answer.note or "").strip():
        yield Problem(code="note_missing", field="note")
    photos: list[str] = getattr(answer, "photos", [])
    if choice.photo and not any(photo in bench.photos for photo in photos):
        yield Problem(code="photo_missing", field="photos")


def _text(step: m.TextStep, answer: a.TextAnswer) -> Iterable[Problem]:
    text = answer.text.strip()
    if step.required and not text:
        yield Problem(code="required", field="text")
    if len(text) > step.max_length:
        yield Problem(code="too_long", field="text", params={"limit": str(step.max_length)})
    if text and step.pattern is not None and not re.fullmatch(step.pattern, text):
        yield Problem(code="pattern", field="text", params={"pattern": step.pattern})


def _photos(step: m.PhotoStep, answer: a.PhotoAnswer, state: RunState, bench: Bench) -> Iterable[Problem]:
    # What another step has shown already (the meter before the swap) shows nothing of this one.
    used = {
        photo
        for done in state.done.values()
        if done.step != step.id
        for photo in getattr(done.answer, "photos", [])
    }
    known = {photo for photo in answer.photos if photo in bench.photos and photo not in used}
    if len(known) < step.minimum:
        yield Problem(code="photo_missing", field="photos", params={"minimum": str(step.minimum)})
    if len(known) > step.maximum:
        yield Problem(code="too_many_photos", field="photos", params={"maximum": str(step.maximum)})


def _panel_photo(step: m.PanelPhotoStep, answer: a.PanelPhotoAnswer, bench: Bench) -> Iterable[Problem]:
    if not any(photo in bench.photos for photo in answer.photos):
        yield Problem(code="photo_missing", field="photos", params={"minimum": "1"})
    seen = bench.panel
    if answer.reason is not None:
        yield from _chosen(step.reasons, answer.reason, answer, bench, "reason")
    elif seen is None:
        yield Problem(code="panel_not_read", field="reason")
    else:
        if seen.wrong or seen.foreign:
            named = ", ".join([*map(str, seen.wrong), *seen.foreign])
            yield Problem(code="panel_wrong", field="reason", params={"named": named})
        if seen.missing or seen.unread:
            named = ", ".join([*map(str, seen.unread), *seen.missing])
            yield Problem(code="panel_missing", field="reason", params={"named": named})


# --- number -------------------------------------------------------------------------------------


def _number(
    step: m.NumberStep, answer: a.NumberAnswer, job: Job, state: RunState, bench: Bench
) -> Iterable[Problem]:
    if answer.not_obtainable is not None:
        if answer.value is not None:
            yield Problem(code="reading_and_reason", field="value")
        yield from _chosen(step.not_obtainable, answer.not_obtainable, answer, bench, "not_obtainable")
        return
    value = typed_decimal(answer.value)
    if value is None:
        yield Problem(code="required" if answer.value is None else "not_a_number", field="value")
        return
    if len(re.split("[.,]", (answer.value or "").strip().lstrip("-"))[0]) > step.digits:
        yield Problem(code="too_long", field="value", params={"limit": str(step.digits)})
    low, high = decimal(step.minimum), decimal(step.maximum)
    if (low is not None and value < low) or (high is not None and value > high):
        limits = {"low": step.minimum or "", "high": step.maximum or ""}
        yield Problem(code="out_of_range", field="value", params=limits)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > step.decimals:
        yield Problem(code="too_many_decimals", field="value", params={"decimals": str(step.decimals)})
    if step.register is None:
        return
    doubts = list(reading_doubts(step, answer, job, state))
    if answer.reason is not None:
        yield from _chosen(step.reasons, answer.reason, answer, bench, "reason")
    else:
        yield from doubts


def reading_doubts(
    step: m.NumberStep, answer: a.NumberAnswer, job: Job, state: RunState
) -> Iterable[Problem]:
    """What makes a reading doubtful; a reason passes it and flags the order.

    Where the display says nothing, the optical reading alone is held against what is plausible.
    """
    if step.register is None:
        return
    optical = optical_value(state.reads.get(step.device or DeviceRole.OLD), step.register)
    value = typed_decimal(answer.value)
    if value is not None and optical is not None and disagree(value, optical):
        yield Problem(code="disagrees_with_optical", field="reason", params={"optical": f"{optical:f}"})
    value = optical if value is None else value
    if value is None:
        return
    band = plausible(job.order.old_asset, job.today) if step.device is DeviceRole.OLD else None
    if band is not None and not band.holds(value):
        params = {"low": f"{band.low:f}", "high": f"{band.high:f}"}
        yield Problem(code="implausible", field="reason", params=params)


# --- scan, read, match --------------------------------------------------------------------------


def _scan(step: m.ScanStep, answer: a.ScanAnswer, job: Job, bench: Bench) -> Iterable[Problem]:
    serial = normalise_serial(answer.serial)
    if serial is None:
        yield Problem(code="required", field="serial")
        return
    if answer.unreadable is not None:
        yield from _chosen(step.unreadable, answer.unreadable, answer, bench, "unreadable")
    elif not answer.codes:
        yield Problem(code="typed_without_reason", field="unreadable")
    if step.device is DeviceRole.OLD and job.order.old_asset is not None:
        expected = normalise_serial(job.order.old_asset.serial)
        if expected != serial:
            params = {"expected": expected or "", "serial": serial}
            yield Problem(code="other_old_meter", field="serial", params=params, overridable=True)


def _meter_read(
    step: m.MeterReadStep, answer: a.MeterReadAnswer, state: RunState, bench: Bench
) -> Iterable[Problem]:
    if answer.not_obtainable is not None:
        yield from _chosen(step.not_obtainable, answer.not_obtainable, answer, bench, "not_obtainable")
        return
    found = bench.found
    if found is None or found.role is not step.device:
        yield Problem(code="not_read_yet")
        return
    scanned = scanned_serial(state, step.device)
    # A meter that does not say who it is has to say what it counted all the same.
    same = scanned is None or normalise_serial(found.serial) in (None, scanned)
    if same and not any(is_energy(reading.item) and reading.value for reading in found.readings):
        yield Problem(code="registers_not_read")
    # The new device is judged by the match, with cause and remedy; the old one has only this.
    if step.device is DeviceRole.OLD and scanned is not None and found.serial is not None:
        serial = normalise_serial(found.serial)
        if serial != scanned:
            params = {"serial": serial or "", "scanned": scanned}
            yield Problem(code="other_meter_at_port", params=params)


def _match(bench: Bench) -> Iterable[Problem]:
    if bench.match is None:
        yield Problem(code="not_compared_yet")
    elif not bench.match.equal:
        cause = bench.match.cause.value if bench.match.cause else ""
        yield Problem(
            code="mismatch", params={"cause": cause, **bench.match.params}, overridable=_may_pass(bench)
        )


def _may_pass(bench: Bench) -> bool:
    """An unread label or port is no mismatch to argue about: it has to be read."""
    lines = bench.match.lines if bench.match else []
    return all(line.serial is not None for line in lines if line.source in ("label", "optical"))


# --- configure, relay ---------------------------------------------------------------------------


def _plan(bench: Bench) -> Iterable[Problem]:
    if bench.plan is None:
        yield Problem(code="not_planned_yet")
        return
    if bench.unsettled:
        yield Problem(code="unsettled", params={"count": str(bench.unsettled)})
    if not bench.plan.complete:
        left = [change.name for change in bench.plan.changes if change.state not in ("same", "verified")]
        yield Problem(code="not_configured", params={"left": ", ".join(left)})


def consent_missing(job: Job, state: RunState) -> bool:
    """Whether somebody here depends on the supply and no consent is recorded."""
    if MEDICAL not in job.flags:
        return False
    return not any(
        isinstance(done.answer, a.ConfirmAnswer) and done.answer.checks.get(CONSENT) is True
        for done in state.done.values()
    )


def left_off(job: Job, state: RunState) -> bool:
    """Whether the work has left somebody without supply who should have it."""
    return bool(state.dark) and not meant_off(job.order.kind)


def _relay(
    step: m.RelayStep, answer: a.RelayAnswer, job: Job, state: RunState, bench: Bench
) -> Iterable[Problem]:
    if answer.untested is not None:
        yield from _chosen(step.untested, answer.untested, answer, bench, "untested")
        return
    if consent_missing(job, state):
        yield Problem(code="consent_missing")
    if bench.relay is None:
        yield Problem(code="supply_is_off" if left_off(job, state) else "relay_not_tested")
    elif bench.relay not in ("verified", "button"):
        yield Problem(code="relay_failed", params={"state": bench.relay})


# --- seals, place, join -------------------------------------------------------------------------


def _seals(
    step: m.SealsStep, answer: a.SealsAnswer, job: Job, state: RunState, bench: Bench
) -> Iterable[Problem]:
    if answer.none and answer.seals:
        yield Problem(code="seals_and_none", field="none")
    if len(answer.seals) < step.minimum:
        yield Problem(code="seals_missing", field="seals", params={"minimum": str(step.minimum)})
    elif not answer.seals and not answer.none:
        yield Problem(code="seals_or_none", field="none")
    positions = {choice.id for choice in step.positions}
    conditions = {choice.id: choice for choice in step.condition}
    numbers = [normalise_serial(seal.number) for seal in answer.seals]
    scanned, removed = seen_codes(job, state), _other_seals(step, state)
    for index, (seal, number) in enumerate(zip(answer.seals, numbers, strict=True)):
        field, params = f"seals.{index}", {"number": seal.number.strip()}
        if number is None:
            yield Problem(code="required", field=field)
        elif numbers.index(number) != index:
            yield Problem(code="seal_twice", field=field, params=params)
        elif number in scanned:
            yield Problem(code="seal_is_device", field=field, params=params)
        elif step.action is m.SealAction.APPLIED and number in removed:
            yield Problem(code="seal_removed_here", field=field, params=params)
        elif step.action is m.SealAction.APPLIED and number in bench.seals_used:
            used = params | {"order": bench.seals_used[number]}
            yield Problem(code="seal_used", field=field, params=used)
        if seal.position not in positions:
            yield Problem(code="not_allowed", field=field, params={"value": seal.position})
        if conditions:
            yield from _seal_condition(conditions, seal, answer, bench, field)


def seen_codes(job: Job, state: RunState) -> frozenset[str]:
    """Serials and other codes of the devices of this visit (`normalise_serial`): none of them is a seal's.

    A camera held near a seal reads the meter's own label just as well.
    """
    order = job.order
    found = [asset.serial for asset in (order.old_asset, order.new_asset) if asset is not None]
    found += [read.serial for read in state.reads.values()]
    for done in state.done.values():
        if isinstance(done.answer, a.ScanAnswer):
            scan = done.answer
            found += [scan.serial, *scan.codes, *scan.identities.values()]
    return frozenset(code for code in map(normalise_serial, found) if code)


def _other_seals(step: m.SealsStep, state: RunState) -> frozenset[str]:
    """Numbers that other seal steps of this visit have recorded: what was cut off is not applied again."""
    answers = [done.answer for done in state.done.values() if done.step != step.id]
    numbers = [
        seal.number for answer in answers if isinstance(answer, a.SealsAnswer) for seal in answer.seals
    ]
    return frozenset(code for code in map(normalise_serial, numbers) if code)


def _seal_condition(
    conditions: dict[str, m.Choice], seal: a.SealAnswer, answer: a.SealsAnswer, bench: Bench, field: str
) -> Iterable[Problem]:
    choice = conditions.get(seal.condition or next(iter(conditions)))
    if choice is None:
        yield Problem(code="not_allowed", field=field, params={"value": seal.condition or ""})
    elif choice.photo and not any(photo in bench.photos for photo in answer.photos):
        yield Problem(code="photo_missing", field="photos")


def _place(bench: Bench) -> Iterable[Problem]:
    place = bench.place
    if place is None:
        yield Problem(code="place_open")
        return
    for name in place.missing:
        yield Problem(code="place_missing", field=name, params={"name": name})
    for name in place.unknown:
        yield Problem(code="place_unknown", field=name, params={"name": name})
    for name in place.bad_identities:
        if name not in place.mismatched:
            yield Problem(code="bad_identity", field=name, params={"name": name})
            continue
        # A list or a label may be wrong, and nobody can change what the meter says: who may says which holds.
        params = {"name": name, "values": place.mismatched[name]}
        yield Problem(code="identity_mismatch", field="override", params=params, overridable=True)
    if place.taken_by is not None:
        yield Problem(code="slot_taken", field="slot", params={"serial": place.taken_by})
    if place.elsewhere is not None:
        # It may be right here and wrong there: who may says so, and the office decides where it stands.
        params = {"place": place.elsewhere}
        yield Problem(code="serial_elsewhere", field="override", params=params, overridable=True)
    if place.capacity is not None and place.capacity.level == "full":
        params = {"used": str(place.capacity.used), "capacity": str(place.capacity.capacity)}
        yield Problem(code="capacity_full", field="concentrator", params=params, overridable=True)
    if place.too_far_m is not None:
        params = {"metres": str(place.too_far_m)}
        yield Problem(code="too_far", field="concentrator", params=params, overridable=True)


def passed_at_place(bench: Bench) -> list[str]:
    """Rules that the override of a place passes; none without one."""
    if bench.override is None:
        return []
    return list(dict.fromkeys(problem.code for problem in _place(bench) if problem.overridable))


def _balance(step: m.BalanceStep, answer: a.BalanceAnswer, bench: Bench) -> Iterable[Problem]:
    if answer.reason is not None:
        yield from _chosen(step.reasons, answer.reason, answer, bench, "reason")
        return
    board = bench.power
    result = board.result if board is not None else None
    if board is None or result is None or not board.complete:
        left = ", ".join(board.open) if board is not None else ""
        yield Problem(code="balance_open", field="reason", params={"left": left})
    elif result.band not in BALANCED:
        yield Problem(code=f"balance_{result.band.value}", field="reason")


def _join(bench: Bench) -> Iterable[Problem]:
    if bench.join is None or (bench.join.state is JoinState.PENDING and bench.join.recheck_at is None):
        yield Problem(code="join_not_checked")


# --- signature, summary -------------------------------------------------------------------------


def _signature(step: m.SignatureStep, answer: a.SignatureAnswer, bench: Bench) -> Iterable[Problem]:
    if answer.outcome not in {choice.id for choice in step.outcomes}:
        yield Problem(code="not_allowed", field="outcome", params={"value": answer.outcome})
        return
    signs = answer.outcome == "signed"
    if (signs or step.witness) and answer.image not in bench.photos:
        yield Problem(code="signature_missing", field="image")
    if signs and step.role is not None and not (answer.name or "").strip():
        yield Problem(code="required", field="name")
    if not signs and step.witness and not (answer.witness or "").strip():
        yield Problem(code="witness_missing", field="witness")


def _summary(step: m.SummaryStep, answer: a.SummaryAnswer, job: Job, state: RunState) -> Iterable[Problem]:
    for check in checks_of(step, job, state):
        if answer.checks.get(check.id) is not True:
            yield Problem(code="check_open", field=check.id)
