"""One ANSI meter's tables as typed values: configuration tables are read once, data tables each time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from drivers.ansi import clock, general, log, procedure, profile, registers, sources
from drivers.ansi.client import PsemClient
from drivers.ansi.clock import Clock, MeterZone
from drivers.ansi.config import Configuration, decode_configuration
from drivers.ansi.cursor import Access, Formats
from drivers.ansi.log import LogEntry, LogLimits
from drivers.ansi.procedure import Initiated, ProcedureResponse
from drivers.ansi.profile import Interval, ProfileLimits, SetControl
from drivers.ansi.psem import Response, ServiceRefused
from drivers.ansi.registers import RegisterLimits, Registers, RegisterValue, Selection
from drivers.ansi.sources import DemandControl, Source
from drivers.errors import Garbage, MeterRefused, UnsupportedObject

_Value = TypeVar("_Value")
_ANSWER_ROOM = 8
"""Octets of an answer that are no table data: response code, count, checksum, and some to spare."""
_RESPONSE_TRIES = 10
_RESPONSE_SECONDS = 0.5
_WHOLE_LIMIT = 65535
_TOO_LONG = (Response.RSTL, Response.ONP)
_BEYOND = (Response.ONP, Response.IAR, Response.ERR, Response.RSTL)


class Tables:
    """The tables of one meter through one client. What was decoded of the configuration is kept in
    ``known``, so that it outlives a cut; give the same dictionary to the next one on the same meter."""

    def __init__(self, client: PsemClient, known: dict[str, object], pause: Callable[[float], None]) -> None:
        self._client = client
        self._known = known
        self._pause = pause

    # ---- raw

    @property
    def config(self) -> Configuration:
        return self._once("config", Configuration, lambda: decode_configuration(self._whole(0)))

    @property
    def formats(self) -> Formats:
        return self.config.formats

    def has(self, *tables: int) -> bool:
        return all(table in self.config.tables for table in tables)

    def raw(self, table: int) -> bytes:
        """A whole table. Raises ``UnsupportedObject`` where table 00 does not list it."""
        self._need(table)
        return self._whole(table)

    def _whole(self, table: int) -> bytes:
        """In one request; in parts where the answer would be longer than the packets that were agreed on (a
        meter without negotiation sends 56 octets at most)."""
        try:
            return self._client.read(table)
        except ServiceRefused as error:
            if error.response not in _TOO_LONG:
                raise
            found = self._until_the_end(table)
            if not found:
                raise
            return found

    def _until_the_end(self, table: int) -> bytes:
        """Octets by offset until the meter has no more; the last parts get shorter until one fits."""
        count = max(1, self._client.message_room - _ANSWER_ROOM)
        found = b""
        while count and len(found) < _WHOLE_LIMIT:
            try:
                data = self._client.read_offset(table, len(found), count)
            except ServiceRefused as error:
                if error.response not in _BEYOND:
                    raise
                count //= 2
                continue
            found += data
            if len(data) < count:
                break
        return found

    def part(self, table: int, offset: int, count: int) -> bytes:
        """Octets of a table, in as many requests as the negotiated packets want; from the whole table where
        the meter has no access by offset."""
        self._need(table)
        if self.formats.access not in (Access.OFFSET, Access.BOTH):
            return self._cut_out(table, offset, count)
        room = max(16, self._client.message_room - _ANSWER_ROOM)
        found = b""
        while len(found) < count:
            wanted = min(room, count - len(found), _WHOLE_LIMIT)
            data = self._client.read_offset(table, offset + len(found), wanted)
            if not data or len(data) > wanted:
                raise Garbage(detail=f"table {table}: {len(data)} octets, {wanted} were asked for")
            found += data
        return found

    def _cut_out(self, table: int, offset: int, count: int) -> bytes:
        data = self._whole(table)[offset : offset + count]
        if len(data) < count:
            raise Garbage(detail=f"table {table} ends before octet {offset + count}")
        return data

    def _need(self, table: int) -> None:
        if table not in self.config.tables:
            raise UnsupportedObject(detail=f"table {table} is not used by this meter")

    def _once(self, key: str, kind: type[_Value], make: Callable[[], _Value]) -> _Value:
        found = self._known.get(key)
        if not isinstance(found, kind):
            found = make()
            self._known[key] = found
        return found

    # ---- identity, state, clock

    def manufacturer(self) -> general.Manufacturer:
        return self._once(
            "manufacturer",
            general.Manufacturer,
            lambda: general.decode_manufacturer(self._whole(1), self.config),
        )

    def mode_status(self) -> general.ModeStatus:
        return general.decode_mode_status(self.raw(3), self.config)

    def device_identification(self) -> str:
        return general.decode_device_identification(self.raw(5), self.config)

    def utility_information(self) -> dict[str, str]:
        return general.decode_utility_information(self.raw(6), self.config)

    def clock(self) -> Clock:
        """Table 52; 55 begins in the same way."""
        table = 52 if self.has(52) else 55
        return clock.decode_clock(self.raw(table), self.formats, table)

    def zone(self, now: Clock, model_minutes: int | None) -> MeterZone:
        """How the meter's times stand to UTC, from its own tables, else from the model file."""
        return clock.zone_of(now, self._time_offset(), model_minutes)

    def _time_offset(self) -> tuple[int, int | None] | None:
        if not self.has(53):
            return None
        daylight, ahead = clock.decode_time_offset(self.raw(53), self.formats)
        if self.has(51) and not clock.has_zone_offset(self.raw(51), self.formats):
            ahead = None
        return daylight, ahead

    # ---- sources and registers

    def sources(self) -> list[Source]:
        """Empty where the meter does not describe its sources."""
        kept = self._once("sources", tuple, lambda: tuple(self._read_sources()))
        return [source for source in kept if isinstance(source, Source)]

    def _read_sources(self) -> list[Source]:
        if not self.has(11, 16):
            return []
        formats = self.formats
        limits = sources.decode_source_limits(self.raw(11), formats)
        links = sources.decode_links(self.raw(16), formats, limits)
        units = sources.decode_units(self.raw(12), formats, limits) if self.has(12) else []
        constants = []
        if self.has(15) and any(link.to_be_applied for link in links):
            constants = sources.decode_constants(self.raw(15), formats, limits)
        return sources.join_sources(limits, links, units, constants)

    def demand_control(self) -> DemandControl:
        limits = sources.decode_source_limits(self.raw(11), self.formats)
        return sources.decode_demand_control(self.raw(13), self.formats, limits)

    def _register_limits(self) -> RegisterLimits:
        return self._once(
            "registers",
            RegisterLimits,
            lambda: registers.decode_register_limits(self.raw(21), self.formats),
        )

    def registers(self) -> Registers:
        limits = self._register_limits()
        selection = self._once(
            "selection",
            Selection,
            lambda: registers.decode_selection(self.raw(22), self.formats, limits),
        )
        return registers.decode_registers(self.raw(23), self.formats, limits, selection)

    def present(self) -> list[RegisterValue]:
        limits = self._register_limits()
        selection = registers.decode_present_selection(self.raw(27), self.formats, limits)
        return registers.decode_present(self.raw(28), self.formats, limits, selection)

    # ---- load profile

    def profile_limits(self) -> ProfileLimits:
        return self._once(
            "profile",
            ProfileLimits,
            lambda: profile.decode_profile_limits(self.raw(61), self.config),
        )

    def profile_control(self, number: int) -> SetControl:
        """Table 62 of one set. Raises ``UnsupportedObject`` for a set that is not there."""
        limits = self.profile_limits()
        if number not in limits.sets:
            raise UnsupportedObject(detail=f"load profile set {number}")
        return profile.decode_profile_control(self.raw(62), self.config, limits)[number]

    def intervals(
        self,
        number: int,
        control: SetControl,
        since: datetime | None,
        progress: Callable[[int, int], None],
    ) -> list[Interval]:
        """Intervals of a set, oldest first: blocks are read newest first until one ends before ``since``
        (in the meter's time)."""
        limits = self.profile_limits()
        state = profile.decode_profile_state(self.raw(63), self.config, limits)[number]
        order = profile.block_order(state, limits.sets[number].blocks)
        read = self._block_reader(number, control, limits)
        blocks: list[list[Interval]] = []
        for done, place in enumerate(order):
            progress(done, len(order))
            data = read(place)
            newest = place == state.last_block
            block = profile.decode_block(data, self.config, limits, number, control, state, newest=newest)
            blocks.append(block)
            first = block[0].end if block else None
            if since is not None and first is not None and first < since:
                break
        return [interval for block in reversed(blocks) for interval in block]

    def _block_reader(
        self, number: int, control: SetControl, limits: ProfileLimits
    ) -> Callable[[int], bytes]:
        """How one block is had: by offset, by index, or out of the whole table."""
        table = profile.FIRST_DATA_TABLE + number - 1
        size = profile.block_size(self.config, limits, number, control.format)
        if self.formats.access in (Access.OFFSET, Access.BOTH):
            return lambda place: self.part(table, place * size, size)
        if self.formats.access is Access.INDEX:
            return lambda place: self._client.read_index(table, (0, place), 1)
        whole = self.raw(table)
        return lambda place: whole[place * size : (place + 1) * size]

    # ---- logs

    def log_entries(self, table: int) -> list[LogEntry]:
        """The valid entries of the history log (74) or event log (76), oldest first."""
        formats = self.formats
        limits = self._once("log", LogLimits, lambda: log.decode_log_limits(self.raw(71), formats))
        size = log.entry_size(formats, limits, table)
        entries = limits.history_entries if table == log.HISTORY_LOG else limits.event_entries
        if formats.access in (Access.OFFSET, Access.BOTH):
            state = log.decode_log_state(self.part(table, 0, log.LOG_HEAD), formats, table)
            places = log.entry_order(state, entries)
            data = self._span(table, size, places)
        else:
            whole = self.raw(table)
            state = log.decode_log_state(whole, formats, table)
            places = log.entry_order(state, entries)
            data = {place: whole[log.LOG_HEAD + place * size :][:size] for place in places}
        return [log.decode_entry(data[place], formats, limits, table) for place in places]

    def _span(self, table: int, size: int, places: list[int]) -> dict[int, bytes]:
        """The entries at these places, from the lowest to the highest in one go."""
        if not places:
            return {}
        low, high = min(places), max(places)
        data = self.part(table, log.LOG_HEAD + low * size, (high - low + 1) * size)
        return {place: data[(place - low) * size :][:size] for place in places}

    # ---- procedures

    def run_procedure(self, number: int, parameters: bytes, sequence: int) -> ProcedureResponse:
        """Write table 07, read table 08 until it answers this one. Raises ``MeterRefused`` with the
        procedure's result; the caller has journalled what it means to do."""
        if number not in self.config.procedures:
            raise UnsupportedObject(detail=f"procedure {number} is not used by this meter")
        initiated = Initiated(number, sequence, parameters)
        self._client.write(procedure.INITIATE, initiated.encode(self.formats))
        for _ in range(_RESPONSE_TRIES):
            response = self._response(initiated)
            if response is not None and response.outcome == procedure.Outcome.COMPLETED:
                return response
            if response is not None and response.outcome != procedure.Outcome.ACCEPTED:
                raise procedure.refusal(response)
            self._pause(_RESPONSE_SECONDS)
        raise MeterRefused(result="not-completed", detail=f"procedure {number}")

    def _response(self, initiated: Initiated) -> ProcedureResponse | None:
        """The answer to this procedure, if it is there yet."""
        try:
            data = self._client.read(procedure.RESPONSE)
        except ServiceRefused as error:
            if error.response in (Response.BSY, Response.DNR):
                return None
            raise
        response = procedure.decode_response(data, self.formats)
        same = (response.procedure, response.sequence) == (initiated.procedure, initiated.sequence)
        return response if same else None
