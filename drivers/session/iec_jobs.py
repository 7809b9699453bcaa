"""What can be asked of a meter that speaks only IEC 62056-21: identify, read, profile and log. Reading only;
writing is in ``iec_apply``."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from drivers.errors import Garbage, LinkLost, MeterRefused, UnsupportedObject
from drivers.iec62056.profile import ProfileBlock, ProfileLine, parse_profile
from drivers.iec62056.programming import ProgrammingLink
from drivers.iec62056.readout import DataSet, closing_times, data_sets_of, parse_address
from drivers.iec62056.times import MeterTime
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
from drivers.session.access import ReadoutOnly
from drivers.session.iec_reach import IecReach
from drivers.session.jobs import moment_of
from drivers.session.pace import Progress
from drivers.session.reach import identification_text

_SERIAL_CODES = ("0.0.0", "C.1.0", "0.0", "C.1", "96.1.0")
_FIRMWARE_CODES = ("0.2.0", "C.2.0")
_READOUTS = 4
UNCONFIRMED = "unconfirmed"
_MISSING = "object-undefined"
_REFUSALS = 3


class IecJobs:
    """Reading jobs on one meter."""

    def __init__(self, reach: IecReach, progress: Progress) -> None:
        self.reach = reach
        self.progress = progress
        self._identity: Identity | None = None
        self._before: dict[str, DataSet] = {}
        self._is_odd = False
        self._were_chosen = False

    @property
    def model(self) -> MeterModel | None:
        return self.reach.model

    def remember_type(self) -> None:
        """Nothing of such a type is worth keeping."""

    # ---- identify

    def identify(self) -> Identity:
        """Manufacturer and type from the identification line, the serial from the codes that the model or the
        makes use for it. Over a line that has shown damage two readouts in a row must agree on it."""
        if self._identity is None:
            try:
                identity = self._identity_in(self.reach.peek())
                if self.reach.is_bad_line:
                    self.reach.readout()
                    identity, data_sets = self._agreeing_with(identity)
                    self.reach.give_back(data_sets)
                self._identity = identity
            except (Garbage, LinkLost):
                self._identity, _ = self._read_singly([])
            self.reach.hold()
        return self._identity

    def _identity_in(self, data_sets: list[DataSet]) -> Identity:
        found, model = self.reach.identification, self.model
        assert found is not None
        known = model.identity if model else {}
        return Identity(
            found.manufacturer,
            _first(data_sets, [known.get("serial", ""), *_SERIAL_CODES]),
            model.name if model else found.text or None,
            _first(data_sets, [known.get("firmware", ""), *_FIRMWARE_CODES]),
            None,
            {"identification": identification_text(found), "mode": self.reach.mode}
            | _further(data_sets, known),
        )

    def _readout_of_same(self) -> tuple[Identity, list[DataSet]]:
        """A readout that says who the meter is as the one before did: no check guards it against two errors.
        Where they differ, two in a row must agree."""
        self._identity, data_sets = self._agreeing_with(self.identify())
        return self._identity, data_sets

    def _agreeing_with(self, known: Identity) -> tuple[Identity, list[DataSet]]:
        for _ in range(_READOUTS):
            data_sets = self.reach.readout()
            identity = self._identity_in(data_sets)
            if identity == known:
                return identity, data_sets
            known = identity
        raise Garbage(detail="the meter says another identity each time")

    # ---- read

    def read(self, texts: list[str] | None) -> ReadResult:
        """All data sets, or those asked for by their code (``1.8.0``, or an item whose OBIS the code
        shortens). Each call reads the meter anew. Raises ``UnsupportedObject`` if not a single one of those
        asked for is there. What no check vouches for is ``unconfirmed`` until the readout before said the
        same: everything of a meter that sends no check, over a line that has shown damage, or of a readout
        that holds what no meter sends."""
        started = time.monotonic()
        try:
            identity, data_sets = self._readout_of_same()
        except (Garbage, LinkLost):
            identity, data_sets = self._read_singly(texts)
            self._were_chosen |= texts is None
        else:
            if texts is None and self._were_chosen:  # a reading that is to confirm the last one holds no more
                data_sets = [
                    found for found in data_sets if any(means(found.address, b) for b in self._before)
                ]
        self._is_odd = any(found.is_odd for found in data_sets)
        readings = self._all(data_sets) if texts is None else [self._one(data_sets, text) for text in texts]
        if texts and all(reading.status == _MISSING for reading in readings):
            raise UnsupportedObject(detail=", ".join(texts[:5]))
        self._before = {found.address: found for found in data_sets}
        return ReadResult(identity, readings, self.reach.exchanges, self._bytes(), _since(started))

    def _read_singly(self, texts: list[str] | None) -> tuple[Identity, list[DataSet]]:
        """Over a line that lets no whole readout through: register by register in programming mode, each
        until two readings in a row agree. Who the meter is must agree (else ``Garbage``); any other register
        that never does keeps its last value, which nothing vouches for. Raises ``LinkLost`` where the model
        knows no such way."""
        model = self.model
        if model is None or self.reach.options.programming is None:
            raise LinkLost(detail="no readout came through, and this meter has no other way")
        asked = texts if texts is not None else [*self._before] or [named.item for named in model.readings]
        who = [*model.identity.values()]
        found: list[DataSet] = []
        for done, address in enumerate(dict.fromkeys([*who, *asked])):
            self.progress("read", done, len(who) + len(asked))
            found += self._read_register(address, certainly=address in who)
        identity = self._identity_in(found)
        known, self._identity = self._identity, identity
        if known is not None and known.serial != identity.serial:
            self._identity = None
            raise Garbage(detail="the meter says another serial than before, or none")
        return identity, found

    def _read_register(self, address: str, *, certainly: bool) -> list[DataSet]:
        """A register, nothing where the meter has it not. ``certainly``: raises ``Garbage`` where no two
        readings of it in a row agree.

        A damaged request is refused as well: over a bad line a refusal is believed no sooner than a value.
        """

        def read(link: ProgrammingLink) -> str:
            return link.read(address)

        for _ in range(_REFUSALS):
            try:
                if certainly:
                    return _sets_at(address, self.reach.run_certainly(read), agreed=True)
                text, agreed = self.reach.run_repeatedly(read)
            except MeterRefused:
                if not self.reach.is_bad_line:
                    break
            else:
                return _sets_at(address, text, agreed=agreed)
        return []

    def _all(self, data_sets: list[DataSet]) -> list[Reading]:
        return [self._reading(found, data_sets) for found in data_sets]

    def _one(self, data_sets: list[DataSet], text: str) -> Reading:
        found = next((one for one in data_sets if means(one.address, text)), None)
        if found is None:
            return Reading(text, self._name(text), status=_MISSING)
        return msgspec.structs.replace(self._reading(found, data_sets), item=text)

    def _reading(self, found: DataSet, data_sets: list[DataSet]) -> Reading:
        history = parse_address(found.address).history
        reading = found.as_reading(
            self._name(found.address),
            zone_minutes=self.zone_minutes,
            closed=closing_times(data_sets).get(history) if history else None,
            unit=self.reach.options.units.get(parse_address(found.address).code),
        )
        certain = found.agreed or (found.checked and not self.reach.is_bad_line and not self._is_odd)
        if certain or self._before.get(found.address) == found:
            return reading
        return msgspec.structs.replace(reading, status=reading.status or UNCONFIRMED)

    def _name(self, address: str) -> str | None:
        named = self.model.readings if self.model else []
        return next((one.name for one in named if means(address, one.item)), None)

    @property
    def zone_minutes(self) -> int | None:
        return self.model.time_zone_minutes if self.model else None

    def _bytes(self) -> ByteCount:
        line = self.reach.line
        return ByteCount(line.bytes_tx, line.bytes_rx) if line else ByteCount()

    # ---- profile and log

    def profile(self, text: str | None, start: str | None, end: str | None) -> ProfileResult:
        """Rows between two times. Raises ``ReadoutOnly`` where the model names no profile."""
        started = time.monotonic()
        since, until = moment_of(start, "start"), moment_of(end, "end")
        self.identify()
        options = self.reach.options.profile
        if options is None:
            raise ReadoutOnly
        address = text or options.address
        blocks = self._blocks(address, since, until)
        headers = [block.header for block in blocks]
        columns = headers[0].columns if headers else ()
        rows = [line for block in blocks if block.header.columns == columns for line in block.lines]
        return ProfileResult(
            address,
            [ProfileColumn(code, self._name(code), unit) for code, unit in columns],
            [self._row(line) for line in rows if self._inside(line.time, since, until)],
            headers[0].period * 60 if headers else None,
            self.reach.exchanges,
            self._bytes(),
            _since(started),
        )

    def events(self, text: str | None, start: str | None, end: str | None) -> EventsResult:
        """Entries of the operating log between two times, oldest first; the code is its status word."""
        started = time.monotonic()
        since, until = moment_of(start, "start"), moment_of(end, "end")
        identity = self.identify()
        options = self.reach.options.profile
        address = text or (options.log if options else None)
        if options is None or address is None:
            raise ReadoutOnly
        blocks = self._blocks(address, since, until)
        rows = [
            self._event(address, block, line)
            for block in blocks
            for line in block.lines
            if self._inside(line.time, since, until)
        ]
        rows.sort(key=lambda row: row.time or "")
        return EventsResult(identity, rows, self.reach.exchanges, self._bytes(), _since(started))

    def _blocks(self, address: str, since: datetime | None, until: datetime | None) -> list[ProfileBlock]:
        options = self.reach.options.profile
        assert options is not None
        bounds = options.bounds(self._local(since), self._local(until))
        self.progress("profile", 0, 1)
        text = self.reach.run_certainly(lambda link: link.read(address, bounds, letters=options.command))
        self.progress("profile", 1, 1)
        return parse_profile(text, address)

    def _local(self, moment: datetime | None) -> datetime | None:
        """In the meter's standard time; taken as UTC where its zone is not known."""
        if moment is None:
            return None
        return moment.replace(tzinfo=None) - timedelta(minutes=self.zone_minutes or 0)

    def _inside(self, time_: MeterTime, since: datetime | None, until: datetime | None) -> bool:
        moment = time_.utc(self.zone_minutes if self.zone_minutes is not None else 0)
        if moment is None:
            return True
        at = moment.replace(tzinfo=UTC)
        return (since is None or at >= since) and (until is None or at <= until)

    def _row(self, line: ProfileLine) -> ProfileRow:
        values: list[str | None] = [value.replace(",", ".") or None for value in line.values]
        return ProfileRow(line.time.iso(self.zone_minutes), line.status or None, values)

    def _event(self, address: str, block: ProfileBlock, line: ProfileLine) -> EventRow:
        named = self.model.event_names if self.model else {}
        codes = [code for code, _ in block.header.columns]
        return EventRow(
            line.time.iso(self.zone_minutes),
            line.status,
            named.get(line.status, {}).get("en"),
            line.status,
            address,
            dict(zip(codes, line.values, strict=False)),
        )

    def network(self) -> JoinEvidence:
        """Such a meter has no network of which it could tell."""
        self.identify()
        return JoinEvidence(JoinState.UNKNOWN, "none")


def _sets_at(address: str, text: str, *, agreed: bool) -> list[DataSet]:
    """The answer of a register, which may leave its own address out. Where it was not heard twice, an answer
    that names another register is not taken for one."""
    found = data_sets_of(address + text if text.startswith("(") else text)
    return [replace(one, agreed=agreed) for one in found if agreed or means(one.address, address)]


def means(address: str, wanted: str) -> bool:
    """Whether a sent address is what was asked for: itself, without medium and ``*255``, or as the OBIS of an
    item."""
    if address == wanted:
        return True
    sent, asked = parse_address(address), parse_address(wanted)
    if sent.history == asked.history and sent.code == asked.code:
        return asked.medium in (None, sent.medium) or sent.medium is None
    parts = wanted.split(":")
    numbers = (parts[1] if len(parts) == 3 else parts[0]).split(".")
    if len(numbers) != 6 or sent.history is not None:
        return False
    medium = f"{numbers[0]}-{numbers[1]}"
    return sent.code == ".".join(numbers[2:5]) and sent.medium in (None, medium)


def _first(data_sets: list[DataSet], codes: list[str]) -> str | None:
    """The value of the first code that has one."""
    for code in codes:
        for found in data_sets:
            if code and means(found.address, code) and found.values[0][0]:
                return found.values[0][0]
    return None


def _further(data_sets: list[DataSet], known: dict[str, str]) -> dict[str, str]:
    """The other words of the model's identity."""
    words = {word: _first(data_sets, [code]) for word, code in known.items()}
    return {word: text for word, text in words.items() if text and word not in ("serial", "firmware")}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
