"""The bench: a thread and an optical session for each probe, one program for all.

A meter is recognised by the public client and compared with label and stock list before anything secret is
sent; then plan, apply, verify. What was sent is recorded before (`records.py`). A meter that did not let us
in is tried again only on a person's word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from drivers import errors
from drivers.changes import ApplyReport, OutcomeState
from drivers.connection import Auth, Connection, Mode
from drivers.models import MeterModel
from drivers.programs import find_program
from drivers.reading import Identity
from drivers.session.client import OpticalSession
from fieldtool.associating import connection_for, counted, no_secret, with_rules
from fieldtool.depot.board import BenchView, ProbeState, ProbeView, Result, Why, compare
from fieldtool.depot.keeping import Recordings
from fieldtool.depot.records import Record
from fieldtool.identity import MatchResult, StockItem, normalise_serial
from fieldtool.problems import explain
from fieldtool.text import Language
from workorders.clock import read_utc, utc_text

Told = Callable[[BenchView], None]
PAUSE = 0.5
_SILENT = (errors.NoAnswer, errors.EchoOnly, errors.Garbage, errors.LinkLost)
_ABSENT = (errors.NoProbe, errors.PortBusy, errors.PortVanished)
_LET_IN_AGAIN = (*_SILENT, errors.PortVanished, errors.OtherMeter)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the bench does to every meter.

    `secrets`: (serial, name) → password or key; `stock`, `labels`: see `board.compare`; `allow`: ids of
    dangerous changes that a person has permitted for the whole pallet; `recordings`: where sessions are kept.
    """

    program: str
    models: Path
    programs: Path
    cache: Path
    known: dict[str, MeterModel]
    secrets: Callable[[str, str], bytes | None]
    values: Mapping[str, str] = {}
    allow: Sequence[str] = ()
    stock: Mapping[str, StockItem] | None = None
    head: Mode = Mode.AUTO
    language: Language = Language.ES
    recordings: Recordings | None = None


class Bench:
    """Several probes at once. `run` blocks; everything else may be called from any thread."""

    def __init__(
        self, ports: Sequence[str], job: Job, record: Record, labels: Collection[str] | None = None
    ) -> None:
        """Raises WrongValue or ModelFileError for a program that is not there or not right."""
        self.job, self.record = job, record
        self.program = find_program(job.program, job.programs)
        self._lock = threading.RLock()
        self._allow = set(job.allow)
        self._labels = set(labels) if labels is not None else None
        self._stop = threading.Event()
        self._told: Told = lambda view: None
        self._results: dict[str, Result] = {}
        self._probes = [_Probe(self, port, n) for n, port in enumerate(dict.fromkeys(ports))]

    def run(self, told: Told, enough: Callable[[BenchView], bool] = lambda view: False) -> BenchView:
        """*Slow.* Until `stop`, or until `enough` of what was told; every meter is left well."""
        self._told = told
        threads = [
            threading.Thread(target=probe.run, name=f"probe {probe.port}", daemon=True)
            for probe in self._probes
        ]
        for thread in threads:
            thread.start()
        while not self._stop.is_set() and not enough(self.view()):
            self._stop.wait(PAUSE / 2)
        self.stop()
        for thread in threads:
            thread.join()
        return self.view()

    def stop(self) -> None:
        """End: a write under way is finished and read back first."""
        self._stop.set()
        for probe in self._probes:
            probe.cancel()

    def again(self, port: str) -> None:
        """Work the meter at this probe again."""
        for probe in self._probes:
            if probe.port == port:
                probe.again.set()

    def scanned(self, serial: str) -> None:
        """A label of the pallet was scanned; from the first one on labels count."""
        plain = normalise_serial(serial)
        if plain is not None:
            with self._lock:
                self._labels = (self._labels or set()) | {plain}
            for probe in self._probes:
                if probe.view.state is ProbeState.REFUSED:
                    probe.again.set()

    def permit(self) -> None:
        """A person permits the dangerous changes that are asked for, on every meter of this pallet."""
        with self._lock:
            self._allow |= set(self._asking())
            for probe in self._probes:
                if probe.view.result is not None and probe.view.result.asking:
                    probe.again.set()

    def _asking(self) -> list[str]:
        found = {one for probe in self._probes if probe.view.result for one in probe.view.result.asking}
        return sorted(found - self._allow)

    def view(self) -> BenchView:
        """Everything, as of now."""
        with self._lock:
            return BenchView(
                program=self.program.name,
                probes=[probe.view for probe in self._probes],
                results=list(self._results.values()),
                expected=len(self.job.stock) if self.job.stock is not None else None,
                asking=self._asking(),
            )

    # --- for the probes ---------------------------------------------------------------------------

    @property
    def stopping(self) -> threading.Event:
        """Set when the bench is to end."""
        return self._stop

    def result(self, serial: str) -> Result | None:
        """What came of a meter before."""
        with self._lock:
            return self._results.get(serial)

    def keep(self, result: Result) -> None:
        """Keep what came of a meter; the newest counts."""
        with self._lock:
            self._results[result.serial] = result

    def taken(self, serial: str, by: _Probe) -> bool:
        """Whether another probe works at this serial now: two labels, or two heads on one meter."""
        with self._lock:
            return any(
                probe is not by and probe.view.serial == serial and probe.view.state is ProbeState.WORKING
                for probe in self._probes
            )

    def compared(self, serial: str, found: Identity) -> MatchResult:
        """Label, optical port and stock list."""
        with self._lock:
            labels = set(self._labels) if self._labels is not None else None
        return compare(serial, found.model, models=self.program.models, stock=self.job.stock, labels=labels)

    def allowed(self) -> list[str]:
        """Ids of dangerous changes that are permitted now."""
        with self._lock:
            return sorted(self._allow)

    def asked(self) -> tuple[bool, bool]:
        """Whether labels and stock list are asked at all."""
        with self._lock:
            return self._labels is not None, self.job.stock is not None

    def changed(self, probe: _Probe, view: ProbeView) -> None:
        """A probe has something new to show."""
        with self._lock:
            probe.view = view
        self._told(self.view())


class _Probe:
    """One probe and the meter at it."""

    def __init__(self, bench: Bench, port: str, number: int) -> None:
        self.port, self._number = port, number
        self.view = ProbeView(port=port)
        self.again = threading.Event()
        self._bench = bench
        self._session: OpticalSession | None = None
        self._under: str | None = None

    def cancel(self) -> None:
        """Stop what runs."""
        session = self._session
        if session is not None:
            session.cancel()

    def run(self) -> None:
        """Meter after meter; an error nobody expected is shown at this probe and ends it alone."""
        try:
            while not self._bench.stopping.is_set():
                try:
                    self._look()
                except errors.Cancelled:
                    continue
                self._bench.stopping.wait(PAUSE)
        except Exception as error:  # the others go on
            self._show(state=ProbeState.FAILED, why=self._why(error))

    def _look(self) -> None:
        try:
            found = self._identify()
        except _SILENT:
            self._under = None
            self._show(state=ProbeState.EMPTY)
            return
        except _ABSENT as error:
            self._under = None
            self._show(state=ProbeState.NO_PROBE, why=self._why(error))
            return
        serial = normalise_serial(found.serial)
        again = self.again.is_set()
        self.again.clear()
        if serial == self._under and not again:
            return
        self._under = serial
        if serial is None:
            why = Why(code="unnamed", what="the meter does not say its serial")
            self._show(state=ProbeState.REFUSED, why=why)
            return
        before = self._bench.result(serial)
        if before is not None and (held := _held(before, again)) is not None:
            self._show(state=held, serial=serial, result=before, why=before.why)
            return
        self._work(serial, found)

    def _work(self, serial: str, found: Identity) -> None:
        if self._bench.taken(serial, self):
            why = Why(code="same_meter", what="another probe works at this serial")
            self._show(state=ProbeState.REFUSED, serial=serial, why=why)
            return
        self._show(state=ProbeState.WORKING, serial=serial)
        began = time.monotonic()
        judged = self._bench.compared(serial, found)
        self._bench.record.matched(found, judged)
        result = self._first(serial, found, judged)
        try:
            result = self._configured(result) if judged.equal else result
        except errors.Cancelled:
            why = Why(code="cancelled", what="stopped; what was begun was finished and read back")
            self._end(result, ProbeState.FAILED, why, began)
            raise
        except (errors.DriverError, OSError) as error:
            state = ProbeState.LOCKED if isinstance(error, errors.LockedOut) else ProbeState.FAILED
            let_in = self.view.step in ("plan", "apply", "verify") and isinstance(error, _LET_IN_AGAIN)
            self._end(msgspec.structs.replace(result, let_in=let_in), state, self._why(error), began)
            return
        self._end(result, result.state, result.why, began)

    def _first(self, serial: str, found: Identity, judged: MatchResult) -> Result:
        labels, stock = self._bench.asked()
        cause = judged.cause.value if judged.cause else None
        missing = ("not_on_truck", "already_installed", "other_crew")
        return Result(
            serial=serial,
            state=ProbeState.REFUSED,
            port=self.port,
            at=utc_text(datetime.now(UTC)),
            manufacturer=found.manufacturer,
            model=found.model,
            firmware=found.firmware,
            label=(cause != "label_unread") if labels else None,
            stock=(cause not in missing) if stock and cause != "label_unread" else None,
            program=self._bench.program.name,
            version=self._bench.program.version,
            why=None if cause is None else Why(code=cause, what=_CAUSES.get(cause, cause)),
        )

    def _configured(self, result: Result) -> Result:
        bench, job = self._bench, self._bench.job
        model = job.known.get(result.model or "")
        secret = with_rules(model, result.serial, _secret(job, result.serial))
        connection = connection_for(model, secret, bench.record.system_title())
        if connection.auth is Auth.NONE:
            raise errors.MissingSecret(detail=f"no keys for {result.serial}")
        connection = counted(connection, result.serial)
        kept = job.recordings
        session = self._open(connection, secret, kept.begin(self._number) if kept is not None else None)
        try:
            self._step("plan")
            values = dict(job.values)
            plan = session.plan(job.program, values)
            if normalise_serial(plan.meter) != result.serial:
                raise errors.OtherMeter(detail=f"{plan.meter} is at the port, {result.serial} was compared")
            unsettled = bench.record.open_intents(plan.meter)
            if unsettled:
                session.settle(unsettled)
                plan = session.plan(job.program, values)
            self._step("apply")
            report = session.apply(plan, bench.allowed())
            self._step("verify")
            checked = session.verify(job.program, values)
        finally:
            self._close(session)
        return _judged(result, report, checked.holds)

    def _end(self, result: Result, state: ProbeState, why: Why | None, began: float) -> None:
        seconds = round(time.monotonic() - began, 1)
        kept, passed = self._bench.job.recordings, state is ProbeState.PASSED
        recording = kept.end(self._number, result.serial, passed) if kept is not None else None
        result = msgspec.structs.replace(result, state=state, why=why, seconds=seconds, recording=recording)
        self._bench.keep(result)
        self._show(state=state, serial=result.serial, result=result, why=why)

    # --- the line ---------------------------------------------------------------------------------

    def _identify(self) -> Identity:
        title = self._bench.record.system_title()
        public = connection_for(None, no_secret, title)
        public = msgspec.structs.replace(public, mode=self._bench.job.head)
        session = self._open(public, no_secret)
        try:
            return session.identify()
        finally:
            self._close(session)

    def _open(
        self, connection: Connection, secret: Callable[[str], bytes | None], trace: Path | None = None
    ) -> OpticalSession:
        job = self._bench.job
        if self._bench.stopping.is_set():
            raise errors.Cancelled
        session = OpticalSession(
            self.port,
            connection,
            self._bench.record.host(secret, self._progress, self._bench.program.version),
            models=job.models,
            programs=job.programs,
            cache=job.cache,
            trace=trace,
        )
        self._session = session
        return session

    def _close(self, session: OpticalSession) -> None:
        self._session = None
        session.close()

    # --- the picture ------------------------------------------------------------------------------

    def _step(self, step: str) -> None:
        if self._bench.stopping.is_set():
            raise errors.Cancelled
        view = msgspec.structs.replace(self.view, step=step, done=0, total=0, seconds_left=None)
        self._bench.changed(self, view)

    def _progress(self, step: str, done: int, total: int, left: float | None) -> None:
        if self.view.state is ProbeState.WORKING:
            view = msgspec.structs.replace(self.view, done=done, total=total, seconds_left=left)
            self._bench.changed(self, view)

    def _show(self, **shown: object) -> None:
        view = msgspec.structs.replace(ProbeView(port=self.port), **shown)
        if view != self.view:
            self._bench.changed(self, view)

    def _why(self, error: Exception) -> Why:
        told = explain(error, self._bench.job.language)
        until = None
        if isinstance(error, errors.LockedOut) and error.seconds:
            until = utc_text(datetime.now(UTC) + timedelta(seconds=error.seconds))
        return Why(code=told.code, what=told.what, hint=told.hint, until=until)


_CAUSES = {
    "label_unread": "no label with this serial was scanned",
    "not_on_truck": "this serial is not on the stock list",
    "already_installed": "the stock list says that it is installed",
    "other_model": "the program is for another model",
}


def _secret(job: Job, serial: str) -> Callable[[str], bytes | None]:
    return lambda name: job.secrets(serial, name)


def _held(before: Result, again: bool) -> ProbeState | None:
    """What a meter that was here before is shown as; None: it is to be worked.

    Passed is passed. A lock-out is waited for even on a person's word; else a word, or a line that failed
    after we were let in, begins anew. What label or list refused is compared anew: they may have come since.
    """
    if before.state is ProbeState.PASSED:
        return None if again else ProbeState.KNOWN
    until = before.why.until if before.why else None
    if until is not None and read_utc(until) > datetime.now(UTC):
        return ProbeState.LOCKED
    if again or before.let_in or before.state is ProbeState.REFUSED:
        return None
    return before.state


def _judged(result: Result, report: ApplyReport, holds: bool) -> Result:
    written = [change.id for change in report.changes if change.state is OutcomeState.VERIFIED]
    if holds:
        return msgspec.structs.replace(result, state=ProbeState.PASSED, written=written, why=None)
    left = [change.id for change in report.changes if change.state is not OutcomeState.VERIFIED]
    untouched = [change.id for change in report.changes if change.state is OutcomeState.UNTOUCHED]
    code, what = (
        ("not_permitted", f"needs permission: {', '.join(untouched)}")
        if untouched
        else ("not_configured", f"does not hold: {', '.join(left) or 'see meter plan'}")
    )
    return msgspec.structs.replace(
        result, state=ProbeState.FAILED, written=written, why=Why(code=code, what=what), asking=untouched
    )
