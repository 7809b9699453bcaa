"""Whole jobs of any procedure on `world`: each step is answered by its kind, as on a good day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fieldtool.identity import last_four
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.devices import device_serial
from fieldtool.run import ProcedureRun
from tests.fieldtool import world as w
from workorders.journal.words import DeviceRole

Fields = dict[str, Any]
Answers = Mapping[str, Fields | Callable[[ProcedureRun], Fields]]


def work(run: ProcedureRun, answers: Answers | None = None, until: str | None = None) -> None:
    """Walk to the end, or up to (not including) `until`. `answers` by step win over what is usual."""
    for _ in range(40):
        step = run.shown_step()
        if step is None or step.id == until:
            return
        given = (answers or {}).get(step.id)
        fields = given(run) if callable(given) else given
        run.accept(_do(run, step, fields))
    raise AssertionError("the procedure does not end")


def usual_at(run: ProcedureRun, step: m.Step, *, old: str, new: str, dial: str) -> Fields:
    """Work at the device where the step wants it, and the usual answer for these devices."""
    fields: Fields | None = None
    if isinstance(step, m.ScanStep):
        serial = old if step.device is DeviceRole.OLD else new
        fields = {"serial": serial, "codes": [serial], "identities": {}}
    elif isinstance(step, m.NumberStep) and step.register:
        fields = {"value": dial}
    elif isinstance(step, m.SealsStep):
        seal = {"number": f"{run.order.number}-{step.id}", "position": step.positions[0].id}
        fields = {"seals": [seal]}
    return _do(run, step, fields)


def _do(run: ProcedureRun, step: m.Step, fields: Fields | None) -> Fields:
    """Work at the device where the step wants it, then the answer."""
    given = dict(fields or {})
    match step:
        case m.MeterReadStep() if "not_obtainable" not in given:
            run.read_meter()
        case m.PlanApplyStep():
            run.plan()
            run.apply(["limiter"])
            given.setdefault("allow", ["limiter"])
        case m.RelayStep() if "untested" not in given:
            given.setdefault("confirmation", last_four(device_serial(run.state, step.device)))
            run.test_relay(given["confirmation"])
        case m.JoinStep():
            run.check_join()
    return given if fields is not None else given | _usual(run, step)


def _usual(run: ProcedureRun, step: m.Step) -> Fields:
    match step:
        case m.ConfirmStep():
            asked = engine.checks_of(step, run.job(), run.state)
            photos = {check.id: w.photo(run, check.photo) for check in asked if check.photo}
            return {"checks": {check.id: True for check in asked}, "photos": photos}
        case m.SummaryStep():
            return {"checks": {check.id: True for check in engine.checks_of(step, run.job(), run.state)}}
        case m.ChooseStep():
            first = step.choices[0]
            return {
                "choice": first.id,
                "note": "visto en el sitio" if first.note else None,
                "photos": [w.photo(run, step.id)] if first.photo else [],
            }
        case m.PhotoStep():
            return {"photos": [w.photo(run, step.what) for _ in range(step.minimum)]}
        case m.PanelPhotoStep():
            return {"photos": [w.photo(run, step.what)], "reason": step.reasons[0].id}
        case m.ScanStep():
            serial = w.OLD_SERIAL if step.device is DeviceRole.OLD else w.NEW_SERIAL
            return {"serial": serial, "codes": [serial], "identities": {}}
        case m.NumberStep():
            return {"value": "23800" if step.register else "220"}
        case m.TextStep():
            return {"text": "Torre B"}
        case m.BalanceStep():
            return {"reason": step.reasons[0].id}
        case m.SealsStep():
            return {"seals": [{"number": f"{step.id}-1", "position": step.positions[0].id}]}
        case m.SignatureStep():
            return {
                "outcome": "signed",
                "image": run.add_photo(w.picture(), "signature").sha256,
                "name": "Ana",
            }
    return {}
