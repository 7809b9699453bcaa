"""What the pages of many meters show: a panel that the probe moves along, a bench. Texts are ready."""

from __future__ import annotations

from ui.views import Choice, Code, Tone, View


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


class PhotoTile(View, frozen=True, kw_only=True):
    """One slot beside a panel's photo. `state`: good, unread, foreign (wrong place, not ours, twice) or
    free."""

    key: str
    title: str
    state: str
    detail: str = ""
    name: str = ""


class PhotoNote(View, frozen=True, kw_only=True):
    """What is to be done about some slots."""

    slots: str
    text: str
    tone: Tone = "attention"
    icon: str = "unknown"


class PanelPhoto(View, frozen=True, kw_only=True):
    """A panel's photo beside its slots. `taken`: there is one; `source` its picture; `ask` the slots for a
    second look;
    `register`: devices that hang right; `done`: what registering came to, in words."""

    title: str = ""
    taken: bool = False
    source: str = ""
    rows: int = 1
    columns: int = 1
    codes: tuple[Code, ...] = ()
    tiles: tuple[PhotoTile, ...] = ()
    notes: tuple[PhotoNote, ...] = ()
    count: str = ""
    unread: int = 0
    foreign: int = 0
    ask: tuple[str, ...] = ()
    register: int = 0
    done: str = ""


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


class BenchTile(View, frozen=True, kw_only=True):
    """One probe of the bench: its port, the meter at it, a word for how it stands, and what to do with it."""

    port: str
    title: str
    word: str = ""
    detail: str = ""
    icon: str = ""
    tone: Tone = ""
    serial: str = ""
    progress: float = 0.0
    progress_text: str = ""
    can_again: bool = False


class Bench(View, frozen=True, kw_only=True):
    """The page *Banco*: what is chosen before it begins, then one tile a probe and the pallet's count.

    `asking` names dangerous changes that a meter of the pallet waits for (`asking_ids`: their ids).
    """

    programs: tuple[Choice, ...] = ()
    program: str = ""
    ports: tuple[Choice, ...] = ()
    chosen: tuple[str, ...] = ()
    running: bool = False
    tiles: tuple[BenchTile, ...] = ()
    count: str = ""
    labels: str = ""
    asking: str = ""
    results: int = 0
    recordings: int = 0
