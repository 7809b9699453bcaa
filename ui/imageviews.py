"""What the page *Firmware* shows, and what it needs from below; ready to show, like `ui.views`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from ui.views import Fact, Tone, View


class ImageFile(View, frozen=True, kw_only=True):
    """An image that can be chosen; `blocked` says why it cannot be sent to this meter."""

    key: str
    title: str
    detail: str = ""
    blocked: str = ""
    doubt: str = ""


class Image(View, frozen=True, kw_only=True):
    """The page. `working` while something runs at the meter, `stoppable` where that may be stopped;
    `not_yours`: why this person may not activate; `recorded`: a session can be read."""

    state: Literal["choosing", "working", "verified", "activated"] = "choosing"
    serial: str = ""
    meter: str = ""
    firmware: str = ""
    files: tuple[ImageFile, ...] = ()
    where: str = ""
    chosen: str = ""
    facts: tuple[Fact, ...] = ()
    blocked: str = ""
    doubt: str = ""
    not_yours: str = ""
    not_yours_hint: str = ""
    progress: float = 0.0
    progress_text: str = ""
    left: str = ""
    note: str = ""
    stoppable: bool = False
    verdict: str = ""
    verdict_detail: str = ""
    tone: Tone = ""
    recorded: bool = False


Report = Callable[[Image], None]


class ImageBackend(Protocol):
    """Firmware of the meter that was read last; every method may take time."""

    def load(self) -> Image:
        """*Port.* The images that are here and on sticks, held against the meter."""

    def choose(self, key: str) -> Image:
        """*Slow.* Reads one of them through and holds it against the meter; an empty key: none."""

    def send(self, report: Report) -> Image:
        """*Port.* Sends the chosen image and has it verified. Raises Failure."""

    def activate(self, figures: str, report: Report) -> Image:
        """*Port.* Lets the meter run it; `figures` are the last four of its serial. Raises Failure."""

    def stop(self) -> None:
        """Ends as soon as the meter can be left well; from any thread."""
