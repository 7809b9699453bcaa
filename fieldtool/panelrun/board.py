"""The panel as a panel run sees it: slots, their state, who a meter under the probe is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.state import Job, RunState
from fieldtool.run.atdevice import BY_ITSELF
from workorders.journal.words import DeviceRole


class SlotState(StrEnum):
    """How a meter of the panel stands.

    `ready`: the probe may come, its next step is one at the meter; `waiting`: another step of its order comes
    first; `failed`: the port or the meter; `locked`: the meter lets nobody in for a while; `stopped`: read or
    written, but a person has to decide; `standing`: hangs there without an order of this crew.
    """

    READY = "ready"
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    LOCKED = "locked"
    STOPPED = "stopped"
    ENDED = "ended"
    STANDING = "standing"


class Phase(StrEnum):
    """What a panel run does now. `next`: this meter needs nothing more from the probe, move on."""

    LOOKING = "looking"
    WORKING = "working"
    NEXT = "next"
    HELD = "held"
    STRANGER = "stranger"
    FINISHED = "finished"


class Who(StrEnum):
    """Who a meter is that is no open one of this panel."""

    OTHER_PLACE = "other_place"
    STANDING = "standing"
    ON_TRUCK = "on_truck"
    FOREIGN = "foreign"
    UNNAMED = "unnamed"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a meter could not be finished, as codes and texts; `until`: an instant (UTC) before which the meter
    lets nobody in; `again`: whether it is worked again only when a person says so."""

    code: str
    what: str
    hint: str = ""
    until: str | None = None
    again: bool = True


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    """One meter of the panel: its slot, the serial that the probe would meet now, and how it stands.

    `step` is the id of the order's open step and `step_title` its words; `session`: finished in this run.
    """

    slot: int | None
    state: SlotState
    serial: str | None = None
    order_id: str | None = None
    number: str | None = None
    role: DeviceRole | None = None
    step: str | None = None
    step_title: str = ""
    trouble: Trouble | None = None
    session: bool = False


class Unworkable(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the panel that cannot be opened on this tablet (its key or procedure is not here)."""

    order_id: str
    number: str
    slot: int | None
    trouble: Trouble

    def view(self) -> SlotView:
        """Its slot; nothing can be recognised of it."""
        return SlotView(
            slot=self.slot,
            state=SlotState.FAILED,
            order_id=self.order_id,
            number=self.number,
            trouble=self.trouble,
        )


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """A meter that does not belong here, by its identity alone: no password was sent and nothing written.

    `order`, `place`, `slot`: where it belongs, as far as this tablet knows.
    """

    who: Who
    serial: str | None
    manufacturer: str | None = None
    model: str | None = None
    order: str | None = None
    place: str | None = None
    slot: int | None = None


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something about slots that is worth a look: `wrong_slot`, `stands_elsewhere`, `passed_over`."""

    code: str
    params: dict[str, str] = {}


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """Progress at the meter: a step word (key `progress.<word>`), done of total, seconds left if known."""

    step: str
    done: int
    total: int
    seconds_left: float | None = None


class PanelView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page or a terminal shows of a panel run.

    `done` of `total` counts meters of orders; `here` is the meter under the probe; `silent`: why nobody
    answers while looking (code of a driver error), None before the first look.
    """

    panel: str
    name: str
    phase: Phase
    slots: list[SlotView]
    done: int
    total: int
    here: SlotView | None = None
    stranger: Stranger | None = None
    hints: list[Hint] = []
    working: Working | None = None
    expected: int | None = None
    silent: str | None = None


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Serials by which the devices of an order are known: of the order, of the label, of the optical port."""

    old: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()

    def role_of(self, serial: str) -> DeviceRole | None:
        """Which device of the order a serial names; the new one first."""
        if serial in self.new:
            return DeviceRole.NEW
        return DeviceRole.OLD if serial in self.old else None


def role_of(step: m.Step) -> DeviceRole | None:
    """The device that a step at a meter is about; None for a step that is not worked by itself."""
    if not isinstance(step, BY_ITSELF):
        return None
    return step.device if isinstance(step, m.MeterReadStep) else DeviceRole.NEW


def standing(
    procedure: m.Procedure, job: Job, state: RunState, role: DeviceRole
) -> tuple[SlotState | None, m.Step | None]:
    """How a device of an order stands for the probe, and the order's open step.

    None as state: this procedure has no step at that device. A device is done when its reading, match and
    program are; the join to the network comes later and makes it ready once more.
    """
    step = engine.open_step(procedure, job, state)
    if state.end is not None:
        return SlotState.ENDED, None
    own = [one for one in engine.visible_steps(procedure, job, state) if role_of(one) is role]
    if not own:
        return None, step
    if step in own:
        return SlotState.READY, step
    before = [one for one in own if not isinstance(one, m.JoinStep)] or own
    done = all(engine.is_done(one, procedure, job, state) for one in before)
    return (SlotState.DONE if done else SlotState.WAITING), step


def relevant(
    procedure: m.Procedure, job: Job, state: RunState
) -> tuple[SlotState, DeviceRole, m.Step | None]:
    """The device of an order that the probe would meet now: the old one until it is read, then the new."""
    found, step = standing(procedure, job, state, DeviceRole.OLD)
    if found in (SlotState.READY, SlotState.WAITING):
        return found, DeviceRole.OLD, step
    found, step = standing(procedure, job, state, DeviceRole.NEW)
    if found is None:
        # A procedure without work at a meter: the probe has nothing to do there.
        return SlotState.WAITING, DeviceRole.NEW, step
    return found, DeviceRole.NEW, step


def expected_slot(slots: Sequence[SlotView], last: int | None) -> int | None:
    """The slot where the probe should go next: the first ready one after the last, else the first at all."""
    ready = sorted(view.slot for view in slots if view.slot is not None and view.state is SlotState.READY)
    after = [slot for slot in ready if last is None or slot > last]
    return next(iter(after or ready), None)


def slot_hints(
    view: SlotView, *, said: int | None, last: int | None, slots: Sequence[SlotView], there: Mapping[int, str]
) -> list[Hint]:
    """What is odd about where this meter was met.

    Args:
        said: the slot at which a person says the probe is.
        last: the slot of the meter before.
        there: serial by slot, by the network tree.
    """
    hints: list[Hint] = []
    if said is not None and view.slot is not None and said != view.slot:
        hints.append(Hint(code="wrong_slot", params={"said": str(said), "slot": str(view.slot)}))
    listed = next((slot for slot, serial in there.items() if serial == view.serial), None)
    if listed is not None and view.slot is not None and listed != view.slot:
        hints.append(Hint(code="stands_elsewhere", params={"slot": str(view.slot), "listed": str(listed)}))
    if last is not None and view.slot is not None:
        low, high = sorted((last, view.slot))
        missed = [
            str(one.slot)
            for one in slots
            if one.slot is not None and low < one.slot < high and one.state is SlotState.READY
        ]
        if missed:
            hints.append(Hint(code="passed_over", params={"slots": ", ".join(missed)}))
    return hints
