"""A bench of several probes as the page *Banco* shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from drivers.programs import find_program
from fieldtool.depot.bench import Bench, Job
from fieldtool.depot.board import BenchView, ProbeState, ProbeView, pallet_csv
from fieldtool.depot.keeping import Recordings, sealed_in
from fieldtool.depot.records import JournalRecord
from fieldtool.errors import JobError
from fieldtool.identity import StockItem
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui import manyviews
from ui.views import Choice, Tone
from ui.wiring.formats import Formats
from ui.wiring.wording import worded
from workorders.store import queries

_ICONS: dict[ProbeState, str] = {
    ProbeState.EMPTY: "optical",
    ProbeState.WORKING: "busy",
    ProbeState.PASSED: "good",
    ProbeState.KNOWN: "good",
    ProbeState.REFUSED: "notDone",
    ProbeState.FAILED: "wrong",
    ProbeState.LOCKED: "lock",
    ProbeState.NO_PROBE: "probeOff",
}
_TONES: dict[ProbeState, Tone] = {
    ProbeState.WORKING: "action",
    ProbeState.PASSED: "good",
    ProbeState.KNOWN: "good",
    ProbeState.REFUSED: "attention",
    ProbeState.FAILED: "wrong",
    ProbeState.LOCKED: "attention",
    ProbeState.NO_PROBE: "attention",
}
_ALL = 100_000


class WiredBench:
    """See `ui.manybackend.BenchBackend`."""

    def __init__(self, tablet: Tablet, formats: Callable[[], Formats], now: Callable[[], datetime]) -> None:
        self._tablet, self._formats, self._now = tablet, formats, now
        self._bench: Bench | None = None
        self._running = False
        self._program = ""
        self._ports: tuple[Choice, ...] = ()
        self._chosen: tuple[str, ...] = ()
        self._labels: set[str] = set()

    @property
    def language(self) -> Language:
        """Language of the screens."""
        return self._formats().language

    @worded
    def load(self) -> manyviews.Bench:
        """Programs and probes, or the bench as it stands."""
        if not self._running:
            found = self._tablet.ports()
            self._ports = tuple(Choice(key=row.url, title=row.url, detail=row.description) for row in found)
            here = tuple(row.url for row in found)
            self._chosen = tuple(port for port in self._chosen if port in here) or here
        return self._shown()

    @worded
    def choose(self, program: str, port: str) -> manyviews.Bench:
        """Another program, or another probe."""
        self._program = program or self._program
        if port in self._chosen:
            self._chosen = tuple(one for one in self._chosen if one != port)
        elif port:
            self._chosen = (*self._chosen, port)
        return self._shown()

    @worded
    def run(self, report: Callable[[manyviews.Bench], None]) -> manyviews.Bench:
        """Until it is stopped."""
        person = self._tablet.person()
        if person is None:
            raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
        record = JournalRecord(self._tablet.journal, self._tablet.identity.system_title, person.id)
        bench = self._bench = Bench(self._chosen, self._job(), record, self._labels or None)
        self._running = True
        try:
            bench.run(lambda view: report(self._shown()))
        finally:
            self._running = False
        return self._shown()

    def _job(self) -> Job:
        tablet, files = self._tablet, self._tablet.desk.now()
        with tablet.store.read() as connection:
            stock = queries.stock(connection, limit=_ALL)
        return Job(
            program=self._program,
            models=files.folders["models"],
            programs=files.folders["programs"],
            cache=tablet.home.cache(),
            known=files.models,
            secrets=tablet.secrets.get,
            stock={
                one.serial: StockItem(serial=one.serial, model=one.model, state=one.state) for one in stock
            },
            language=self.language,
            recordings=Recordings(
                tablet.home.recordings(tablet.realm), key=lambda: tablet.keeping.recording_key()
            ),
        )

    def stop(self) -> None:
        """Ends the bench."""
        bench = self._bench
        if bench is not None and self._running:
            bench.stop()

    def again(self, port: str) -> None:
        """The meter at this probe once more."""
        if self._bench is not None:
            self._bench.again(port)

    def scanned(self, serial: str) -> None:
        """A label of the pallet."""
        self._labels.add(serial)
        if self._bench is not None:
            self._bench.scanned(serial)

    def permit(self) -> None:
        """What is asked for, on the whole pallet."""
        if self._bench is not None:
            self._bench.permit()

    @worded
    def save(self) -> str:
        """The pallet as CSV in the data folder."""
        results = self._bench.view().results if self._bench is not None else []
        folder = self._tablet.home.folder / "pallets"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"pallet-{self._now():%Y%m%d-%H%M%S}.csv"
        path.write_text(pallet_csv(results), encoding="utf-8", newline="")
        return str(path)

    # --- words ------------------------------------------------------------------------------------

    def _shown(self) -> manyviews.Bench:
        formats = self._formats()
        say = formats.say
        programs = self._programs(formats)
        if not self._program and programs:
            self._program = programs[0].key
        base = manyviews.Bench(
            programs=programs,
            program=self._program,
            ports=self._ports,
            chosen=self._chosen,
            running=self._running,
            labels=say("{count} etiquetas", count=str(len(self._labels))) if self._labels else "",
            recordings=0 if self._running else self._recorded(),
        )
        if self._bench is None:
            return base
        view = self._bench.view()
        return msgspec.structs.replace(
            base,
            tiles=tuple(self._tile(probe, formats) for probe in view.probes),
            count=_count(view, formats),
            asking=", ".join(view.asking) if self._running else "",
            results=len(view.results),
        )

    def _recorded(self) -> int:
        return len(sealed_in(self._tablet.home.recordings(self._tablet.realm)))

    def _programs(self, formats: Formats) -> tuple[Choice, ...]:
        folder = self._tablet.desk.now().folders["programs"]
        found = sorted(path.stem for path in folder.glob("*.toml"))
        return tuple(
            Choice(key=name, title=formats.program(name), detail=", ".join(_models(name, self._tablet)))
            for name in found
        )

    def _tile(self, probe: ProbeView, formats: Formats) -> manyviews.BenchTile:
        word, detail = _words(probe, formats)
        working = probe.state is ProbeState.WORKING
        text = formats.word_or(f"progress.{probe.step or 'identify'}", probe.step) if working else ""
        if working and probe.seconds_left is not None:
            text += " · " + formats.say("quedan {seconds} s", seconds=str(round(probe.seconds_left)))
        return manyviews.BenchTile(
            port=probe.port,
            title=probe.port.rpartition("/")[2],
            word=word,
            detail=detail,
            icon=_ICONS[probe.state],
            tone=_TONES.get(probe.state, ""),
            serial=probe.serial or "",
            progress=probe.done / probe.total if working and probe.total else 0.0,
            progress_text=text,
            can_again=probe.state in (ProbeState.FAILED, ProbeState.KNOWN) and self._running,
        )


def _models(name: str, tablet: Tablet) -> list[str]:
    return find_program(name, tablet.desk.now().folders["programs"]).models


def _count(view: BenchView, formats: Formats) -> str:
    left = len(view.results) - view.passed
    told = formats.say("{count} listos", count=str(view.passed))
    return told if not left else told + " · " + formats.say("{count} sin terminar", count=str(left))


def _words(probe: ProbeView, formats: Formats) -> tuple[str, str]:
    """The big word, and what to do."""
    say = formats.say
    why = f"{probe.why.what} {probe.why.hint}".strip() if probe.why else ""
    if probe.why is not None and probe.state is ProbeState.REFUSED:
        why = _refusal(probe.why.code, why, formats)
    if probe.why is not None and probe.why.code == "not_permitted":
        why = say("Hay un cambio peligroso sin permiso.")
    match probe.state:
        case ProbeState.EMPTY:
            return say("Ponga un medidor"), ""
        case ProbeState.WORKING:
            return say("Configurando"), ""
        case ProbeState.PASSED:
            return say("Listo"), say("Retírelo y ponga el siguiente.")
        case ProbeState.KNOWN:
            return say("Ya estaba listo"), say("Retírelo y ponga el siguiente.")
        case ProbeState.REFUSED:
            return say("No se toca"), why
        case ProbeState.LOCKED:
            until = formats.clock(probe.why.until if probe.why else None, seconds=True)
            return say("Bloqueado"), say("Hasta las {time}.", time=until)
        case ProbeState.NO_PROBE:
            return say("Sin sonda"), why
        case ProbeState.FAILED:
            return say("No se pudo"), why


def _refusal(code: str, otherwise: str, formats: Formats) -> str:
    say = formats.say
    return {
        "label_unread": say("Falta leer su etiqueta."),
        "not_on_truck": say("No está en las existencias."),
        "already_installed": say("Según las existencias ya está instalado."),
        "other_model": say("El programa es de otro modelo."),
        "same_meter": say("Otra sonda está en un medidor con esta serie."),
        "unnamed": say("No dice su serie."),
    }.get(code, otherwise)
