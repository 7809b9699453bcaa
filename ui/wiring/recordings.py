"""Recordings of optical sessions as the page *Grabación* shows them: explained, in the user's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from drivers.trace.explain import Explanation, Row, explain
from drivers.trace.naming import model_of, namer
from drivers.trace.record import parse_trace
from fieldtool.depot.keeping import Kept, sealed_in
from fieldtool.depot.keeping import lines_of as sealed_lines
from fieldtool.errors import JobError
from fieldtool.office import OfficeClient
from fieldtool.run.recordings import opened
from fieldtool.tablet.recordings import RecordingRow, lines_of, of_order
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui import recordingviews as v
from ui.views import Fact, Tone
from ui.wiring.formats import Formats
from ui.wiring.lists import PLACES, StepTitle
from ui.wiring.wording import worded
from workorders.durable import write_whole

SHOWN = 3000
"""Frames that a page shows: the last ones, where it ended; the file holds all."""
LONG_GAP_S = 0.5
SUFFIX = ".jsonl"
_LAYERS = {
    "iec": "IEC 62056-21",
    "hdlc": "HDLC",
    "dlms": "DLMS",
    "ansi": "ANSI C12",
    "wrapper": "DLMS wrapper",
}


class WiredRecordings:
    """See `ui.recordingviews.RecordingBackend`. What is open is kept in memory only."""

    def __init__(
        self,
        tablet: Tablet,
        formats: Callable[[], Formats],
        step_titles: Callable[[Formats], StepTitle],
        meter: Callable[[], tuple[str, bytes]],
        office: Callable[[], OfficeClient | None],
        folder: Callable[[], Path],
    ) -> None:
        """meter: serial and recording of the page *Medidor*; folder: where a file for support is put."""
        self._tablet, self._formats, self._step_titles = tablet, formats, step_titles
        self._meter, self._office, self._folder = meter, office, folder
        self._order: tuple[str, str] | None = None
        self._rows: list[RecordingRow] = []
        self._bench: list[Kept] = []
        self._chosen = ""
        self._lines = b""
        self._name = ""
        self._saved = ""

    @property
    def language(self) -> Language:
        """Language of the screens."""
        return self._formats().language

    @worded
    def of_order(self, order_id: str) -> v.Recording:
        """The newest one that is here; the others beside it."""
        number = self._tablet.detail(order_id).order.number
        self._open(number, b"")
        self._order = order_id, number
        self._rows = of_order(self._tablet, order_id)
        here = next((row for row in reversed(self._rows) if row.here), None)
        return self._choose(here) if here is not None else self._shown()

    @worded
    def of_bench(self) -> v.Recording:
        """Those of meters that did not pass at the bench of this tablet, the newest open."""
        formats, tablet = self._formats(), self._tablet
        self._open(formats.say("Banco de medidores"), b"")
        self._bench = sealed_in(tablet.home.recordings(tablet.realm))
        return self._choose_of_bench(self._bench[0]) if self._bench else self._shown()

    @worded
    def of_meter(self) -> v.Recording:
        """What crossed the line while the meter was read."""
        serial, lines = self._meter()
        if not lines:
            raise JobError("no_recording", "no session was recorded")
        self._open(serial, lines)
        return self._shown()

    @worded
    def of_office(self, order_id: str, key: str) -> v.Recording:
        """Fetched; never kept here."""
        client = self._office()
        if client is None:
            raise JobError("office_not_signed_in", "sign in with contact to the office")
        number = client.order(order_id).value.row.number or order_id
        self._open(number, opened(client.blob(order_id, key)))
        return self._shown()

    @worded
    def choose(self, key: str) -> v.Recording:
        """Another one of the same order."""
        kept = next((one for one in self._bench if str(one.path) == key), None)
        if kept is not None:
            return self._choose_of_bench(kept)
        row = next((row for row in self._rows if row.sha256 == key), None)
        if row is None:
            raise JobError("no_recording", "the order has no such recording")
        return self._choose(row)

    @worded
    def again(self) -> v.Recording:
        """The same, said anew."""
        return self._shown()

    @worded
    def save(self) -> v.Recording:
        """Never over another file."""
        if not self._lines:
            raise JobError("no_recording", "no recording is open")
        folder = self._folder()
        name = re.sub(r"[^\w.-]+", "_", self._name) or "session"
        path = folder / f"{name}{SUFFIX}"
        again = 2
        while path.exists():
            path = folder / f"{name}-{again}{SUFFIX}"
            again += 1
        write_whole(path, self._lines)
        self._saved = str(path)
        return self._shown()

    def _open(self, name: str, lines: bytes) -> None:
        self._order, self._rows, self._bench, self._chosen = None, [], [], ""
        self._name, self._lines, self._saved = name, lines, ""

    def _choose(self, row: RecordingRow) -> v.Recording:
        assert self._order is not None
        order_id, number = self._order
        lines = lines_of(self._tablet, order_id, row.number)
        self._chosen, self._lines, self._saved = row.sha256, lines, ""
        self._name = f"{number}-{row.number}"
        return self._shown()

    def _choose_of_bench(self, kept: Kept) -> v.Recording:
        lines = sealed_lines(kept.path, self._tablet.keeping.recording_key())
        self._chosen, self._lines, self._saved = str(kept.path), lines, ""
        self._name = kept.serial
        return self._shown()

    # --- what is shown ----------------------------------------------------------------------------

    def _shown(self) -> v.Recording:
        formats = self._formats()
        rows = tuple(self._row(row, formats) for row in self._rows)
        rows += tuple(
            v.RecordingRow(
                key=str(one.path), title=one.serial, detail=formats.when(one.at, self._tablet.now())
            )
            for one in self._bench
        )
        title = self._order[1] if self._order else self._name
        if not self._lines:
            return v.Recording(title=title, rows=rows)
        records = parse_trace(self._lines.decode("utf-8", "replace").splitlines())
        model = model_of(records)
        found = explain(records, namer(self._tablet.desk.now().models, model))
        shown = found.rows[-SHOWN:]
        verdict, detail, tone = _verdict(found, formats)
        note = ""
        if len(shown) < len(found.rows):
            note = formats.say(
                "Se muestran las últimas {count} de {total}; el archivo las lleva todas.",
                count=formats.number(str(len(shown))),
                total=formats.number(str(len(found.rows))),
            )
        return v.Recording(
            title=title,
            detail=formats.model(model),
            rows=rows,
            chosen=self._chosen,
            verdict=verdict,
            verdict_detail=detail,
            tone=tone,
            facts=_facts(found, formats),
            frames=tuple(_frame(row, formats) for row in shown),
            problems=sum(row.problem for row in shown),
            note=note,
            saved=self._saved,
        )

    def _row(self, row: RecordingRow, formats: Formats) -> v.RecordingRow:
        step = self._step_titles(formats)(self._order[0], row.step) if self._order and row.step else ""
        return v.RecordingRow(
            key=row.sha256,
            title=formats.when(row.at, self._tablet.now()),
            detail=step,
            blocked="" if row.here else formats.say("Ya no está en este equipo; la oficina la tiene"),
        )


def _facts(found: Explanation, formats: Formats) -> tuple[Fact, ...]:
    return (
        Fact(label=formats.say("Duración"), value=formats.quantity(f"{found.seconds:.1f}", "s")),
        Fact(label=formats.say("Al medidor"), value=formats.quantity(str(found.octets_tx), "B")),
        Fact(label=formats.say("Del medidor"), value=formats.quantity(str(found.octets_rx), "B")),
        Fact(
            label=formats.say("Repeticiones"),
            value=str(found.repeats),
            tone="attention" if found.repeats else "",
        ),
    )


def _verdict(found: Explanation, formats: Formats) -> tuple[str, str, Tone]:
    """How it ended: in a line, what there is to add, and how bad it is."""
    if found.code == "ended_problem" and found.last_problem is not None:
        said = formats.say("Terminó bien, con tropiezos")
        return said, _said(found.last_problem, formats), "attention"
    if found.code == "error":
        note = found.params.get("note", "")
        hint = formats.word_or(f"error.driver.{note.replace('-', '_')}.hint", "")
        return _error(found.params, formats), hint, "wrong"
    tone: Tone = "good" if found.code == "ended_well" else "wrong"
    return formats.word(f"trace.{found.code}", **found.params), "", tone


def _frame(row: Row, formats: Formats) -> v.Frame:
    own = {"raw": formats.say("Línea"), "session": formats.say("Sesión")}
    return v.Frame(
        time=formats.quantity(f"{row.t:.3f}", "s"),
        way="tx" if row.dir == "tx" else "rx" if row.dir == "rx" else "",
        layer=own.get(row.layer) or _LAYERS.get(row.layer, row.layer),
        text=_said(row, formats),
        size=formats.quantity(str(row.octets), "B") if row.octets else "",
        gap=f"+{formats.quantity(f'{row.gap:.1f}', 's')}" if row.gap >= LONG_GAP_S else "",
        problem=row.problem,
    )


def _said(row: Row, formats: Formats) -> str:
    """A sentence in the user's language; what is made of a protocol's own terms as it is."""
    if row.code == "error":
        return _error(row.params, formats)
    return formats.word(f"trace.{row.code}", **row.params) if row.code else row.text


def _error(params: Mapping[str, str], formats: Formats) -> str:
    """What the session ended with, in the words that the crew saw; places nobody filled are left out."""
    note = params.get("note", "")
    words = formats.word_or(f"error.driver.{note.replace('-', '_')}", "")
    return PLACES.sub("", words) if words else params.get("text") or note
