"""What the page *Grabación* shows, and what it needs from below; ready to show, like `ui.views`."""

from __future__ import annotations

from typing import Literal, Protocol

from ui.views import Fact, Tone, View


class RecordingRow(View, frozen=True, kw_only=True):
    """A recording that can be opened; `blocked`: why it cannot, on this tablet."""

    key: str
    title: str
    detail: str = ""
    blocked: str = ""


class Frame(View, frozen=True, kw_only=True):
    """One frame or message. `way`: `tx` to the meter, `rx` from it, empty where nobody spoke; `gap`: the time
    before it, where that was long."""

    time: str
    way: Literal["tx", "rx", ""] = ""
    layer: str = ""
    text: str = ""
    size: str = ""
    gap: str = ""
    problem: bool = False


class Recording(View, frozen=True, kw_only=True):
    """A recorded session of an order or a meter, explained. `note`: what of it is not shown."""

    title: str = ""
    detail: str = ""
    rows: tuple[RecordingRow, ...] = ()
    chosen: str = ""
    verdict: str = ""
    verdict_detail: str = ""
    tone: Tone = ""
    facts: tuple[Fact, ...] = ()
    frames: tuple[Frame, ...] = ()
    problems: int = 0
    note: str = ""
    saved: str = ""


class RecordingBackend(Protocol):
    """Recordings of optical sessions; every method may take time and raise Failure."""

    def of_order(self, order_id: str) -> Recording:
        """Those of an order, the newest one that is here open."""

    def of_bench(self) -> Recording:
        """Those of the bench of this tablet, the newest open."""

    def of_meter(self) -> Recording:
        """The one of the page *Medidor*, of the meter that was read last."""

    def of_office(self, order_id: str, key: str) -> Recording:
        """*Network.* One of an order, fetched from the office; `key` as in `officeviews.Photo`."""

    def choose(self, key: str) -> Recording:
        """Another one of the same order."""

    def again(self) -> Recording:
        """The open one, in the language of now."""

    def save(self) -> Recording:
        """Writes the open one to a file for support: on a stick, else where downloads go."""
