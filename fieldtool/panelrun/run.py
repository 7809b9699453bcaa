"""The probe moves along a panel: who is under it, what its order wants at the meter, and on to the next.

It walks the very procedures of the orders: only their steps at a meter, only when one of them is the order's
open step, each accepted into the journal as by hand. What needs a person (a label, a safety check, a relay, a
dangerous change) stays for the order's own page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from drivers import errors
from drivers.reading import Identity
from fieldtool.errors import JobError, StepRefused
from fieldtool.identity import normalise_serial
from fieldtool.panelrun import board
from fieldtool.panelrun.board import (
    Hint,
    PanelView,
    Phase,
    SlotState,
    SlotView,
    Stranger,
    Trouble,
    Unworkable,
    Who,
    Working,
)
from fieldtool.problems import explain
from fieldtool.procedure import model as m
from fieldtool.procedure.devices import scanned_serial
from fieldtool.procedure.engine import open_step
from fieldtool.procedure.state import RunState
from fieldtool.run import ProcedureRun
from fieldtool.run.atdevice import work_at_device
from fieldtool.text import Language
from workorders.clock import read_utc, utc_text
from workorders.journal.words import DeviceRole

Progress = Callable[[str, int, int, float | None], None]
Told = Callable[[PanelView], None]

SILENT = (errors.NoAnswer, errors.EchoOnly, errors.Garbage, errors.LinkLost)
"""While looking these mean: no meter under the probe (yet). Of another meter's light come garbage and a lost
link; whoever stays silent is shown with the reason."""
LINE = (*SILENT, errors.PortVanished, errors.OtherMeter)
PAUSE = 0.5
RESUMES = 3
"""How often a meter whose line was cut is taken up again by itself when it is under the probe once more."""


class Ground(Protocol):
    """What a panel run needs of the tablet."""

    @property
    def panel(self) -> str:
        """mRID of the panel."""
        ...

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    def orders(self) -> Sequence[ProcedureRun | Unworkable]:
        """Every order of the panel, to look at; nothing is begun."""
        ...

    def look(self, order_id: str) -> ProcedureRun:
        """One order as its entries say now: somebody may have gone on with it meanwhile."""
        ...

    def begin(self, order_id: str) -> ProcedureRun:
        """The order's run to work with; begins the order where that was not done."""
        ...

    def leave(self, order_id: str) -> None:
        """Let go of the order's run and its meter."""
        ...

    def identify(self, progress: Progress) -> Identity:
        """*Slow.* Who is under the probe, asked of the public client. Raises DriverError."""
        ...

    def stranger(self, serial: str, found: Identity) -> Stranger:
        """What this tablet knows of a meter that no order of the panel names."""
        ...

    def standing(self) -> dict[int, str]:
        """Serial by slot, by the network tree."""
        ...

    def cancel(self) -> None:
        """Stop `identify`; from any thread."""
        ...


class PanelRun:
    """One panel run. `run` blocks and belongs into a worker thread; `cancel`, `again`, `at` come from any."""

    def __init__(self, ground: Ground, language: Language, allow: Sequence[str] = ()) -> None:
        """allow: ids of dangerous changes that a person has permitted for every meter of this run."""
        self._ground = ground
        self._language = language
        self._allow = list(allow)
        self._stop, self._again = threading.Event(), threading.Event()
        self._said: int | None = None
        self._working: ProcedureRun | None = None
        self._under: str | None = None
        self._last_slot: int | None = None
        self._resumes: dict[str, int] = {}
        self._names: dict[str, board.Names] = {}
        self._there: dict[int, str] = {}
        self._told: Told = lambda view: None
        self.view = PanelView(
            panel=ground.panel, name=ground.name, phase=Phase.LOOKING, slots=[], done=0, total=0
        )

    # --- from any thread --------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stop as soon as the meter can be left well; what is accepted and written stays."""
        self._stop.set()
        working = self._working
        if working is not None:
            working.cancel()
        self._ground.cancel()

    def again(self) -> None:
        """Work the meter under the probe again: a person says so after it failed."""
        self._again.set()

    def at(self, slot: int | None) -> None:
        """A person says at which slot the probe is; the next meter that is met is compared with it."""
        self._said = slot

    # --- the loop ---------------------------------------------------------------------------------

    def load(self) -> PanelView:
        """Judge every order of the panel; the port is not touched."""
        self._there = self._ground.standing()
        slots = [
            run.view() if isinstance(run, Unworkable) else self._judged(run, None)
            for run in self._ground.orders()
        ]
        known = {serial for names in self._names.values() for serial in names.old | names.new}
        taken = {view.slot for view in slots}
        slots += [
            SlotView(slot=slot, state=SlotState.STANDING, serial=serial)
            for slot, serial in self._there.items()
            if serial not in known and slot not in taken
        ]
        slots.sort(key=lambda view: (view.slot is None, view.slot or 0, view.number or ""))
        return self._say(slots=slots)

    def run(self, told: Told, enough: Callable[[PanelView], bool] = lambda view: False) -> PanelView:
        """*Slow.* Until every meter is done, `enough` says so, or `cancel`.

        Raises:
            DriverError: the probe itself is not there (`no-probe`, `port-busy`, `port-vanished`).
            JobError: nothing can be worked at all (`nobody_signed_in`, …).
        """
        self._told = told
        self.load()
        while not self._stop.is_set() and not self._all_done() and not enough(self.view):
            try:
                self.look()
            except errors.Cancelled:
                if not self._stop.is_set():
                    raise
            self._stop.wait(PAUSE)
        return self._say(phase=Phase.FINISHED if self._all_done() else self.view.phase, working=None)

    def look(self) -> None:
        """*Slow.* Ask once who is under the probe, and work its order where that is to be done."""
        try:
            found = self._ground.identify(self._progress)
        except SILENT as error:
            self._under = None
            self._say(
                phase=Phase.LOOKING, here=None, stranger=None, hints=[], working=None, silent=error.code
            )
            return
        serial = normalise_serial(found.serial)
        again = self._again.is_set()
        self._again.clear()
        if serial is not None and serial == self._under and not again and not self._may_resume(serial):
            self._say(working=None)
            return
        self._under = serial
        self._met(serial, found, again)

    def _met(self, serial: str | None, found: Identity, again: bool) -> None:
        order_id, role = self._whose(serial)
        if serial is None or order_id is None or role is None:
            self._strange(serial, found)
            return
        view = self._judged(self._ground.look(order_id), role)
        said, self._said = self._said, None
        hints = board.slot_hints(
            view, said=said, last=self._last_slot, slots=self.view.slots, there=self._there
        )
        self._last_slot = view.slot if view.slot is not None else self._last_slot
        before = next((one.trouble for one in self.view.slots if one.order_id == order_id), None)
        wrong = any(hint.code == "wrong_slot" for hint in hints)
        if wrong or self._is_locked(before) or (before is not None and before.again and not again):
            # In another slot than was said, or it failed before: nothing more without a person's word.
            held = view if wrong else msgspec.structs.replace(view, state=_held(before), trouble=before)
            self._put(held, phase=Phase.HELD, hints=hints)
            return
        if view.state is not SlotState.READY:
            phase = Phase.NEXT if view.state in (SlotState.DONE, SlotState.ENDED) else Phase.HELD
            self._put(view, phase=phase, hints=hints)
            return
        self._work(order_id, serial, role, view, hints)

    def _work(self, order_id: str, serial: str, role: DeviceRole, view: SlotView, hints: list[Hint]) -> None:
        self._put(msgspec.structs.replace(view, state=SlotState.WORKING), phase=Phase.WORKING, hints=hints)
        run: ProcedureRun | None = None
        try:
            run = self._working = self._ground.begin(order_id)
            self._walk(run, serial, role)
            found = self._judged(run, role)
            finished = found.state in (SlotState.DONE, SlotState.ENDED)
            found = msgspec.structs.replace(found, session=finished or view.session)
            self._put(found, phase=Phase.NEXT if finished else Phase.HELD, hints=hints)
        except errors.Cancelled:
            self._put(self._judged(run, role) if run else view, phase=Phase.LOOKING)
            raise
        except (errors.NoProbe, errors.PortBusy):
            self._put(self._judged(run, role) if run else view, phase=Phase.LOOKING)
            raise
        except (errors.DriverError, StepRefused) as error:
            self._failed(self._judged(run, role) if run else view, error, hints)
        except JobError as error:
            if error.code == "nobody_signed_in":
                raise
            self._failed(view, error, hints)
        finally:
            self._working = None
            self._ground.leave(order_id)

    def _walk(self, run: ProcedureRun, serial: str, role: DeviceRole) -> None:
        """The steps at this device, as long as one of them is the open one."""
        while not self._stop.is_set():
            step = open_step(run.procedure, run.job(), run.state)
            if step is None or board.role_of(step) is not role:
                return
            run.go(step.id)
            self._put(self._working_view(run, role, step), phase=Phase.WORKING, hints=self.view.hints)
            fields = {"allow": self._allow} if isinstance(step, m.PlanApplyStep) else {}
            work_at_device(run, step, fields, self._progress)
            if isinstance(step, m.MeterReadStep):
                self._same(run, serial)
            run.accept(fields)
        raise errors.Cancelled

    @staticmethod
    def _same(run: ProcedureRun, serial: str) -> None:
        """A head that was moved on while it read must not put another meter's values into this order."""
        found = run.bench.found
        if found is None or normalise_serial(found.serial) != serial:
            raise errors.OtherMeter(detail=f"{found.serial if found else None} is at the port, not {serial}")

    def _failed(self, view: SlotView, error: errors.DriverError | JobError, hints: list[Hint]) -> None:
        """Keep why, and whether it may go on by itself.

        A meter whose first reading is in the journal has let us in before, so a cut line is nothing that a
        password could be counted for; every other failure waits for a person.
        """
        told = explain(error, self._language)
        serial = view.serial or ""
        read = view.state is SlotState.READY and view.step != self._first_step(view)
        resume = isinstance(error, LINE) and read and self._resumes.get(serial, 0) < RESUMES
        if resume:
            self._resumes[serial] = self._resumes.get(serial, 0) + 1
        until = None
        if isinstance(error, errors.LockedOut) and error.seconds:
            until = utc_text(datetime.now(UTC) + timedelta(seconds=error.seconds))
        trouble = Trouble(
            code=told.code,
            what=" ".join([told.what, *told.problems]),
            hint=told.hint,
            until=until,
            again=not resume,
        )
        state = SlotState.LOCKED if until else SlotState.FAILED
        if isinstance(error, StepRefused):
            state = SlotState.STOPPED
        self._put(msgspec.structs.replace(view, state=state, trouble=trouble), phase=Phase.HELD, hints=hints)

    def _first_step(self, view: SlotView) -> str | None:
        """Id of the first step at this device: before it is accepted nobody knows whether we are let in."""
        run = self._ground.look(view.order_id) if view.order_id else None
        own = [step.id for step in run.procedure.steps if board.role_of(step) is view.role] if run else []
        return own[0] if own else None

    def _may_resume(self, serial: str) -> bool:
        here = self.view.here
        return (
            here is not None and here.serial == serial and here.trouble is not None and not here.trouble.again
        )

    @staticmethod
    def _is_locked(trouble: Trouble | None) -> bool:
        return (
            trouble is not None and trouble.until is not None and read_utc(trouble.until) > datetime.now(UTC)
        )

    def _strange(self, serial: str | None, found: Identity) -> None:
        if serial is None:
            stranger = Stranger(
                who=Who.UNNAMED, serial=None, manufacturer=found.manufacturer, model=found.model
            )
        else:
            stranger = self._ground.stranger(serial, found)
        self._say(phase=Phase.STRANGER, here=None, stranger=stranger, hints=[], working=None, silent=None)

    # --- the picture ------------------------------------------------------------------------------

    def _whose(self, serial: str | None) -> tuple[str | None, DeviceRole | None]:
        if serial is None:
            return None, None
        for order_id, names in self._names.items():
            role = names.role_of(serial)
            if role is not None:
                return order_id, role
        return None, None

    def _judged(self, run: ProcedureRun, role: DeviceRole | None) -> SlotView:
        self._names[run.order_id] = names = _names(run)
        if role is None:
            state, role, step = board.relevant(run.procedure, run.job(), run.state)
        else:
            found, step = board.standing(run.procedure, run.job(), run.state, role)
            state = found or SlotState.WAITING
        return SlotView(
            slot=run.order.place.slot,
            state=state,
            serial=self._serial(run, role, names),
            order_id=run.order_id,
            number=run.order.number,
            role=role,
            step=step.id if step else None,
            step_title=step.title.in_language(self._language) if step else "",
        )

    def _serial(self, run: ProcedureRun, role: DeviceRole, names: board.Names) -> str | None:
        """The serial to show: the one under the probe, else the label's, else the order's."""
        own = names.new if role is DeviceRole.NEW else names.old
        if self._under in own:
            return self._under
        asset = run.order.new_asset if role is DeviceRole.NEW else run.order.old_asset
        return scanned_serial(run.state, role) or normalise_serial(asset.serial if asset else None)

    def _working_view(self, run: ProcedureRun, role: DeviceRole, step: m.Step) -> SlotView:
        view = self._judged(run, role)
        title = step.title.in_language(self._language)
        return msgspec.structs.replace(view, state=SlotState.WORKING, step=step.id, step_title=title)

    def _put(self, view: SlotView, *, phase: Phase, hints: Sequence[Hint] = ()) -> None:
        """Show a slot's new state, as the one under the probe."""
        kept = next((one for one in self.view.slots if one.order_id == view.order_id), None)
        view = msgspec.structs.replace(view, session=view.session or (kept is not None and kept.session))
        slots = [view if one.order_id == view.order_id and one.order_id else one for one in self.view.slots]
        self._say(
            phase=phase,
            slots=slots,
            here=view,
            stranger=None,
            hints=list(hints),
            silent=None,
            working=self.view.working if phase is Phase.WORKING else None,
        )

    def _progress(self, step: str, done: int, total: int, left: float | None) -> None:
        if self.view.phase is Phase.WORKING:
            self._say(working=Working(step=step, done=done, total=total, seconds_left=left))

    def _all_done(self) -> bool:
        return self.view.total > 0 and self.view.done == self.view.total

    def _say(self, **changes: object) -> PanelView:
        view = msgspec.structs.replace(self.view, **changes)
        orders = [one for one in view.slots if one.order_id is not None]
        view = msgspec.structs.replace(
            view,
            total=len(orders),
            done=sum(one.session or one.state in (SlotState.DONE, SlotState.ENDED) for one in orders),
            expected=board.expected_slot(view.slots, self._last_slot),
        )
        if view != self.view:
            self.view = view
            self._told(view)
        return view


def _names(run: ProcedureRun) -> board.Names:
    order, state = run.order, run.state
    old = {order.old_asset.serial if order.old_asset else None, scanned_serial(state, DeviceRole.OLD)}
    new = {order.new_asset.serial if order.new_asset else None, scanned_serial(state, DeviceRole.NEW)}
    return board.Names(
        old=_plain(old | _read(state, DeviceRole.OLD)), new=_plain(new | _read(state, DeviceRole.NEW))
    )


def _read(state: RunState, role: DeviceRole) -> set[str | None]:
    found = state.reads.get(role)
    return {found.serial if found else None}


def _plain(serials: set[str | None]) -> frozenset[str]:
    return frozenset(plain for serial in serials if (plain := normalise_serial(serial)) is not None)


def _held(trouble: Trouble | None) -> SlotState:
    if PanelRun._is_locked(trouble):
        return SlotState.LOCKED
    return SlotState.FAILED
