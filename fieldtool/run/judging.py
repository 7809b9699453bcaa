"""The bench as it counts for one answer, and the signature of whoever passes what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fieldtool.errors import StepRefused
from fieldtool.identity import normalise_serial
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import Bench
from fieldtool.procedure.devices import device_serial
from fieldtool.procedure.views import Problem
from fieldtool.run import beside, evidence, panels
from workorders.journal import kinds
from workorders.journal.words import DeviceRole, MatchSource
from workorders.people import place_subject

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun


def bench_for(run: ProcedureRun, step: m.Step, answer: a.Answer) -> Bench:
    """The run's bench as it counts for this answer: match and place are judged anew."""
    person = run.around.person()
    bench = msgspec.structs.replace(
        run.bench,
        role=person.role if person else None,
        photos={**run.state.photos, **run.bench.photos},
        unsettled=sum(write.state is None for write in run.state.writes.values()),
    )
    if isinstance(step, m.MatchStep):
        bench = msgspec.structs.replace(bench, match=evidence.match_now(run, step))
    if isinstance(step, m.PlaceStep) and isinstance(answer, a.PlaceAnswer):
        bench = msgspec.structs.replace(bench, place=evidence.place_now(run, step, answer))
    if isinstance(step, m.ValueStep) and isinstance(answer, a.ValueAnswer):
        bench = msgspec.structs.replace(bench, value_holder=evidence.holder_of(run, step, answer))
    if isinstance(step, m.ConfirmStep) and step.effect is m.Effect.RESTORED:
        bench = msgspec.structs.replace(bench, stood=evidence.stood(run))
    if isinstance(step, m.PanelPhotoStep):
        bench = msgspec.structs.replace(bench, panel=panels.seen(run))
    if isinstance(step, m.SummaryStep):
        bench = msgspec.structs.replace(bench, risks=beside.risks_now(run))
    if isinstance(step, m.SealsStep) and isinstance(answer, a.SealsAnswer):
        used = run.book.seals_elsewhere([seal.number for seal in answer.seals])
        bench = msgspec.structs.replace(bench, seals_used=used)
    return bench


def signed(run: ProcedureRun, step: m.Step, answer: a.Answer, bench: Bench, mismatch: str | None) -> Bench:
    """The bench with the override of the answer, signed; without one where the answer has none.

    mismatch: entry that journalled another old meter than ordered, for the steps before the match.

    Raises:
        StepRefused: reason or PIN is missing.
        JobError: the PIN does not open the person's key, or the person may not.
    """
    override: a.Override | None = getattr(answer, "override", None)
    matched = run.state.match.entry_id if run.state.match else None
    entry = matched if isinstance(step, m.MatchStep) else mismatch
    bench = msgspec.structs.replace(bench, override=None, match_entry=entry)
    if override is None:
        return bench
    if not override.reason.strip():
        raise StepRefused(step.id, [Problem(code="reason_missing", field="override")])
    if not override.pin:
        raise StepRefused(step.id, [Problem(code="pin_missing", field="override")])
    by = run.around.signer.sign_override(
        override.person,
        override.pin,
        order_id=run.order_id,
        subject=_subject(run, step, bench),
        reason=run.book.seal_said(override.reason.strip()),
    )
    return msgspec.structs.replace(bench, override=by)


def _subject(run: ProcedureRun, step: m.Step, bench: Bench) -> str:
    """What an override at this step is about."""
    if isinstance(step, m.PlaceStep) and bench.place is not None:
        serial = device_serial(run.state, DeviceRole.NEW) or ""
        return place_subject(serial, bench.place.concentrator, bench.place.panel)
    return bench.match_entry or ""


class OldMismatch:
    """Another old meter hangs here than the order says: journalled once, when it is seen."""

    def __init__(self) -> None:
        self.entry: str | None = None
        self._serial: str | None = None

    def note(self, run: ProcedureRun, step: m.Step, answer: a.Answer) -> None:
        """Journal the mismatch of a scanned old meter, unless that one was journalled already."""
        if not isinstance(step, m.ScanStep) or not isinstance(answer, a.ScanAnswer):
            return
        if step.device is not DeviceRole.OLD or run.order.old_asset is None:
            return
        serial, expected = normalise_serial(answer.serial), normalise_serial(run.order.old_asset.serial)
        if serial is None or serial == expected or serial == self._serial:
            return
        checked = kinds.MatchChecked(
            role=DeviceRole.OLD,
            sources=[
                MatchSource(source="order", serial=expected),
                MatchSource(source="label", serial=serial),
            ],
            verdict="mismatch",
            cause="other_old_meter",
        )
        self.entry = run.append_beside([checked])[0].envelope.id
        self._serial = serial
