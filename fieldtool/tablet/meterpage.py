"""The meter page: a meter without an order. Reads only; nothing is written and nothing goes into the
journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from drivers import errors
from drivers.connection import Connection, Mode
from drivers.reading import EventRow, JoinEvidence, ProfileResult, ReadResult
from drivers.session.client import OpticalSession
from fieldtool.associating import connection_for, counted, no_secret, with_rules
from fieldtool.identity import normalise_serial
from fieldtool.journalhost import JournalHost, OrderContext
from fieldtool.meterclock import CLOCK_ITEM, CLOCK_ITEMS, drift_of
from fieldtool.run.recordings import end_of
from fieldtool.tablet.rows import MeterView, ProfileView
from fieldtool.wiring import generation_of, verdict_of
from workorders.store import queries

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Progress, Tablet


_Value = TypeVar("_Value")
EVENT_DAYS = 30
"""How far back the event log is shown: further back it is history that a visit has no use for."""
REFRESH_SECONDS = 6.0
_INSTANT = "7"


def read_meter(
    tablet: Tablet, port: str, progress: Progress | None, *, day: datetime | None = None
) -> MeterView:
    """Identify a meter, then read it with the strongest association whose secrets are here.

    Args:
        day: read the load profile from this instant for 24 hours, and the events, too.

    Raises:
        DriverError: what went wrong at the port.
    """
    visit = MeterVisit(tablet, port, progress)
    try:
        return visit.read(day)
    finally:
        visit.close()


class MeterVisit:
    """One meter at the probe, kept open so that its live values can be read again and again.

    Blocks, and belongs into one worker thread; only `cancel` may come from another one. After an error it is
    closed.
    """

    def __init__(self, tablet: Tablet, port: str, progress: Progress | None, head: Mode = Mode.AUTO) -> None:
        """head: how to ask who is there; an ANSI meter answers only its own optical head, `Mode.C12`."""
        self._tablet, self._port, self._progress, self._head = tablet, port, progress, head
        self._session: OpticalSession | None = None
        self._view: MeterView | None = None
        self._generation: bool | None = None
        self._trace = tablet.home.cache() / "recordings" / "meter.jsonl"
        self._recorded = b""

    @property
    def is_open(self) -> bool:
        """Whether there is something to refresh."""
        return self._session is not None and self._view is not None

    @property
    def recording(self) -> bytes:
        """What crossed the line in this visit, for `drivers.trace`; it names no secret, but holds readings.
        In clear on the disk only while the meter is open, afterwards in memory until the next visit."""
        return self._recorded or end_of(self._trace)

    def read(self, day: datetime | None) -> MeterView:
        """Everything: who it is, what it reads, network, events, one day of load profile."""
        tablet = self._tablet
        self.close()
        self._trace.parent.mkdir(parents=True, exist_ok=True)
        self._recorded = b""
        change = msgspec.structs.replace
        public = change(connection_for(None, no_secret, tablet.identity.system_title), mode=self._head)
        identity = self._with(public, "", lambda session: session.identify())
        self._leave()
        serial = normalise_serial(identity.serial) or ""
        model = tablet.desk.now().models.get(identity.model or "")
        secret = with_rules(model, serial, partial(tablet.secrets.get, serial))
        connection = counted(connection_for(model, secret, tablet.identity.system_title), serial)
        if self._head is Mode.C12:
            connection = change(connection, mode=Mode.C12)  # also where no model file knows it

        order_id = tablet.find_order(serial) if serial else None
        self._generation = self._generation_at(order_id)

        def job(session: OpticalSession) -> MeterView:
            read = session.read(None)
            now = datetime.now(UTC)
            network = _network(session)
            return MeterView(
                identity=msgspec.to_builtins(read.identity),
                readings=[msgspec.to_builtins(reading) for reading in read.readings],
                network=msgspec.to_builtins(network) if network else None,
                clock_drift_seconds=drift_of(read.readings, now),
                profile=_profile(session, day) if day is not None else None,
                order_id=order_id,
                wiring=verdict_of(read.readings, model, generation=self._generation),
                events=_events(session) if day is not None else [],
                event_names=model.event_names if model else {},
                connection=model.connection if model else "direct",
            )

        self._view = self._with(connection, serial, job)
        return self._view

    def _generation_at(self, order_id: str | None) -> bool | None:
        """Whether power may flow back, by the order that names this meter."""
        if order_id is None:
            return None
        with self._tablet.store.read() as connection:
            order = queries.order(connection, order_id)
        return generation_of(order.order.flags) if order is not None else None

    def refresh(self) -> MeterView | None:
        """Only what changes from one moment to the next; None where nothing is open."""
        view, session = self._view, self._session
        if view is None or session is None:
            return None
        items = [row["item"] for row in view.readings if _is_live(row["item"])]
        if not items:
            return view
        read = self._guarded(session, lambda: _in_time(session, items))
        fresh = {reading.item: msgspec.to_builtins(reading) for reading in read.readings}
        self._view = msgspec.structs.replace(
            view,
            readings=[fresh.get(row["item"], row) for row in view.readings],
            clock_drift_seconds=drift_of(read.readings, datetime.now(UTC)),
            wiring=verdict_of(
                read.readings,
                self._tablet.desk.now().models.get(view.identity.get("model") or ""),
                generation=self._generation,
            ),
        )
        return self._view

    def cancel(self) -> None:
        """Stop what runs; from any thread."""
        session = self._session
        if session is not None:
            session.cancel()

    def close(self) -> None:
        """Leave the meter well; no recording stays on the disk, nor one that a crash left there."""
        self._leave()
        self._recorded = self._recorded or end_of(self._trace)
        with suppress(OSError):
            self._trace.unlink(missing_ok=True)

    def _leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _with(self, connection: Connection, serial: str, job: Callable[[OpticalSession], _Value]) -> _Value:
        session = _session(self._tablet, self._port, connection, self._progress, serial, self._trace)
        self._session = session
        return self._guarded(session, lambda: job(session))

    def _guarded(self, session: OpticalSession, job: Callable[[], _Value]) -> _Value:
        try:
            return job()
        except BaseException:
            self.close()
            raise


def _in_time(session: OpticalSession, items: list[str]) -> ReadResult:
    """A refresh that takes long is given up: a session waits half a minute for a meter that comes back, but
    nobody should look at old values for so long. Raises ``NoAnswer``."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        session.cancel()

    timer = threading.Timer(REFRESH_SECONDS, give_up)
    timer.start()
    try:
        return session.read(items)
    except errors.Cancelled:
        if late.is_set():
            raise errors.NoAnswer(detail="a refresh took too long") from None
        raise
    finally:
        timer.cancel()


def _is_live(item: str) -> bool:
    """Momentary values (OBIS D 7; ANSI: standard table 28) and the clock."""
    if item.startswith("ansi:"):
        return item in CLOCK_ITEMS or item.startswith("ansi:ST28:")
    groups = item.split(":")[1].split(".") if item.count(":") == 2 else []
    return item == CLOCK_ITEM or (len(groups) == 6 and groups[3] == _INSTANT)


def _session(
    tablet: Tablet, port: str, connection: Connection, progress: Progress | None, serial: str, trace: Path
) -> OpticalSession:
    person = tablet.person()
    context = OrderContext(order_id=None, order_version=None, actor=person.id if person else None)
    host = JournalHost(tablet.journal, context, partial(tablet.secrets.get, serial))
    host.progress = progress
    files = tablet.desk.now()
    return OpticalSession(
        port,
        connection,
        host,
        models=files.folders["models"],
        programs=files.folders["programs"],
        cache=tablet.home.cache(),
        trace=trace,
    )


def _network(session: OpticalSession) -> JoinEvidence | None:
    """How it has joined; None for a meter that has no network to join."""
    try:
        found = session.network()
    except (errors.UnsupportedObject, errors.MeterRefused):
        return None
    return found if found.technology != "none" else None


def _events(session: OpticalSession) -> list[EventRow]:
    """The last weeks of the event logs, where this association may read them."""
    since = datetime.now(UTC) - timedelta(days=EVENT_DAYS)
    try:
        return session.events(None, since.isoformat(), None).rows
    except (errors.UnsupportedObject, errors.MeterRefused):
        return []


def _profile(session: OpticalSession, day: datetime) -> ProfileView | None:
    start = day.astimezone(UTC)
    try:
        found = session.profile(None, start.isoformat(), (start + timedelta(days=1)).isoformat())
    except (errors.UnsupportedObject, errors.MeterRefused):
        return None
    return _profile_view(found)


def _profile_view(found: ProfileResult) -> ProfileView:
    return ProfileView(
        columns=[column.name or column.item for column in found.columns],
        units=[column.unit or "" for column in found.columns],
        rows=[[row.time or "", *(value or "" for value in row.values)] for row in found.rows],
        period_seconds=found.capture_period,
    )
