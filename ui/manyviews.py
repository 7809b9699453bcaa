"""What the pages of many meters show: a panel that the probe moves along. Texts are ready to show."""

from __future__ import annotations

from ui.views import Tone, View


class PanelRow(View, frozen=True, kw_only=True):
    """A panel to choose: its name, and how many of its orders are open."""

    key: str
    title: str
    detail: str = ""


class MeterTile(View, frozen=True, kw_only=True):
    """One meter of the panel: slot, its state in a word with an icon.

    `here`: the probe is at it now; `said`: a person says that it is there.
    """

    key: str
    title: str
    word: str = ""
    detail: str = ""
    icon: str = ""
    tone: Tone = ""
    here: bool = False
    said: bool = False
    order_id: str = ""


class Panel(View, frozen=True, kw_only=True):
    """The page *Panel*: the panels to choose from, or one of them with what the run says now.

    `word` is the big word, `detail` the sentence beside it; `hints` what is odd about slots; `can_again`: the
    meter under the probe failed and may be worked again on a person's word.
    """

    rows: tuple[PanelRow, ...] = ()
    key: str = ""
    title: str = ""
    running: bool = False
    finished: bool = False
    word: str = ""
    detail: str = ""
    icon: str = ""
    tone: Tone = ""
    serial: str = ""
    order_id: str = ""
    order: str = ""
    count: str = ""
    share: float = 0.0
    progress: float = 0.0
    progress_text: str = ""
    hints: tuple[str, ...] = ()
    tiles: tuple[MeterTile, ...] = ()
    can_again: bool = False
