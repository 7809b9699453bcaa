"""What can be asked of an ANSI meter: identify, read, profile and logs. Reading only; writing is in
``ansi_apply``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

from drivers.ansi import log, profile, roles
from drivers.ansi.clock import MeterZone
from drivers.ansi.items import AnsiItem, parse_ansi_item
from drivers.ansi.meter import Tables
from drivers.ansi.psem import Response, ServiceRefused
from drivers.ansi.registers import RegisterValue
from drivers.ansi.sources import Source
from drivers.errors import MeterRefused, UnsupportedObject
from drivers.models import MeterModel
from drivers.reading import (
    ByteCount,
    EventRow,
    EventsResult,
    Identity,
    JoinEvidence,
    JoinState,
    ProfileColumn,
    ProfileResult,
    ProfileRow,
    Reading,
    ReadResult,
)
from drivers.session.ansi_reach import AnsiReach
from drivers.session.jobs import moment_of
from drivers.session.pace import Progress

CLOCK = AnsiItem(52, "clock")
_REGISTERS = (23, 28)
_NO_OBJECT = "object-undefined"
_LOAD_PROFILE = "ansi:ST64"
_LOG_COLUMNS = (("code", "event code"), ("event", "event"), ("user", "user id"), ("argument", "argument"))


class AnsiJobs:
    """Reading jobs on one ANSI meter."""

    def __init__(self, reach: AnsiReach, progress: Progress) -> None:
        self.reach = reach
        self.progress = progress
        self._identity: Identity | None = None

    @property
    def model(self) -> MeterModel | None:
        return self.reach.model

    def remember_type(self) -> None:
        """Nothing of an ANSI type is kept: its configuration tables are read with each meter."""

    # ---- identify

    def identify(self) -> Identity:
        if self._identity is None:
            self._identity = self.reach.run(self._read_identity)
        return self._identity

    def _read_identity(self, tables: Tables) -> Identity:
        self.progress("identify", 0, 1)
        maker = tables.manufacturer()
        line = f"ANSI {maker.manufacturer} {maker.model}".strip()
        self.reach.recognise(line)
        protocol = self.reach.protocol
        extra = {
            "identification": line,
            "device_type": maker.model,
            "hardware": maker.hardware,
            "protocol": protocol.name if protocol else "",
            "tables": f"C12.19 {tables.config.version}.{tables.config.revision}",
        }
        words = _shown_words(tables, 5) | _shown_words(tables, 6)
        extra |= {word: text for word, text in words.items() if word not in ("owner_name", "customer_id")}
        serial = maker.serial or words.get("utility_serial") or words.get("device_identification")
        model = self.model
        if model and "serial" in model.identity:
            item = parse_ansi_item(model.identity["serial"])
            serial = _word(tables, item) or serial
        self.progress("identify", 1, 1)
        return Identity(
            maker.manufacturer or None,
            serial or None,
            model.name if model else maker.model or None,
            maker.firmware,
            None,
            {word: text for word, text in extra.items() if text},
        )

    # ---- read

    def read(self, texts: list[str] | None) -> ReadResult:
        """Items as asked, else everything the registers and the clock hold. Raises ``UnsupportedObject`` if
        not a single one of those asked for is there."""
        started = time.monotonic()
        identity = self.identify()
        if texts is None:
            readings = self.reach.run(self._everything)
        else:
            items = {text: parse_ansi_item(text) for text in texts}
            readings = self.reach.run(lambda tables: self._asked(tables, items))
            if texts and all(reading.status == _NO_OBJECT for reading in readings):
                raise UnsupportedObject(detail=", ".join(texts[:5]))
        seconds = round(time.monotonic() - started, 3)
        return ReadResult(identity, readings, self.reach.exchanges, self._bytes(), seconds)

    def _bytes(self) -> ByteCount:
        line = self.reach.line
        return ByteCount(line.bytes_tx, line.bytes_rx) if line else ByteCount()

    def _everything(self, tables: Tables) -> list[Reading]:
        """What the model names, in its order; then what else has a meaning; then, without a model, all."""
        found: dict[str, Reading] = {}
        zone = self._zone(tables)
        refused: MeterRefused | None = None
        for table in _REGISTERS:
            if not tables.has(table):
                continue
            try:
                found |= self._registers(tables, table, zone)
            except MeterRefused as error:  # the other table may be open to this session
                refused = _unless_asleep(error)
        if refused is not None and not found:
            raise refused
        named = [parse_ansi_item(one.item) for one in self.model.readings] if self.model else []
        others = {str(item): item for item in named if item.table not in _REGISTERS}
        if not named:
            others |= {str(item): item for item in (CLOCK, AnsiItem(3, "status"))}
        there = {text: item for text, item in others.items() if tables.has(item.table)}
        found |= {reading.item: reading for reading in self._asked(tables, there)}
        order = [str(item) for item in named if str(item) in found] or list(there)
        order += [text for text in found if text not in order and (not named or _has_role(text))]
        return [found[text] for text in order]

    def _asked(self, tables: Tables, items: dict[str, AnsiItem]) -> list[Reading]:
        zone = self._zone(tables) if any(item.table in (*_REGISTERS, 52) for item in items.values()) else None
        kept: dict[int, dict[str, Reading]] = {}
        readings = []
        for done, (text, item) in enumerate(items.items()):
            self.progress("read", done, len(items))
            try:
                readings.append(self._one(tables, text, item, zone, kept))
            except UnsupportedObject:
                readings.append(Reading(text, self._name(item), status=_NO_OBJECT))
            except MeterRefused as error:
                readings.append(Reading(text, self._name(item), status=_unless_asleep(error).result))
        return readings

    def _one(
        self,
        tables: Tables,
        text: str,
        item: AnsiItem,
        zone: MeterZone | None,
        kept: dict[int, dict[str, Reading]],
    ) -> Reading:
        raw = item.raw
        if raw is not None:
            data = tables.part(item.table, *raw) if raw[1] else tables.raw(item.table)
            return Reading(text, self._name(item), data.hex().upper())
        if item.table in _REGISTERS and zone is not None:
            if item.table not in kept:
                kept[item.table] = self._registers(tables, item.table, zone, every_place=True)
            found = kept[item.table].get(str(item))
            return found or Reading(text, self._name(item), status=_NO_OBJECT)
        if item.table in (52, 55) and item.element == "clock" and zone is not None:
            return self._clock_reading(tables, text, zone)
        value = _word(tables, item)
        return Reading(text, self._name(item), value, status=None if value is not None else _NO_OBJECT)

    def _clock_reading(self, tables: Tables, text: str, zone: MeterZone) -> Reading:
        """In UTC where the meter or its model file says how its time stands to it."""
        local = tables.clock().time
        if local is None:
            return Reading(text, self._name(CLOCK), status="not-set")
        utc = zone.to_utc(local)
        return Reading(text, self._name(CLOCK), _iso(utc) if utc else local.isoformat())

    def _zone(self, tables: Tables) -> MeterZone:
        if not (tables.has(52) or tables.has(55)):
            return MeterZone(None)
        return tables.zone(tables.clock(), self.model.time_zone_minutes if self.model else None)

    def _registers(
        self, tables: Tables, table: int, zone: MeterZone, *, every_place: bool = False
    ) -> dict[str, Reading]:
        """Readings of table 23 or 28 by item; a meaning is given to the first register that has it.

        ``every_place``: registers with a meaning are found by their place, too.
        """
        values = list(tables.registers().values) if table == 23 else tables.present()
        sources = tables.sources()
        found: dict[str, Reading] = {}
        for value in values:
            source = sources[value.source] if value.source < len(sources) else None
            role = roles.role_of(value, source)
            place = AnsiItem(table, roles.place_of(value))
            item = AnsiItem(table, role) if role and str(AnsiItem(table, role)) not in found else place
            for one in {item, place} if every_place else {item}:
                found[str(one)] = self._reading(one, role, value, source, zone)
        return found

    def _reading(
        self, item: AnsiItem, role: str | None, value: RegisterValue, source: Source | None, zone: MeterZone
    ) -> Reading:
        name = self._name(item) or (roles.name_of_role(role) if role else None)
        text, unit, status = _scaled(value.value, source)
        utc = zone.to_utc(value.time) if value.time else None
        return Reading(str(item), name, text, unit, _iso(utc) if utc else None, status)

    def _name(self, item: AnsiItem) -> str | None:
        return self.model.name_of(str(item)) if self.model else None

    # ---- profile and logs

    def profile(self, text: str | None, start: str | None, end: str | None) -> ProfileResult:
        """Rows of a load profile set (ST64 to ST67), of the history log (ST74) or the event log (ST76)."""
        started = time.monotonic()
        since, until = moment_of(start, "start"), moment_of(end, "end")
        self.identify()
        item = parse_ansi_item(text or (self.model.profile if self.model else _LOAD_PROFILE))
        if not item.is_recorded:
            raise UnsupportedObject(detail=f"{item} is no profile and no log")
        job = self._log if item.table in (log.HISTORY_LOG, log.EVENT_LOG) else self._load_profile
        columns, rows, period = self.reach.run(lambda tables: job(tables, item, since))
        return ProfileResult(
            str(item),
            columns,
            [row for moment, row in rows if _inside(moment, since, until)],
            period,
            self.reach.exchanges,
            self._bytes(),
            round(time.monotonic() - started, 3),
        )

    def _load_profile(
        self, tables: Tables, item: AnsiItem, since: datetime | None
    ) -> tuple[list[ProfileColumn], list[tuple[datetime | None, ProfileRow]], int | None]:
        number = item.table - profile.FIRST_DATA_TABLE + 1
        control, sources, zone = tables.profile_control(number), tables.sources(), self._zone(tables)
        channels = [
            sources[channel.source] if channel.source < len(sources) else None for channel in control.channels
        ]
        columns = [self._column(item.table, n, source) for n, source in enumerate(channels)]
        local = zone.to_local(since.replace(tzinfo=None)) if since else None
        intervals = tables.intervals(number, control, local, lambda d, n: self.progress("profile", d, n))
        rows = []
        for interval in intervals:
            utc = zone.to_utc(interval.end, interval.daylight) if interval.end else None
            cells = zip(interval.values, channels, strict=True)
            values = [_scaled(value, source)[0] for value, source in cells]
            status = ",".join(interval.status) or None
            rows.append((_aware(utc), ProfileRow(_iso(utc) if utc else None, status, values)))
        minutes = tables.profile_limits().sets[number].interval
        return columns, rows, minutes * 60 or None

    def _column(self, table: int, number: int, source: Source | None) -> ProfileColumn:
        role = roles.interval_role(source)
        item = AnsiItem(table, role or f"channel{number}")
        name = self._name(item) or (roles.name_of_role(role) if role else None)
        return ProfileColumn(str(item), name, _scaled(Decimal(0), source)[1])

    def _log(
        self, tables: Tables, item: AnsiItem, since: datetime | None
    ) -> tuple[list[ProfileColumn], list[tuple[datetime | None, ProfileRow]], int | None]:
        zone = self._zone(tables)
        columns = [ProfileColumn(str(AnsiItem(item.table, word)), name) for word, name in _LOG_COLUMNS]
        rows = []
        for entry in tables.log_entries(item.table):
            utc = zone.to_utc(entry.time) if entry.time else None
            values = [str(entry.code), log.event_name(entry.code), str(entry.user), entry.argument or None]
            rows.append((_aware(utc), ProfileRow(_iso(utc) if utc else None, None, values)))
        return columns, rows, None

    def events(self, item: str | None, start: str | None, end: str | None) -> EventsResult:
        """Event log and history log, or the one asked for, oldest row first. Codes are the standard's; a
        manufacturer's event has bit 11 (2048) set."""
        started = time.monotonic()
        identity = self.identify()
        found = []
        for text in [item] if item else self._logs():
            rows = self.profile(text, start, end).rows
            found += [EventRow(row.time, *_event_cells(row), None, text, _details(row)) for row in rows]
        found.sort(key=lambda row: row.time or "")
        seconds = round(time.monotonic() - started, 3)
        return EventsResult(identity, found, self.reach.exchanges, self._bytes(), seconds)

    def _logs(self) -> list[str]:
        tables = self.reach.run(lambda tables: tables.config.tables)
        logs = [str(AnsiItem(table)) for table in (log.EVENT_LOG, log.HISTORY_LOG) if table in tables]
        if not logs:
            raise UnsupportedObject(detail="neither an event log nor a history log")
        return logs

    # ---- network

    def network(self) -> JoinEvidence:
        """C12.19 has no table that says whether a module has joined its network."""
        self.identify()
        return JoinEvidence(JoinState.UNKNOWN, "none")


def _event_cells(row: ProfileRow) -> tuple[str | None, str | None]:
    return row.values[0], row.values[1]


def _details(row: ProfileRow) -> dict[str, str]:
    words = (word for word, _ in _LOG_COLUMNS[2:])
    return {word: value for word, value in zip(words, row.values[2:], strict=True) if value is not None}


def _scaled(value: Decimal | None, source: Source | None) -> tuple[str | None, str | None, str | None]:
    """Value, unit and status. A value whose source is not described is given as it is, marked."""
    if value is None:
        return None, None, "not-a-number"
    if source is None or source.unit is None:
        scaled = source.scale(value) if source else (format(value, "f"), None)
        return (*scaled, "unit-unknown") if scaled else (None, None, "not-a-number")
    scaled = source.scale(value)
    return (*scaled, None) if scaled else (None, None, "not-a-number")


def _words_of(tables: Tables, table: int) -> dict[str, str]:
    """The words of a table of single values; ST13 gives the demand intervals in minutes."""
    match table:
        case 1:
            maker = tables.manufacturer()
            return {
                "manufacturer": maker.manufacturer,
                "model": maker.model,
                "hardware": maker.hardware,
                "firmware": maker.firmware,
                "serial": maker.serial,
            }
        case 3:
            state = tables.mode_status()
            return {
                "mode": ",".join(state.modes),
                "status": ",".join(state.status) or "none",
                "manufacturer": state.manufacturer,
            }
        case 5:
            return {"device_identification": tables.device_identification()}
        case 6:
            return tables.utility_information()
        case 13:
            minutes = tables.demand_control().intervals
            return {f"interval{n}": str(each) for n, each in enumerate(minutes)}
    return {}


def _shown_words(tables: Tables, table: int) -> dict[str, str]:
    """As ``_words_of``; empty where the table is not there or the meter does not show it to this session."""
    if not tables.has(table):
        return {}
    try:
        return _words_of(tables, table)
    except MeterRefused as error:
        _unless_asleep(error)
        return {}


def _unless_asleep(error: MeterRefused) -> MeterRefused:
    """A session that the meter has ended by itself is no refusal of one table."""
    if isinstance(error, ServiceRefused) and error.response is Response.ISSS:
        raise error
    return error


def _word(tables: Tables, item: AnsiItem) -> str | None:
    if not tables.has(item.table):
        return None
    return _words_of(tables, item.table).get(item.element)


def _has_role(text: str) -> bool:
    return text.rpartition(":")[2].replace(".", "").isdigit()


def _aware(utc: datetime | None) -> datetime | None:
    return utc.replace(tzinfo=UTC) if utc else None


def _iso(utc: datetime) -> str:
    return utc.isoformat(timespec="seconds") + "Z"


def _inside(moment: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    if moment is None:
        return True
    return (since is None or moment >= since) and (until is None or moment <= until)
