"""What the screens show: plain frozen values that the tablet's side fills and the controllers hand to QML.

Texts are ready to show (already in the user's language); times are local and formatted, because only the
tablet knows the project's time zone. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Literal

from ui.listviews import NetworkLevel, NetworkRow, Stock, StockDone, StockRow
from ui.viewbase import Choice, Fact, Tone, View, to_qml

__all__ = [
    "Choice",
    "Fact",
    "NetworkLevel",
    "NetworkRow",
    "Stock",
    "StockDone",
    "StockRow",
    "Tone",
    "View",
    "to_qml",
]
"""Of `viewbase.py` and `listviews.py`: a page names all its views by this module."""

StepState = Literal["done", "current", "open", "locked", "failed", "skipped"]
PositionState = Literal["", "searching", "good", "attention", "none"]
ChangeState = Literal[
    "waiting", "writing", "verified", "failed", "rolled_back", "needs_permission", "untouched"
]
EntrySection = Literal["answer", "waiting", "answered"]
OrderState = Literal["open", "started", "done", "not_done", "cancelled"]
StepKind = Literal[
    "confirm", "choose", "number", "text", "value", "photo", "scan", "meter_read", "match", "plan_apply",
    "relay", "seals", "place", "join", "balance", "signature", "summary", "standing",
    "panel_photo",
]  # fmt: skip
PhaseState = Literal["done", "current", "open"]
Torch = Literal["", "off", "on"]
CodeState = Literal["read", "unread", "foreign"]
SlotState = Literal["free", "expected", "ours", "taken", "unread", "foreign"]
Section = Literal["today", "late", "rest", "done"]


class Status(View, frozen=True, kw_only=True):
    """The strip. `last` is a local time or a day, `today` stands beside *Hoy*; an empty `probe` hides it.

    `locked`: a passphrase opens this tablet's data, one that exists or a `new` one; `passphrase_least` is its
    shortest length.
    """

    project: str = ""
    crew: str = ""
    role: Literal["crew", "supervisor"] = "crew"
    online: bool = False
    syncing: bool = False
    waiting: int = 0
    last: str = ""
    detail: str = ""
    today: str = ""
    probe: Literal["", "connected", "busy", "absent"] = "absent"
    training: bool = False
    enrolled: bool = True
    locked: Literal["", "existing", "new"] = ""
    passphrase_least: int = 12


class PersonTile(View, frozen=True, kw_only=True):
    """One person who may sign in on this tablet."""

    id: str
    name: str
    role: str
    locked_seconds: int = 0


class SignIn(View, frozen=True, kw_only=True):
    """Answer to a PIN."""

    ok: bool
    role: Literal["crew", "supervisor"] = "crew"
    attempts_left: int = 0
    locked_seconds: int = 0


class OrderRow(View, frozen=True, kw_only=True):
    """One order in the list. `sla_tone` empty means that the due time is plain text."""

    id: str
    section: Section
    address: str
    supply: str
    task: str
    kind: str
    distance: str = ""
    extra: str = ""
    due: str = ""
    sla_tone: Tone = ""
    sla_filled: bool = False
    step: int = 0
    unsent: bool = False
    serials: str = ""


class HistoryRow(View, frozen=True, kw_only=True):
    """Something that happened with an order."""

    time: str
    text: str
    detail: str = ""
    tone: Tone = ""


class OrderView(View, frozen=True, kw_only=True):
    """One order in full."""

    id: str
    number: str
    address: str
    task: str
    kind: str
    facts: tuple[Fact, ...]
    old_device: Fact | None = None
    new_device: Fact | None = None
    place: tuple[str, ...] = ()
    notes: str = ""
    warnings: tuple[str, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    recordings: int = 0
    step: int = 0
    status: OrderState = "open"


class StepTile(View, frozen=True, kw_only=True):
    """One step in the list on the left."""

    key: str
    number: int
    title: str
    short: str = ""
    detail: str = ""
    state: StepState = "open"


class Phase(View, frozen=True, kw_only=True):
    """A phase of at most four steps."""

    key: str
    title: str
    done: int
    total: int
    state: PhaseState = "open"
    steps: tuple[StepTile, ...] = ()


class Check(View, frozen=True, kw_only=True):
    """A line to confirm; with `needs_photo` it counts once its photo is taken."""

    key: str
    text: str
    checked: bool = False
    needs_photo: bool = False
    photo_taken: bool = False
    measured: str = ""
    measured_tone: Tone = ""


class Select(View, frozen=True, kw_only=True):
    """One thing to choose from a list that opens: concentrator, panel, phase."""

    key: str
    label: str
    value: str
    options: tuple[Choice, ...]


class MatchRow(View, frozen=True, kw_only=True):
    """One of the four sources. `marks`: one character per character of the serial (see `SerialText.qml`)."""

    source: Literal["order", "label", "optical", "stock"]
    title: str
    detail: str
    serial: str
    marks: str = ""
    verdict: str = ""
    tone: Tone = ""
    icon: str = ""


class Change(View, frozen=True, kw_only=True):
    """One row of a plan."""

    id: str
    item: str
    now: str
    will_be: str
    state: ChangeState
    state_text: str
    danger: bool = False


class Code(View, frozen=True, kw_only=True):
    """A code found in a picture; `frame` is x, y, width, height as fractions of the picture."""

    frame: tuple[float, float, float, float]
    state: CodeState
    text: str = ""


Sought = Literal["order", "ticket", "seal", "device", "node"]


class Sighting(View, frozen=True, kw_only=True):
    """What one look through the camera found: `text` when it is what was sought, else why not, or nothing."""

    text: str = ""
    refused: str = ""
    codes: tuple[Code, ...] = ()
    printed: str = ""
    """A serial that the print in view may say: offered, and never taken without a tap."""
    torch: Torch = ""
    """Whether the camera's lamp burns; empty where there is none."""


class Slot(View, frozen=True, kw_only=True):
    """A position of a panel or an end of a network tree."""

    key: str
    title: str
    detail: str = ""
    serial: str = ""
    state: SlotState = "free"


class SealRow(View, frozen=True, kw_only=True):
    """One seal: where, what was found or is applied."""

    key: str
    place: str
    number: str = ""
    state: str = ""
    tone: Tone = ""


class Step(View, frozen=True, kw_only=True):
    """The page of one step. Which of the optional parts a kind uses is said in `ui/README.md`."""

    key: str
    number: int
    kind: StepKind
    title: str
    text: str = ""
    hints: tuple[str, ...] = ()
    primary: str = ""
    primary_icon: str = "forward"
    ready: bool = True
    not_ready: str = ""
    wide: bool = False
    can_back: bool = True
    safety: bool = False
    checks: tuple[Check, ...] = ()
    choices: tuple[Choice, ...] = ()
    reasons: tuple[Choice, ...] = ()
    optional: bool = False
    role: str = ""
    otherwise: tuple[Choice, ...] = ()
    otherwise_title: str = ""
    otherwise_action: str = ""
    otherwise_pin: bool = False
    otherwise_people: tuple[Choice, ...] = ()
    photos: tuple[str, ...] = ()
    photos_wanted: int = 1
    selects: tuple[Select, ...] = ()
    facts: tuple[Fact, ...] = ()
    tone: Tone = ""
    verdict: str = ""
    verdict_detail: str = ""
    value: str = ""
    unit: str = ""
    decimals: int = 0
    digits: int = 0
    range_low: str = ""
    range_high: str = ""
    last_value: str = ""
    last_time: str = ""
    picture: str = ""
    codes: tuple[Code, ...] = ()
    live: bool = False
    progress: float = 0.0
    progress_text: str = ""
    seconds_left: int = -1
    busy: bool = False
    match: tuple[MatchRow, ...] = ()
    cause_title: str = ""
    cause_detail: str = ""
    cause_order: str = ""
    cause_order_id: str = ""
    program: str = ""
    printed: str = ""
    serial: str = ""
    changes: tuple[Change, ...] = ()
    cancel_title: str = ""
    cancel_detail: str = ""
    relay_state: str = ""
    seals: tuple[SealRow, ...] = ()
    slots: tuple[Slot, ...] = ()
    columns: int = 6
    place: tuple[str, ...] = ()
    panel: str = ""
    signer: str = ""
    recording: Literal["", "offered", "attached"] = ""
    error: str = ""
    error_hint: str = ""
    error_code: str = ""
    position_state: PositionState = ""
    position_text: str = ""
    position_detail: str = ""


class Receivers(View, frozen=True, kw_only=True):
    """Where positions can be taken from, and the key of the one chosen."""

    chosen: str = ""
    options: tuple[Choice, ...] = ()


class Work(View, frozen=True, kw_only=True):
    """Other work that the visit may go on with, and why it would."""

    key: str
    title: str
    icon: str
    reasons: tuple[Choice, ...]


class Procedure(View, frozen=True, kw_only=True):
    """An order under way: the steps and the page of the current one; `works`: what else it may turn into."""

    order_id: str
    title: str
    phases: tuple[Phase, ...]
    step: Step
    saved_at: str = ""
    finished: bool = False
    works: tuple[Work, ...] = ()


class Reading(View, frozen=True, kw_only=True):
    """One row of the live table, a value per phase; `wrong` names the columns that are abnormal."""

    label: str
    values: tuple[str, ...]
    wrong: tuple[int, ...] = ()


class Vector(View, frozen=True, kw_only=True):
    """An arrow: degrees clockwise from the top, length 0–1; `expected` ≥ 0 is drawn dashed."""

    name: str
    kind: Literal["voltage", "current"]
    angle: float
    length: float
    wrong: bool = False
    expected: float = -1.0


class Event(View, frozen=True, kw_only=True):
    """A row of the meter's event log."""

    time: str
    text: str
    tone: Tone = ""


class Network(View, frozen=True, kw_only=True):
    """How the meter stands in the AMI network."""

    title: str
    verdict: str
    tone: Tone
    detail: str = ""
    node_label: str = ""
    node: str = ""
    node_verdict: str = ""
    node_tone: Tone = ""
    facts: tuple[Fact, ...] = ()


class Meter(View, frozen=True, kw_only=True):
    """The meter tool: what was read, or the state before anything is."""

    state: Literal["absent", "ready", "reading", "read", "failed"] = "ready"
    serial: str = ""
    detail: str = ""
    time: str = ""
    phases: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    rotation: str = ""
    rotation_tone: Tone = ""
    vectors: tuple[Vector, ...] = ()
    verdict: str = ""
    verdict_detail: str = ""
    verdict_tone: Tone = ""
    network: Network | None = None
    profile_title: str = ""
    profile_missing: str = ""
    profile_peak: str = ""
    profile_peak_time: str = ""
    profile: tuple[float | None, ...] = ()
    registers: tuple[Fact, ...] = ()
    events: tuple[Event, ...] = ()
    progress: float = 0.0
    progress_text: str = ""
    live: bool = False
    recorded: bool = False
    port: str = ""
    head: Literal["iec", "ansi"] = "iec"


class SyncEntry(View, frozen=True, kw_only=True):
    """An entry, or a group of them, with its verdict in words."""

    id: str
    icon: str
    title: str
    detail: str
    verdict: str
    verdict_detail: str
    verdict_icon: str
    tone: Tone = ""
    section: EntrySection = "waiting"
    more: bool = False


class Notice(View, frozen=True, kw_only=True):
    """Something to know that stops nothing, with what to do."""

    icon: str
    title: str
    text: str
    tone: Tone = "attention"


class Sync(View, frozen=True, kw_only=True):
    """The sync page. `choices`: what is set here; `photos_now`: they wait and can be sent all the same."""

    waiting: int = 0
    online: bool = False
    running: bool = False
    stage: str = ""
    stage_detail: str = ""
    progress: float = 0.0
    summary: str = ""
    notices: tuple[Notice, ...] = ()
    since: str = ""
    answered_today: int = 0
    entries: tuple[SyncEntry, ...] = ()
    photos_waiting: int = 0
    photos_text: str = ""
    photos_now: bool = False
    photos_confirmed: int = 0
    photos_total: int = 0
    bundle_text: str = ""
    bundle_ready: bool = True
    data_month: str = ""
    data_used: str = ""
    data_limit: str = ""
    data_share: float = 0.0
    data_parts: tuple[Fact, ...] = ()
    choices: tuple[Select, ...] = ()
    error: str = ""
    error_code: str = ""


class Reference(View, frozen=True, kw_only=True):
    """Published files of one kind that the tablet works by, and how they stand to the office's."""

    title: str
    detail: str
    icon: str
    verdict: str
    verdict_detail: str = ""
    verdict_icon: str = ""
    tone: Tone = ""


class Failure(Exception):
    """A job that failed, in words a crew can act on (already in the user's language)."""

    def __init__(self, message: str, hint: str = "", code: str = "", seconds: int = 0) -> None:
        """`seconds`: how long it is of no use to try again."""
        super().__init__(message)
        self.message, self.hint, self.code, self.seconds = message, hint, code, seconds
