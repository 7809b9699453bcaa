"""What the supervisor's pages show: figures as text, plots as fractions of their frame, evidence as facts.

Like `ui.views`: ready to show, in the user's language, deciding nothing. `at` says when the office said it
and is shown wherever the answer is not fresh.
"""

from __future__ import annotations

from ui.views import Choice, Fact, Tone, View


class Tile(View, frozen=True, kw_only=True):
    """One of the six figures; opens the list `key`."""

    key: str
    label: str
    value: str
    share: str = ""
    detail: str = ""
    icon: str = ""
    tone: Tone = ""


class Tick(View, frozen=True, kw_only=True):
    """A label at a fraction of an axis."""

    label: str
    at: float


class Curve(View, frozen=True, kw_only=True):
    """Planned and done over time. Points are (x, y), 0–1 from the lower left; `now` is the x of today."""

    detail: str = ""
    planned: tuple[tuple[float, float], ...] = ()
    done: tuple[tuple[float, float], ...] = ()
    days: tuple[Tick, ...] = ()
    levels: tuple[Tick, ...] = ()
    now: float = 1.0
    planned_text: str = ""
    done_text: str = ""
    gap_text: str = ""


class JoinBar(View, frozen=True, kw_only=True):
    """Share joined within a time, against its target, both 0–1; `share` below 0: nothing to count yet."""

    label: str
    value: str
    share: float
    target: float
    verdict: str
    tone: Tone = ""


class CrewChart(View, frozen=True, kw_only=True):
    """What one crew did, a bar a day, as shares of the highest; `low` marks the days under half the plan."""

    crew: str
    today: str
    bars: tuple[float, ...]
    low: tuple[bool, ...]
    plan: float = 0.0
    tone: Tone = ""


class CaseRow(View, frozen=True, kw_only=True):
    """An exception in the queue."""

    id: str
    title: str
    detail: str
    age: str
    icon: str = "attention"
    tone: Tone = "attention"


class Board(View, frozen=True, kw_only=True):
    """The board of one project."""

    project: str = ""
    projects: tuple[Choice, ...] = ()
    period: str = "14"
    periods: tuple[Choice, ...] = ()
    contractor: str = ""
    technology: str = ""
    at: str = ""
    fresh: bool = True
    tiles: tuple[Tile, ...] = ()
    curve: Curve = Curve()
    joins: tuple[JoinBar, ...] = ()
    crews: tuple[CrewChart, ...] = ()
    crews_detail: str = ""
    crews_plan: str = ""
    cases: tuple[CaseRow, ...] = ()
    cases_detail: str = ""
    open_cases: int = 0


class Queue(View, frozen=True, kw_only=True):
    """The exceptions that wait for a decision, the worst first."""

    rows: tuple[CaseRow, ...] = ()
    detail: str = ""
    at: str = ""
    fresh: bool = True


class Photo(View, frozen=True, kw_only=True):
    """A photo, document or recorded session of an order, fetched when it is opened."""

    key: str
    label: str
    document: bool = False
    recording: bool = False


class Case(View, frozen=True, kw_only=True):
    """One exception or executed order: what the office planned beside what the crew did."""

    id: str
    kind: str
    order_id: str = ""
    title: str = ""
    detail: str = ""
    icon: str = "attention"
    tone: Tone = "attention"
    what: tuple[Fact, ...] = ()
    office: tuple[Fact, ...] = ()
    crew: tuple[Fact, ...] = ()
    photos: tuple[Photo, ...] = ()
    decisions: tuple[Choice, ...] = ()
    reasons: tuple[str, ...] = ()
    at: str = ""
    fresh: bool = True


class OfficeOrder(View, frozen=True, kw_only=True):
    """An order in a list of the office."""

    id: str
    title: str
    detail: str
    state: str
    state_detail: str = ""
    icon: str = "exchange"
    tone: Tone = ""


class Filter(View, frozen=True, kw_only=True):
    """A filter of the orders; the option with an empty key is all of them."""

    name: str
    label: str
    current: str = ""
    options: tuple[Choice, ...] = ()


class SlaRow(View, frozen=True, kw_only=True):
    """Orders on time, at risk and late, as text and as shares of all (`parts`, in this order).

    `opens`: there are late ones that still run, which is the list behind the row; `still` says how many.
    """

    key: str
    title: str
    percent: str
    on_time: str
    at_risk: str
    late: str
    still: str = ""
    parts: tuple[float, ...] = ()
    opens: bool = False


class Sla(View, frozen=True, kw_only=True):
    """The table of one project by one dimension, the most late first; `total` None where there is none."""

    project: str = ""
    group_by: str = "crew"
    dimensions: tuple[Choice, ...] = ()
    filters: tuple[Filter, ...] = ()
    filtered: bool = False
    rows: tuple[SlaRow, ...] = ()
    total: SlaRow | None = None
    at: str = ""
    fresh: bool = True


class OrderList(View, frozen=True, kw_only=True):
    """The orders behind a figure; `filters`: those that are set; `more`: the office holds further ones."""

    key: str = "waiting_approval"
    title: str = ""
    detail: str = ""
    lists: tuple[Choice, ...] = ()
    filters: tuple[Choice, ...] = ()
    rows: tuple[OfficeOrder, ...] = ()
    more: bool = False
    at: str = ""
    fresh: bool = True


class OrphanView(View, frozen=True, kw_only=True):
    """A device that the record and the network do not agree about; `facts` are what each says."""

    key: str
    serial: str
    detail: str = ""
    age: str = ""
    icon: str = "unknown"
    order_id: str = ""
    facts: tuple[Fact, ...] = ()


class Orphans(View, frozen=True, kw_only=True):
    """One list of such devices, its filters, and what to do about what stands on it."""

    which: str = ""
    lists: tuple[Choice, ...] = ()
    todo: str = ""
    zone: str = ""
    zones: tuple[Choice, ...] = ()
    crew: str = ""
    crews: tuple[Choice, ...] = ()
    detail: str = ""
    rows: tuple[OrphanView, ...] = ()
    more: bool = False
    at: str = ""
    fresh: bool = True


class KeptTablet(View, frozen=True, kw_only=True):
    """A revoked tablet whose work waits. `orders` and `others` are read when it is opened."""

    key: str
    title: str
    detail: str = ""
    count: str = ""
    facts: tuple[Fact, ...] = ()
    orders: tuple[OfficeOrder, ...] = ()
    others: str = ""


class Kept(View, frozen=True, kw_only=True):
    """What revoked tablets handed over, kept without effect; `reasons` are offered for accepting."""

    rows: tuple[KeptTablet, ...] = ()
    open: KeptTablet | None = None
    reasons: tuple[str, ...] = ()
    detail: str = ""
    at: str = ""
    fresh: bool = True


class StockedRow(View, frozen=True, kw_only=True):
    """A device of the stock. `place`: `store`, `truck`, or another word for neither; `crew` of a truck.

    `movable`: the office may say something else of it; what stands at a customer's is no stock.
    """

    serial: str
    detail: str
    where: str
    moved: str = ""
    reason: str = ""
    place: str = "store"
    crew: str = ""
    icon: str = "empty"
    movable: bool = True


class OfficeStock(View, frozen=True, kw_only=True):
    """A part of a project's stock; `where` is a key of `wheres`, `crews` are those that devices may go to."""

    project: str = ""
    where: str = ""
    wheres: tuple[Choice, ...] = ()
    serial: str = ""
    rows: tuple[StockedRow, ...] = ()
    crews: tuple[Choice, ...] = ()
    detail: str = ""
    more: bool = False
    at: str = ""
    fresh: bool = True
