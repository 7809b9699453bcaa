"""Views of the lists beside the orders: the network a level at a time, and the stock."""

from __future__ import annotations

from ui.viewbase import Choice, Fact, Tone, View


class NetworkRow(View, frozen=True, kw_only=True):
    """A node below, or a device; `key` is empty where nothing is below it."""

    key: str
    title: str
    detail: str = ""
    icon: str = ""
    verdict: str = ""
    verdict_icon: str = ""
    tone: Tone = ""


class NetworkLevel(View, frozen=True, kw_only=True):
    """One level of the network: where it is (`path`, from the root), its figures, what is below.

    `searched`: the rows are what a search found. `more`: there is more than is shown. `old`: since when
    nobody could ask the office.
    """

    key: str = ""
    title: str = ""
    kind: str = ""
    path: tuple[Choice, ...] = ()
    facts: tuple[Fact, ...] = ()
    rows: tuple[NetworkRow, ...] = ()
    searched: str = ""
    old: str = ""
    more: bool = False


class StockRow(View, frozen=True, kw_only=True):
    """A device of the stock."""

    serial: str
    title: str
    detail: str
    state: str
    icon: str
    tone: Tone = ""


class Stock(View, frozen=True, kw_only=True):
    """What lies on this truck, how many of what, and to whom it can be handed."""

    crew: str = ""
    facts: tuple[Fact, ...] = ()
    rows: tuple[StockRow, ...] = ()
    crews: tuple[Choice, ...] = ()


class StockDone(View, frozen=True, kw_only=True):
    """What came of an act: in words, and what somebody should look at."""

    text: str
    tone: Tone = "good"
    doubts: tuple[str, ...] = ()
