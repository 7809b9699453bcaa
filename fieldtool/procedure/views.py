"""What a page needs to show a step: typed, in the language of the screen, free of Qt.

`RunView` is the whole procedure (steps list and current page). The content of the page stands in
`StepView.body`, one struct a step kind. Text is ready to be shown; reasons are ids with text beside
(`Option`). Problems are `Problem{code, field, params}` with the translation key `problem.<code>`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from fieldtool.procedure.pagewords import Option, PositionView, Problem, RunEnd, StepState
from fieldtool.procedure.visitviews import StandingView, WorkView

__all__ = ["Option", "PositionView", "Problem", "RunEnd", "StandingView", "StepState", "WorkView"]
"""Of `pagewords.py`, for whoever speaks of views."""


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step in the list. `saved_at` UTC RFC 3339."""

    id: str
    number: int
    title: str
    kind: str
    state: StepState
    safety: bool
    saved_at: str | None = None
    note: str | None = None


class PhaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A phase with its visible steps."""

    id: str
    title: str
    done: int
    total: int
    current: bool
    steps: list[StepRow]


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """A line to confirm. `photo`: what it must show, where a photo is demanded; `photo_sha256` once taken.

    `measured`: what the meter's own values say to it, with its tone (`good`, `wrong` or none).
    """

    id: str
    text: str
    checked: bool
    photo: str | None = None
    photo_sha256: str | None = None
    measured: str | None = None
    measured_tone: str = ""


class PhotoView(msgspec.Struct, frozen=True, kw_only=True):
    """A photo of this order; its bytes by `ProcedureRun.photo(sha256)`."""

    sha256: str
    what: str
    size: int


class ReadingView(msgspec.Struct, frozen=True, kw_only=True):
    """A reading on a page; `value` decimal text, None where there is none and `status` says why."""

    item: str
    name: str
    value: str | None
    unit: str | None
    status: str | None = None


class ConfirmBody(msgspec.Struct, frozen=True, kw_only=True, tag="confirm"):
    """`one_by_one`: each check is ticked by itself, in order. `facts` are lines to compare with the place."""

    checks: list[CheckView]
    one_by_one: bool
    facts: list[FactView] = []


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """A named value shown on a page. Label: key `fact.<name>`."""

    name: str
    value: str
    unit: str | None = None


class ChooseBody(msgspec.Struct, frozen=True, kw_only=True, tag="choose"):
    """Options; `chosen` is the id."""

    options: list[Option]
    chosen: str | None


class NumberBody(msgspec.Struct, frozen=True, kw_only=True, tag="number"):
    """`low`…`high` is the plausible range, `last` the reading before, `optical` the one of the port."""

    unit: str
    value: str | None
    digits: int
    decimals: int
    low: str | None
    high: str | None
    last: str | None
    last_at: str | None
    optical: str | None
    reasons: list[Option]
    not_obtainable: list[Option]


class TextBody(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Free text."""

    text: str
    required: bool
    max_length: int


class ValueBody(msgspec.Struct, frozen=True, kw_only=True, tag="value"):
    """A technical value; `expected` is what the order says, `reasons` why it may be another one."""

    value: str | None
    expected: str | None
    reasons: list[Option]
    optional: bool


class PhotoBody(msgspec.Struct, frozen=True, kw_only=True, tag="photo"):
    """Photos taken so far and what must be visible."""

    must_show: str
    minimum: int
    maximum: int
    photos: list[PhotoView]


class PanelPhotoBody(msgspec.Struct, frozen=True, kw_only=True, tag="panel_photo"):
    """The photo of the order's panel; `taken`: it was read, and `seen` says what it shows now, else what the
    accepted answer says. `panel` None: the order names none."""

    must_show: str
    panel: str | None
    taken: bool
    reasons: list[Option]
    expected: int = 0
    right: int = 0
    missing: list[str] = []
    foreign: list[str] = []
    unread: list[int] = []
    wrong: list[int] = []


class ScanBody(msgspec.Struct, frozen=True, kw_only=True, tag="scan"):
    """`expected` serial, if the order names one; `serial` once scanned; `identities` by name (mac, imei,
    …)."""

    device: str
    expected: str | None
    serial: str | None
    identities: dict[str, str]
    unreadable: list[Option]
    typed: bool = False


class MeterReadBody(msgspec.Struct, frozen=True, kw_only=True, tag="meter_read"):
    """`done`: the meter was read (both readings agree); `recording`: of its last session, `attached` to the
    order, `offered` where something was done here, or empty."""

    device: str
    done: bool
    port: str | None
    serial: str | None
    model: str | None
    firmware: str | None
    readings: list[ReadingView]
    not_obtainable: list[Option]
    recording: str = ""


class MatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four sources.

    Attributes:
        source: `order`, `label`, `optical`, `stock`.
        state: `expected`, `equal`, `differs`, `unread`, `other_order`, `not_on_truck`, `absent` (key
        `match.state.*`).
        marks: half-open ranges of `serial` that differ from the reference.
        at: when it was captured, UTC.
    """

    source: str
    serial: str | None
    state: str
    marks: list[tuple[int, int]]
    at: str | None = None
    note: str | None = None


class MatchBody(msgspec.Struct, frozen=True, kw_only=True, tag="match"):
    """`cause` has the key `match.cause.<cause>`, `remedy` the key `match.remedy.<remedy>`, both with
    `params`.

    `rescan_step`: where the remedy leads. `other_order`: id of the order that it was swapped with.
    """

    verdict: str
    rows: list[MatchRow]
    cause: str | None
    remedy: str | None
    params: dict[str, str]
    rescan_step: str | None
    other_order: str | None
    overridden_by: str | None
    reasons: list[Option]


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the plan. `state`: same, differs, writing, verified, failed, rolled_back, untouched,
    intended."""

    id: str
    item: str
    name: str
    now: str | None
    will_be: str
    state: str
    danger: str
    detail: str | None = None


class PlanBody(msgspec.Struct, frozen=True, kw_only=True, tag="plan_apply"):
    """`planned` before `changes` mean anything; `complete` when nothing is left; `unsettled` intents of a
    cut; `recording` as in `MeterReadBody`."""

    program: str
    serial: str | None
    planned: bool
    changes: list[ChangeRow]
    complete: bool
    unsettled: int
    recording: str = ""


class RelayBody(msgspec.Struct, frozen=True, kw_only=True, tag="relay"):
    """`last_four` must be typed or tapped and held; `blocked` by missing consent; `recording` as in
    `MeterReadBody`."""

    last_four: str
    result: str | None
    blocked: bool
    untested: list[Option]
    operation: str = "test"
    recording: str = ""


class SealView(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded seal."""

    number: str
    position: str
    condition: str | None = None


class SealsBody(msgspec.Struct, frozen=True, kw_only=True, tag="seals"):
    """Seals by position."""

    action: str
    positions: list[Option]
    conditions: list[Option]
    minimum: int
    seals: list[SealView]
    none: bool


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    """A slot of a panel; `state`: free, expected (where the order wants it), ours (said or placed), taken.

    `serial`: of a taken slot who stands there, of an expected one or ours the new device, once it is known.
    """

    number: int
    serial: str | None
    state: str


class PlaceOption(msgspec.Struct, frozen=True, kw_only=True):
    """A concentrator or panel to choose: how full it is and how far away.

    `group`: here (where the order's place allows), recent (used of late on this tablet), near (by position).
    """

    id: str
    name: str
    used: int
    capacity: int | None
    level: str
    distance_m: int | None = None
    expected: bool = False
    group: str = "here"


class PlaceBody(msgspec.Struct, frozen=True, kw_only=True, tag="place"):
    """Defaults are the order's. `level` of an option: fine, warn, full."""

    path: list[str]
    concentrators: list[PlaceOption]
    concentrator: str | None
    panels: list[PlaceOption]
    panel: str | None
    slots: list[SlotView]
    slot: int | None
    phases: list[str]
    phase: str | None
    reasons: list[Option]


class JoinBody(msgspec.Struct, frozen=True, kw_only=True, tag="join"):
    """`state` None before the check. Evidence by name; `expected` and `heard` concentrator.

    `sees`: what shows on the device while it joins, in the language of the screen. `recording` as in
    `MeterReadBody`.
    """

    technology: str
    state: str | None
    how: str | None
    reason: str | None
    recheck_at: str | None
    evidence: dict[str, str]
    expected: str | None
    heard: str | None
    sees: str = ""
    recording: str = ""


class PowerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A meter of a balance. `state`: macro, read, next, open, silent, stranger; `watts` decimal text."""

    serial: str
    state: str
    watts: str | None = None
    why: str | None = None


class CauseView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be wrong. Key `balance.cause.<code>`."""

    code: str
    params: dict[str, str]


class BalanceBody(msgspec.Struct, frozen=True, kw_only=True, tag="balance"):
    """The balance so far. `band` None: not yet; `next` is the meter that should come under the probe.

    Watts as decimal text; the true difference lies within `uncertainty` of `difference`.
    """

    rows: list[PowerRow]
    next: str | None
    complete: bool
    macro: str | None
    band: str | None
    total: str | None
    sum: str | None
    difference: str | None
    uncertainty: str | None
    percent: str | None
    missing: list[str]
    causes: list[CauseView]
    reasons: list[Option]


class SignatureBody(msgspec.Struct, frozen=True, kw_only=True, tag="signature"):
    """Who should sign: the customer, or in the `role` that is said; `witness`: one signs for who does not."""

    outcomes: list[Option]
    outcome: str | None
    name: str | None
    image: str | None
    role: str | None = None
    witness: bool = True


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """A reason to look once more. Text `flag.<code>`, what to do `leave.remedy.<code>`, and at which step."""

    code: str
    level: str
    params: dict[str, str]
    step: str | None


class SummaryBody(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """The last look. `risk`: how likely somebody has to come back (low, medium, high), for `risks`."""

    checks: list[CheckView]
    facts: list[FactView]
    flags: list[str]
    photos: list[PhotoView]
    minutes: int
    risk: str = "low"
    risks: list[RiskView] = []


Body: TypeAlias = (
    ConfirmBody
    | ChooseBody
    | NumberBody
    | TextBody
    | ValueBody
    | PhotoBody
    | PanelPhotoBody
    | ScanBody
    | MeterReadBody
    | MatchBody
    | PlanBody
    | RelayBody
    | SealsBody
    | PlaceBody
    | JoinBody
    | BalanceBody
    | SignatureBody
    | SummaryBody
)


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one step.

    Attributes:
        answer: the accepted answer as plain fields, where there is one.
        waiting: why the primary button is not possible yet; empty when it is.
        can_go_back: whether there is an earlier step.
        position: where the crew is, on steps that take it.
    """

    id: str
    number: int
    kind: str
    title: str
    help: str
    safety: bool
    state: StepState
    can_go_back: bool
    answer: dict[str, Any] | None
    waiting: list[Problem]
    body: Body
    position: PositionView | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure as the screen shows it. `current` is None once it has ended."""

    order_id: str
    order_number: str
    procedure: str
    version: int
    title: str
    address: str
    phases: list[PhaseView]
    current: StepView | None
    end: RunEnd | None
    saved_at: str | None
    not_done: list[Option]
    standing: StandingView | None = None
    works: list[WorkView] = []


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A step is durable. `next_step` None: the order has ended as `end`."""

    step: str
    saved_at: str
    next_step: str | None
    end: RunEnd | None = None
