"""Where the bench records what it writes: the tablet's journal, or the meter log of a machine by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from drivers.changes import WriteIntent
from drivers.connection import SessionHost
from drivers.reading import Identity
from fieldtool.identity import MatchResult
from fieldtool.journalhost import JournalHost, OrderContext
from fieldtool.meterlog import MeterLog, MeterLogHost
from workorders.journal import kinds
from workorders.journal.lifts import PayloadError, read_payload
from workorders.journal.words import DeviceRole, MatchSource
from workorders.journal.writer import Journal
from workorders.store import entries, schema

Progress = Callable[[str, int, int, float | None], None]
Secret = Callable[[str], bytes | None]


class Record(Protocol):
    """Durable before each write; one bench's threads use it together."""

    def system_title(self) -> str:
        """Our DLMS client system title."""
        ...

    def host(self, secret: Secret, progress: Progress, version: int | None) -> SessionHost:
        """Answers the questions of one session."""
        ...

    def open_intents(self, serial: str) -> list[WriteIntent]:
        """Writes to this meter whose outcome is not known."""
        ...

    def matched(self, found: Identity, result: MatchResult) -> None:
        """The meter was recognised and compared with label and stock list."""
        ...


class LogRecord:
    """On a machine that is not enrolled: the meter tool's log. Who was compared with what is in the pallet's
    list alone."""

    def __init__(self, log: MeterLog) -> None:
        self._log = log

    def system_title(self) -> str:
        """This machine's own."""
        return self._log.system_title()

    def host(self, secret: Secret, progress: Progress, version: int | None) -> SessionHost:
        """Intents and counters in the log."""
        del version
        return _LogHost(self._log, secret, progress)

    def open_intents(self, serial: str) -> list[WriteIntent]:
        """Of the log."""
        return self._log.open_intents(serial)

    def matched(self, found: Identity, result: MatchResult) -> None:
        """Nothing: this log is of writes."""


class _LogHost(MeterLogHost):
    """Secrets by meter, not by command line."""

    def __init__(self, log: MeterLog, secret: Secret, progress: Progress) -> None:
        super().__init__(log, {}, progress)
        self._secret = secret

    def secret(self, name: str) -> bytes | None:
        """A password or key of the meter at this probe."""
        return self._secret(name)


class JournalRecord:
    """On a tablet: entries of its own chain, without an order, in the name of who is signed in."""

    def __init__(self, journal: Journal, system_title: str, actor: str) -> None:
        self._journal = journal
        self._title = system_title
        self._context = OrderContext(order_id=None, order_version=None, actor=actor)

    def system_title(self) -> str:
        """The tablet's own."""
        return self._title

    def host(self, secret: Secret, progress: Progress, version: int | None) -> JournalHost:
        """Intents and outcomes as entries."""
        host = JournalHost(self._journal, self._context, secret, version)
        host.progress = progress
        return host

    def open_intents(self, serial: str) -> list[WriteIntent]:
        """Intents without an order and without an outcome, oldest first."""
        open_: dict[str, kinds.MeterIntent] = {}
        for payload in self._writes():
            if isinstance(payload, kinds.MeterIntent) and payload.serial == serial:
                open_[payload.intent_id] = payload
            elif isinstance(payload, kinds.MeterChanged) and payload.state != "unknown":
                open_.pop(payload.intent_id, None)
        return [
            WriteIntent(
                id=one.intent_id,
                meter=one.serial,
                item=one.item,
                name=one.name,
                was=one.was,
                will_be=one.will_be,
                program=one.program,
            )
            for one in open_.values()
        ]

    def last_write(self, serial: str, name: str) -> str | None:
        """What was last intended of a kind of write to a meter, whatever became of it."""
        last: str | None = None
        for payload in self._writes():
            if isinstance(payload, kinds.MeterIntent) and (payload.serial, payload.name) == (serial, name):
                last = payload.will_be
        return last

    def _writes(self) -> Iterator[kinds.Payload]:
        """Intents and outcomes without an order, oldest first."""
        table = schema.entry
        wanted = table.c.order_id.is_(None) & table.c.kind.in_(
            [kinds.MeterIntent.KIND, kinds.MeterChanged.KIND]
        )
        with self._journal.store.read() as connection:
            found = entries.fold_order(connection, wanted)
        for entry in found:
            try:
                payload = read_payload(entry.envelope)
            except PayloadError:
                continue
            if payload is not None:
                yield payload

    def matched(self, found: Identity, result: MatchResult) -> None:
        """`meter.read` by its identity, and `match.checked`, without an order."""
        sources = [
            MatchSource(source=line.source.value, serial=line.serial, note=line.note) for line in result.lines
        ]
        read = kinds.MeterRead(
            role=DeviceRole.NEW,
            how="optical",
            manufacturer=found.manufacturer,
            serial=found.serial,
            model=found.model,
            firmware=found.firmware,
            logical_device_name=found.logical_device_name,
        )
        checked = kinds.MatchChecked(
            role=DeviceRole.NEW,
            sources=sources,
            verdict=result.verdict.value,
            cause=result.cause.value if result.cause else None,
        )
        for payload in (read, checked):
            self._journal.append(payload, actor=self._context.actor)
