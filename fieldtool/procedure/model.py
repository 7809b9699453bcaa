"""A procedure as a file says it: phases of typed steps, their rules, and the reasons not to complete.

Each step kind is its own struct, so a rule that makes no sense for a kind cannot be written. Personal text is
never a matter of the file: which fields are sealed is fixed per kind in `fieldtool.procedure.answers`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from fieldtool.procedure.parts import Again as Again
from fieldtool.procedure.parts import Change as Change
from fieldtool.procedure.parts import Check as Check
from fieldtool.procedure.parts import Choice as Choice
from fieldtool.procedure.parts import Condition as Condition
from fieldtool.procedure.parts import NextVisit as NextVisit
from fieldtool.procedure.parts import PositionRules as PositionRules
from fieldtool.procedure.parts import WiringQuestion as WiringQuestion
from fieldtool.procedure.values import CHECKS
from fieldtool.text import Text
from fieldtool.tomlfile import FileMistake, line_of, read_toml
from workorders.journal.words import DeviceRole, TaskKind
from workorders.people import Role

MAX_STEPS_A_PHASE = 4
"""What fits beside a page without scrolling at 1280 × 800."""


class StepBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every step has.

    Attributes:
        id: stable within the procedure; journal entries name it.
        safety: a failed check ends the order as unsafe; no role passes it.
        roles: who may accept it; empty for anybody.
        redo_after: steps after whose correction this one has to be done again.
        fresh: earlier steps that have to be of this very visit (`fresh_minutes` of the procedure) when this
            one is first accepted: what was proven dead, or read for the last time, on another day is not.
        position: where the crew is, is taken when the step comes up (confirm, photo and place steps).
    """

    id: str
    title: Text
    help: Text | None = None
    when: list[Condition] = []
    safety: bool = False
    roles: list[Role] = []
    redo_after: list[str] = []
    fresh: list[str] = []
    position: bool = False


class Effect(StrEnum):
    """What confirming causes besides the step itself."""

    SWAPPED = "swapped"
    REMOVED = "removed"
    RESTORED = "restored"
    """The swap is undone: the new device comes off, the old one hangs where it was."""
    REMOVED_SEALED = "removed_sealed"
    """Removed as evidence: it goes sealed to the laboratory, and the chain of custody begins."""


class ConfirmStep(StepBase, frozen=True, kw_only=True, tag="confirm"):
    """Checks to confirm; `each`: one by one (always so on safety steps), else all by the one button."""

    checks: list[Check]
    each: bool = False
    effect: Effect | None = None

    @property
    def one_by_one(self) -> bool:
        """Whether each check is ticked on its own."""
        return self.each or self.safety


class ChooseStep(StepBase, frozen=True, kw_only=True, tag="choose"):
    """One of several allowed values."""

    choices: list[Choice]


class NumberStep(StepBase, frozen=True, kw_only=True, tag="number"):
    """A typed decimal. With `register` it is the dial reading of `device` and is compared with the optical
    reading and with what is plausible."""

    unit: str
    minimum: str | None = None
    maximum: str | None = None
    decimals: int = 0
    digits: int = 9
    device: DeviceRole | None = None
    register: str | None = None
    reasons: list[Choice] = []
    not_obtainable: list[Choice] = []


class TextStep(StepBase, frozen=True, kw_only=True, tag="text"):
    """Free text; always sealed."""

    required: bool = True
    pattern: str | None = None
    max_length: int = 500


class ValueStep(StepBase, frozen=True, kw_only=True, tag="value"):
    """A technical value, typed or scanned: an address, a card's number, a ratio. Never personal: kept plain.

    Attributes:
        check: one of `fieldtool.procedure.values.CHECKS`. pattern: for the whole value, where none knows it.
        identity: the value identifies the new device in its network under this name.
        unique: another device with this `identity` refuses it.
        agrees_with: earlier value step, another source, that must say the same; it is not shown here.
        expects: what the order calls it (`program_values`), meter: class and attribute (`116:6`) by which the
            new meter says it; a value that is not the same needs one of `reasons`.
        optional: may be empty. plausible: a ratio is held against the meters; what misfits needs a reason.
        program: under which names a program is told it (`plate.constant`); of a ratio primary and secondary.
    """

    check: str | None = None
    pattern: str | None = None
    identity: str | None = None
    unique: bool = False
    agrees_with: str | None = None
    expects: str | None = None
    meter: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+:[0-9]+$")] | None = None
    reasons: list[Choice] = []
    optional: bool = False
    plausible: bool = False
    program: list[Annotated[str, msgspec.Meta(pattern=r"^plate\.[a-z][a-z0-9_]*$")]] = []
    max_length: int = 80


class PhotoStep(StepBase, frozen=True, kw_only=True, tag="photo"):
    """Photos of one thing; `must_show` says what has to be visible."""

    what: str
    must_show: Text
    minimum: int = 1
    maximum: int = 6


class PanelPhotoStep(StepBase, frozen=True, kw_only=True, tag="panel_photo"):
    """One photo of the whole panel of the order, read and held against the orders of its meters.

    `reasons`: why it is left though slots are unread, empty or wrong; without one it has to come out even.
    """

    what: str
    must_show: Text
    reasons: list[Choice] = []


class ScanStep(StepBase, frozen=True, kw_only=True, tag="scan"):
    """The label of a device; `unreadable` are the reasons for typing a serial instead (photo demanded)."""

    device: DeviceRole
    unreadable: list[Choice] = []


class MeterReadStep(StepBase, frozen=True, kw_only=True, tag="meter_read"):
    """A meter through its optical port, read twice in separate requests where `twice`.

    `not_obtainable` are the reasons for going on without a reading; empty: it cannot be passed.
    """

    device: DeviceRole
    twice: bool = True
    items: list[str] = []
    not_obtainable: list[Choice] = []


class MatchStep(StepBase, frozen=True, kw_only=True, tag="match"):
    """The four-way match of the new device.

    `optical = false` for a device that has no optical port; `stock = false` for one that hung there before.
    """

    optical: bool = True
    stock: bool = True


class PlanApplyStep(StepBase, frozen=True, kw_only=True, tag="plan_apply"):
    """Configure the meter by the order's program."""


class RelayOperation(StrEnum):
    """What is done with the supply relay: opened and closed again, opened, or closed."""

    TEST = "test"
    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"


class RelayStep(StepBase, frozen=True, kw_only=True, tag="relay"):
    """Switch the supply relay of `device`, on the last four digits of the serial."""

    device: DeviceRole = DeviceRole.NEW
    operation: RelayOperation = RelayOperation.TEST
    untested: list[Choice] = []


class SealAction(StrEnum):
    """What was done with a seal."""

    FOUND = "found"
    APPLIED = "applied"


class SealsStep(StepBase, frozen=True, kw_only=True, tag="seals"):
    """Seals by position; `condition` are the states in which a found seal can be."""

    action: SealAction
    device: DeviceRole
    positions: list[Choice]
    condition: list[Choice] = []
    minimum: int = 0


class PlaceWhat(StrEnum):
    """What is placed: a meter hangs on a collector by the rules of its technology; a node of the tree itself
    (a concentrator, a panel) and a device of the line stand at a transformer or on a feeder."""

    METER = "meter"
    NODE = "node"
    LINE_DEVICE = "line_device"


class PlaceStep(StepBase, frozen=True, kw_only=True, tag="place"):
    """Where the new device sits: concentrator, panel, slot, phase, position."""

    what: PlaceWhat = PlaceWhat.METER


class JoinStep(StepBase, frozen=True, kw_only=True, tag="join"):
    """Whether the network hears a device: the new one, or the one that stands there."""

    device: DeviceRole = DeviceRole.NEW


class BalanceStep(StepBase, frozen=True, kw_only=True, tag="balance"):
    """The power of the meters here against the macro meter, read one after another with the probe.

    `reasons`: why it is left open or does not close; without one it has to close.
    """

    reasons: list[Choice] = []


class SignatureStep(StepBase, frozen=True, kw_only=True, tag="signature"):
    """The customer signs; or `refused`/`absent`, where a witness signs.

    `role`: who signs, where it is not the customer (a witness, who takes an exhibit over). `witness = false`:
    nobody has to sign in the place of one who does not.
    """

    role: Text | None = None
    witness: bool = True
    outcomes: list[Choice]


class SummaryStep(StepBase, frozen=True, kw_only=True, tag="summary"):
    """The last look; accepting it ends the order with its record. `checks` as on a confirm page.

    `not_done`: the order ends as not executed for this reason; the record proves the visit.
    """

    checks: list[Check] = []
    not_done: str | None = None


Step: TypeAlias = (
    ConfirmStep
    | ChooseStep
    | NumberStep
    | TextStep
    | ValueStep
    | PhotoStep
    | PanelPhotoStep
    | ScanStep
    | MeterReadStep
    | MatchStep
    | PlanApplyStep
    | RelayStep
    | SealsStep
    | PlaceStep
    | JoinStep
    | BalanceStep
    | SignatureStep
    | SummaryStep
)


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named group of steps."""

    id: str
    title: Text
    step: list[Step]


class Procedure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A versioned procedure for orders of some kinds.

    `return_after` attempts without success the order goes back to the utility. `record`: title of its record,
    which then lists what was established step by step; without one it is the installation record.
    `fresh_minutes`: how long what a step asks for as `fresh` may lie back. Without `next_visit` each visit
    begins anew. `change`: other work that a crew may go on with.
    """

    id: str
    version: int
    kinds: list[TaskKind]
    title: Text
    phase: list[Phase]
    record: Text | None = None
    not_done: list[Choice]
    return_after: int = 3
    fresh_minutes: int = 240
    position: PositionRules = PositionRules()
    next_visit: NextVisit | None = None
    change: list[Change] = []

    @property
    def steps(self) -> list[Step]:
        """All steps in order."""
        return [step for phase in self.phase for step in phase.step]

    def step(self, step_id: str) -> Step:
        """The step of that id; KeyError for an unknown one."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


def kind_of(step: Step) -> str:
    """The word that names the kind of a step in files, answers and screens."""
    tag = type(step).__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def load_procedure(path: Path) -> Procedure:
    """Read a procedure file.

    Raises:
        FileMistake: with file, line and reason.
    """
    procedure, text = read_toml(path, Procedure)
    _check_steps(procedure, text, path.name)
    return procedure


def load_procedures(folder: Path) -> dict[str, Procedure]:
    """All procedures of a folder by id.

    Raises:
        FileMistake: one of them has a mistake, or two have the same id.
    """
    found: dict[str, Procedure] = {}
    for path in sorted(folder.glob("*.toml")):
        procedure = load_procedure(path)
        if procedure.id in found:
            raise FileMistake(path.name, 0, f"the procedure {procedure.id!r} is already in another file")
        found[procedure.id] = procedure
    return found


def _check_steps(procedure: Procedure, text: str, file: str) -> None:
    """What types cannot say: unique ids, references backwards only, a safety step that can fail, one end."""
    seen: set[str] = set()
    for p, phase in enumerate(procedure.phase):
        for s, step in enumerate(phase.step):
            where = ("phase", p, "step", s)
            reason = _mistake_of(step, seen)
            if reason:
                raise FileMistake(file, line_of(text, where), f"step {step.id!r}: {reason}")
            seen.add(step.id)
        unconditional = [step for step in phase.step if not step.when]
        if len(unconditional) > MAX_STEPS_A_PHASE:
            line = line_of(text, ("phase", p))
            raise FileMistake(file, line, f"phase {phase.id!r} has more than {MAX_STEPS_A_PHASE} steps")
    last = procedure.steps[-1:]
    if not last or not isinstance(last[0], SummaryStep):
        raise FileMistake(file, len(text.splitlines()), "the last step must be of kind 'summary'")
    ends = last[0].not_done
    if ends is not None and ends not in {choice.id for choice in procedure.not_done}:
        line = line_of(text, ("phase", len(procedure.phase) - 1))
        raise FileMistake(file, line, f"{ends!r} is none of the reasons in 'not_done'")
    _check_next_visit(procedure, file)
    if not procedure.not_done:
        raise FileMistake(file, 1, "without reasons in 'not_done' no crew could leave an order")


def _check_next_visit(procedure: Procedure, file: str) -> None:
    order = [step.id for step in procedure.steps]
    going = procedure.next_visit or NextVisit(after=[], again=[])
    limits = [name for change in procedure.change for name in (change.before, change.after) if name]
    for name in [*going.after, *(one.step for one in going.again), *limits]:
        if name not in order:
            raise FileMistake(file, 1, f"'next_visit' or 'change' refers to {name!r}, which is no step")
    for one in going.again:
        if one.until is not None and one.until not in order[order.index(one.step) + 1 :]:
            raise FileMistake(file, 1, f"'next_visit': {one.until!r} is no step after {one.step!r}")
    for change in procedure.change:
        if change.to == procedure.id or not change.reasons:
            raise FileMistake(file, 1, f"'change' to {change.to!r}: other work, with reasons for it")


def _mistake_of(step: Step, seen: set[str]) -> str | None:
    if step.id in seen:
        return "this id is used before"
    earlier = [*step.redo_after, *step.fresh, *(c.step for c in conditions_of(step) if c.step is not None)]
    if isinstance(step, ValueStep):
        if step.check is not None and step.check not in CHECKS:
            return f"there is no check {step.check!r}"
        if step.plausible and (step.check != "ratio" or not step.reasons):
            return "what is plausible is known of a ratio, and needs reasons for one that is not"
        if step.meter is not None and not step.reasons:
            return "what the meter says may differ, and needs reasons for that"
        if len(step.program) not in (0, 2 if step.check == "ratio" else 1):
            return "a program is told one value, of a ratio two: primary and secondary"
        earlier += [step.agrees_with] if step.agrees_with is not None else []
    for name in earlier:
        if name not in seen:
            return f"it refers to {name!r}, which is no earlier step"
    for condition in conditions_of(step):
        named = [condition.fact, condition.flag, condition.step]
        if sum(name is not None for name in named) != 1 or (condition.step is None) != (
            condition.field is None
        ):
            return "a condition names one of fact, flag, or step with field"
    if step.safety and not isinstance(step, ConfirmStep):
        return "only confirm steps can be safety steps"
    if step.position and not isinstance(step, ConfirmStep | PhotoStep | PlaceStep):
        return "only confirm, photo and place steps take a position"
    return None


def conditions_of(step: Step) -> list[Condition]:
    """The conditions of the step and of its checks."""
    found = list(step.when)
    if isinstance(step, ConfirmStep | SummaryStep):
        for check in step.checks:
            found.extend(check.when)
    return found
