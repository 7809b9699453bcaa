"""What is known while an order is worked on: the job's facts, and what was accepted so far.

Both are values: the job is assembled from order, models and technology; the state is folded from the entries
of the order (`restore`), so a tablet that died comes back to exactly the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from fieldtool.procedure.answers import Answer, join_personal
from fieldtool.procedure.carrying import goes_on, kept, to_do_again
from fieldtool.procedure.model import (
    MatchStep,
    NumberStep,
    Procedure,
    ScanStep,
    SealsStep,
    SummaryStep,
)
from fieldtool.procedure.views import RunEnd
from workorders.journal.entry import Envelope
from workorders.journal.kinds import (
    RECORDING_BLOB,
    BlobTaken,
    DevicePlaced,
    DeviceRemoved,
    MatchChecked,
    MatchOverridden,
    MeterChanged,
    MeterIntent,
    MeterRead,
    OrderCompleted,
    OrderNotDone,
    OrderReturned,
    OrderStarted,
    Payload,
    ProcedureChanged,
    SafetyFailed,
    SealRecorded,
    StepDone,
)
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.supply import left_open
from workorders.journal.words import DeviceRole, ReadingValue, Sealed, WiringJudged
from workorders.orders import WorkOrder

Unseal = Callable[[str, Sealed], str | None]
"""(field, sealed) → text, or None where the key is gone."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the procedure's conditions and rules may look at.

    Attributes:
        facts: `old_meter`, `ct`, `three_phase`, `relay`, `program`, `panel`, `network`, …
        today: UTC date-time text of now, for the plausible range.
        crew: whose truck and tablet.
    """

    order: WorkOrder
    facts: frozenset[str]
    today: str
    crew: str | None = None

    @property
    def flags(self) -> frozenset[str]:
        """The order's flags."""
        return frozenset(self.order.flags)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted step. `position` orders steps in time; a correction moves it to the end.

    `device` is the one that a scan step is about; `ordered` the serial that the order named when a match was
    accepted; `sealed` the serial that seals were recorded on.
    """

    step: str
    answer: Answer
    position: int
    at: str
    entry_id: str
    device: DeviceRole | None = None
    ordered: str | None = None
    sealed: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A meter as it was read at a step: identity, readings, join evidence of the same visit."""

    role: DeviceRole
    how: str
    at: str = ""
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    logical_device_name: str | None = None
    readings: list[ReadingValue] = []
    reason: str | None = None
    network: dict[str, str] = {}
    wiring: WiringJudged | None = None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last match of the new device, and whether it was overridden."""

    entry_id: str
    payload: MatchChecked
    at: str
    overridden_by: str | None = None


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A write to a meter and what became of it; `state` None: not known yet."""

    intent: MeterIntent
    state: str | None = None


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything accepted so far, folded from the order's entries since its last start.

    Attributes:
        by: the procedure that `done` was done by.
        earlier: how the visit before stood, where this one goes on from there (before the start: may go on).
        left: how this visit stood when its crew changed to other work; its facts are here too, its steps only
            as far as they mean the same.
        over: the work came to the end that its procedure has for it, though the order was not executed: there
            is nothing to go on with.
        aged: steps of that visit which hold no longer because it is another day: they are to be done again,
            and nothing that rests on them.
        placed: what this order has put in its place, on this visit or an earlier one, while it hangs there.
        removed: what was taken down and is not back, on this visit or one that it goes on from, as last said.
        sealed: serial that the seal recorded last was on.
        writes: of this visit, and those of earlier ones that nobody has settled.
        dark: meters whose relay stands open, whichever visit left it so.
    """

    started_at: str | None = None
    started: OrderStarted | None = None
    by: Procedure | None = None
    earlier: RunState | None = None
    left: RunState | None = None
    over: bool = False
    done: Mapping[str, Done] = {}
    aged: Mapping[str, Done] = {}
    reads: Mapping[DeviceRole, Found] = {}
    match: Checked | None = None
    photos: Mapping[str, BlobTaken] = {}
    recordings: Mapping[str, BlobTaken] = {}
    writes: Mapping[str, Write] = {}
    position: int = 0
    last_at: str | None = None
    end: RunEnd | None = None
    attempts: int = 0
    placed: DevicePlaced | None = None
    removed: DeviceRemoved | None = None
    sealed: str | None = None
    dark: frozenset[str] = frozenset()

    def answer(self, step: str) -> Answer | None:
        """The accepted answer of a step."""
        done = self.done.get(step)
        return done.answer if done else None

    def first_done(self, step: str) -> str | None:
        """When a step was first done, on whichever visit that this one goes on from (UTC); None: never."""
        for before in (self.earlier, self.left):
            at = before.first_done(step) if before is not None else None
            if at is not None:
                return at
        done = self.done.get(step)
        return done.at if done is not None else None


class Recorded(Protocol):
    """An entry as the store hands it out."""

    @property
    def id(self) -> str:
        """Id of the entry."""
        ...

    @property
    def envelope(self) -> Envelope:
        """Its envelope."""
        ...


Of = Callable[[OrderStarted], Procedure]
"""The procedure that work was begun with, as its entry names it."""


def restore(
    procedure: Procedure, entries: Iterable[Recorded], unseal: Unseal, of: Of | None = None
) -> RunState:
    """Fold the entries of one order, oldest first, into the state of its procedure, or those that `of` names.

    Entries of kinds or steps that this program does not know are passed over; after `order.returned` the next
    start begins anew, or goes on from what stands.
    """
    state = RunState()
    for entry in entries:
        envelope = entry.envelope
        try:
            payload = read_payload(envelope)
        except PayloadError:
            continue
        if payload is None:
            continue
        begins = begun_by(payload)
        if (
            of is not None
            and begins is not None
            and under_way(state) is isinstance(payload, ProcedureChanged)
        ):
            procedure = of(begins)
        state = fold(procedure, state, payload, entry.id, envelope.time.device, unseal)
    return state


def begun_by(payload: Payload) -> OrderStarted | None:
    """How work began, or went on by another procedure; None for an entry that says neither."""
    if isinstance(payload, ProcedureChanged):
        return OrderStarted(
            procedure=payload.procedure,
            procedure_version=payload.procedure_version,
            crew=payload.crew,
            procedure_sha256=payload.procedure_sha256,
        )
    return payload if isinstance(payload, OrderStarted) else None


def under_way(state: RunState) -> bool:
    """Whether a visit has begun and not ended."""
    return state.started_at is not None and state.end is None


def fold(
    procedure: Procedure, state: RunState, payload: Payload, entry_id: str, at: str, unseal: Unseal
) -> RunState:
    """The state after one more entry."""
    change = msgspec.structs.replace
    if isinstance(payload, OrderStarted):
        return state if under_way(state) else _visit_begun(procedure, state, payload, at)
    if isinstance(payload, OrderReturned):
        return change(_afresh(state), earlier=_before(state))
    if isinstance(payload, ProcedureChanged):
        return _other_work(procedure, state, payload, at) if under_way(state) else state
    dark = left_open(state.dark, payload)
    state = change(state, position=state.position + 1, last_at=at, dark=dark)
    if isinstance(payload, StepDone):
        return _with_step(procedure, state, payload, entry_id, at, unseal)
    if isinstance(payload, MeterRead):
        if payload.how == "dial" or _of_a_display(procedure, payload):
            return state  # what a display shows, or shows no more, takes nothing from what the port said
        return change(state, reads={**state.reads, payload.role: _found(payload, at)})
    if isinstance(payload, MatchChecked):
        if payload.role is not DeviceRole.NEW:
            return state
        return change(state, match=Checked(entry_id=entry_id, payload=payload, at=at))
    if isinstance(payload, MatchOverridden):
        if state.match is None or state.match.entry_id != payload.match_entry:
            return state
        return change(state, match=change(state.match, overridden_by=payload.person))
    if isinstance(payload, BlobTaken) and payload.what == RECORDING_BLOB:
        return change(state, recordings={**state.recordings, payload.sha256: payload})
    if isinstance(payload, BlobTaken):
        return change(state, photos={**state.photos, payload.sha256: payload})
    return _with_outcome(state, payload)


def _afresh(state: RunState) -> RunState:
    """Nothing done; what is so whichever visit made it so."""
    return RunState(
        position=state.position + 1,
        attempts=state.attempts,
        placed=state.placed,
        writes=_unsettled(state),
        dark=state.dark,
    )


def _before(state: RunState) -> RunState:
    """The visit that a next one may go on from: this one, else the one that the office has sent back."""
    return state.earlier if state.started_at is None and state.earlier is not None else state


def _visit_begun(procedure: Procedure, state: RunState, payload: OrderStarted, at: str) -> RunState:
    """A visit begins: anew, or from where the one before has changed the site."""
    change = msgspec.structs.replace
    begun = change(_afresh(state), started_at=at, started=payload, by=procedure, last_at=at)
    before = _with_site(_before(state))
    done = kept(before.done, before.by, procedure) if before.by is not None else {}
    if before.over or not goes_on(done, procedure):
        return begun
    again = to_do_again(done, procedure)
    return change(
        begun,
        earlier=before,
        done={name: one for name, one in done.items() if name not in again},
        aged={**before.aged, **{name: one for name, one in done.items() if name in again}},
        reads=before.reads,
        match=before.match,
        photos=before.photos,
        recordings=before.recordings,
        removed=before.removed,
        sealed=before.sealed,
    )


def _with_site(state: RunState) -> RunState:
    """The work of a visit that changed the site: what the crew was at last, else what it had left for it."""
    found = state
    while found.left is not None and not (found.by is not None and goes_on(found.done, found.by)):
        found = found.left
    if found is state or state.over:
        return state
    return msgspec.structs.replace(
        state, by=found.by, done=found.done, aged=found.aged, started=found.started, left=found.left
    )


def next_procedure(state: RunState) -> Procedure | None:
    """The procedure that the next visit goes on by, where an earlier one has changed the site; else None."""
    before = _with_site(_before(state))
    going = before.by is not None and not before.over and goes_on(before.done, before.by)
    return before.by if going else None


def _other_work(procedure: Procedure, state: RunState, payload: ProcedureChanged, at: str) -> RunState:
    """The same visit by another procedure. All that happened stays; steps only where they mean the same."""
    was = state.by or procedure
    return msgspec.structs.replace(
        state,
        by=procedure,
        started=begun_by(payload),
        left=state,
        done=kept(state.done, was, procedure),
        aged=kept(state.aged, was, procedure),
        position=state.position + 1,
        last_at=at,
    )


def _own_end(procedure: Procedure) -> str | None:
    """The reason for which a procedure ends an order as not executed when all of it was done."""
    last = procedure.steps[-1]
    return last.not_done if isinstance(last, SummaryStep) else None


def _unsettled(state: RunState) -> dict[str, Write]:
    """Writes that the next visit has to settle: the meter holds them, or does not, whichever visit it is."""
    return {intent_id: write for intent_id, write in state.writes.items() if write.state is None}


def _of_a_display(procedure: Procedure, payload: MeterRead) -> bool:
    """Whether it was at a typed reading that there was none to be had."""
    return any(step.id == payload.step and isinstance(step, NumberStep) for step in procedure.steps)


def _with_outcome(state: RunState, payload: Payload) -> RunState:
    change = msgspec.structs.replace
    if isinstance(payload, MeterIntent):
        return change(state, writes={**state.writes, payload.intent_id: Write(intent=payload)})
    if isinstance(payload, MeterChanged):
        write = state.writes.get(payload.intent_id)
        if write is None:
            return state
        settled = None if payload.state == "unknown" else payload.state
        return change(state, writes={**state.writes, payload.intent_id: change(write, state=settled)})
    if isinstance(payload, DevicePlaced):
        if state.removed is not None and state.removed.serial == payload.serial:
            return change(state, removed=None)  # it is back where it was
        return change(state, placed=payload)
    if isinstance(payload, DeviceRemoved):
        if state.placed is not None and state.placed.serial == payload.serial:
            return change(state, placed=None)  # what this order had put there
        return change(state, removed=payload)
    if isinstance(payload, SealRecorded):
        return change(state, sealed=payload.serial)
    if isinstance(payload, SafetyFailed):
        return change(state, end=RunEnd.UNSAFE)
    if isinstance(payload, OrderNotDone):
        over = state.by is not None and payload.reason == _own_end(state.by)
        return change(state, end=state.end or RunEnd.NOT_DONE, attempts=payload.attempt, over=over)
    if isinstance(payload, OrderCompleted):
        return change(state, end=RunEnd.COMPLETED)
    return state


def _with_step(
    procedure: Procedure, state: RunState, payload: StepDone, entry_id: str, at: str, unseal: Unseal
) -> RunState:
    try:
        step = procedure.step(payload.step)
    except KeyError:
        return state
    personal = {
        name: text
        for name, sealed in payload.sealed.items()
        if (text := unseal(f"step.{payload.step}.{name}", sealed)) is not None
    }
    try:
        answer = join_personal(step, payload.answers, personal)
    except msgspec.ValidationError:
        return state
    device = step.device if isinstance(step, ScanStep) else None
    aged = state.aged.get(step.id) if step.id not in state.done else None
    done = Done(
        step=step.id,
        answer=answer,
        # Done again for this visit, it corrects nothing of what was done after it on the one before.
        position=aged.position if aged is not None else state.position,
        at=at,
        entry_id=entry_id,
        device=device,
        ordered=_ordered(state) if isinstance(step, MatchStep) else None,
        sealed=state.sealed if isinstance(step, SealsStep) else None,
    )
    return msgspec.structs.replace(state, done={**state.done, step.id: done})


def _ordered(state: RunState) -> str | None:
    sources = state.match.payload.sources if state.match else []
    return next((one.serial for one in sources if one.source == "order"), None)


def _found(payload: MeterRead, at: str) -> Found:
    fields: dict[str, Any] = {
        name: getattr(payload, name) for name in Found.__struct_fields__ if hasattr(payload, name)
    }
    return Found(**fields, at=at)
