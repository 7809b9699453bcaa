"""PSEM in the meter (ANSI C12.18, clause 4): states, services, response codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum

from drivers.virtual.ansi.device import AnsiDevice, EventCode, Right
from drivers.virtual.ansi.layout import pick
from drivers.virtual.ansi.link import MAX_PACKETS, MAX_SIZE, Link, Times
from drivers.virtual.ansi.tables import MANUFACTURER, PROCEDURES, TableSet

OK, ERR, SNS, ISC, ONP, IAR, BSY, DNR, DLK, RNO, ISSS = range(11)
RQTL, RSTL = 0x0F, 0x10
BAUDS = {1: 300, 2: 600, 3: 1200, 4: 2400, 5: 4800, 6: 9600, 7: 14400, 8: 19200, 9: 28800, 10: 57600}
FIRST_BAUD = 9600
IDENTITY = bytes([0x00, 0x01, 0x00, 0x00])
"""C12.18, version 1, revision 0, end of the feature list."""
_READ_INDEX, _WRITE_INDEX = range(0x31, 0x3A), range(0x41, 0x4A)


class State(Enum):
    """Service sequence states."""

    BASE = "base"
    IDENTIFIED = "identified"
    SESSION = "session"


class Refused(Exception):
    """The answer is this code and nothing else."""

    def __init__(self, code: int) -> None:
        self.code = code


class Services:
    """Answers requests. After an answer ``baud`` may have changed: it holds once that answer is
    acknowledged."""

    def __init__(self, device: AnsiDevice, link: Link, highest_baud: int) -> None:
        self._device, self._link, self._highest = device, link, highest_baud
        self.tables = TableSet(device)
        self.state = State.BASE
        self.baud = FIRST_BAUD
        self.link_after: Callable[[], None] | None = None
        self.idle_limit: float | None = None
        self._right, self._user = Right.ANYBODY, 0

    def reset(self) -> None:
        """Base state, defaults."""
        self.state, self.baud = State.BASE, FIRST_BAUD
        self._right, self._user = Right.ANYBODY, 0
        self.link_after, self.idle_limit = None, None

    def answer(self, request: bytes, now: float) -> bytes:
        """The answer to one request; never raises for what a client sent."""
        self._device.refresh()
        self.link_after, self.idle_limit = None, None
        try:
            body = self._serve(request, now)
        except Refused as refused:
            return bytes([refused.code])
        answer = bytes([OK]) + body
        return answer if len(answer) <= self._link.room() else bytes([RSTL])

    def _serve(self, request: bytes, now: float) -> bytes:
        if not request:
            raise Refused(ERR)
        code, rest = request[0], request[1:]
        if code == 0x20:
            return self._identify(rest)
        if self.state is State.BASE:
            raise Refused(ISSS)
        if code in (0x21, 0x22):
            self.link_after = self._end
            return b""
        if 0x60 <= code <= 0x6B:
            return self._negotiate(code & 0x0F, rest)
        if code == 0x71:
            return self._timing(rest)
        if code == 0x50:
            return self._logon(rest)
        if code in (0x51, 0x52, 0x70, *range(0x30, 0x50)):
            if self.state is not State.SESSION:
                raise Refused(ISSS)
            return self._in_session(code, rest, now)
        raise Refused(SNS)

    def _in_session(self, code: int, rest: bytes, now: float) -> bytes:
        if code == 0x51:
            return self._security(rest, now)
        if code == 0x52:
            self._device.log(EventCode.ENDED, self._user, history=True)
            self.state, self._right, self._user = State.IDENTIFIED, Right.ANYBODY, 0
            return b""
        if code == 0x70:
            if len(rest) != 1:
                raise Refused(ERR)
            self.idle_limit = float(rest[0])
            return b""
        return self._read(code, rest) if code < 0x40 else self._write(code, rest)

    # ---- channel

    def _identify(self, rest: bytes) -> bytes:
        if rest:
            raise Refused(ERR)
        if self.state is not State.BASE:
            raise Refused(ISSS)
        self.state = State.IDENTIFIED
        return IDENTITY

    def _negotiate(self, count: int, rest: bytes) -> bytes:
        if self.state is not State.IDENTIFIED:
            raise Refused(ISSS)
        if len(rest) != 3 + count:
            raise Refused(ERR)
        size = max(64, min(rest[0] << 8 | rest[1], MAX_SIZE))
        packets = max(1, min(rest[2], MAX_PACKETS))
        wanted = [BAUDS[code] for code in rest[3:] if code in BAUDS and BAUDS[code] <= self._highest]
        baud = max(wanted, default=self.baud)
        self.link_after = lambda: self._agree(size, packets, baud)
        code = next(code for code, rate in BAUDS.items() if rate == baud)
        return bytes([size >> 8, size & 0xFF, packets, code])

    def _agree(self, size: int, packets: int, baud: int) -> None:
        self._link.size, self._link.packets, self.baud = size, packets, baud

    def _timing(self, rest: bytes) -> bytes:
        if self.state is not State.IDENTIFIED:
            raise Refused(ISSS)
        if len(rest) != 4 or 0 in rest[:3]:
            raise Refused(ERR)
        traffic, character, response, retries = rest
        self._link.times = Times(float(traffic), float(character), float(response), retries)
        return rest

    def _logon(self, rest: bytes) -> bytes:
        if self.state is not State.IDENTIFIED:
            raise Refused(ISSS)
        if len(rest) != 12:
            raise Refused(ERR)
        self._user = rest[0] << 8 | rest[1]
        self.state = State.SESSION
        self._device.log(EventCode.READ, self._user, history=True)
        return b""

    def _security(self, rest: bytes, now: float) -> bytes:
        if len(rest) != 20:
            raise Refused(ERR)
        if self._device.locked(now):
            raise Refused(DLK)
        right = self._device.check_password(rest, now)
        if right is None:
            self._right = Right.ANYBODY
            raise Refused(ISC)
        self._right = right
        return b""

    def _end(self) -> None:
        self.reset()
        self._link.reset()

    # ---- tables

    def _read(self, code: int, rest: bytes) -> bytes:
        if code == 0x3E:
            return self._data(self._element(0))
        if len(rest) < 2:
            raise Refused(ERR)
        number = rest[0] << 8 | rest[1]
        if code == 0x30 and len(rest) == 2:
            return self._data(self._element(number))
        if code == 0x3F and len(rest) == 7:
            offset, count = int.from_bytes(rest[2:5], "big"), int.from_bytes(rest[5:7], "big")
            self._need_access(1)
            data = self._element(number)[offset : offset + count]
            if count == 0 or len(data) < count:
                raise Refused(ONP)
            return self._data(data)
        if code in _READ_INDEX and len(rest) == 2 + 2 * (code & 0x0F) + 2:
            return self._data(self._by_index(number, _words(rest[2:])))
        raise Refused(SNS if 0x39 < code < 0x3E else ERR)

    def _by_index(self, number: int, words: list[int]) -> bytes:
        self._need_access(2)
        self._element(number)  # rights come first
        element = self.tables.element(number)
        assert element is not None
        try:
            return pick(element, words[:-1], words[-1])
        except IndexError:
            raise Refused(ONP) from None

    def _need_access(self, method: int) -> None:
        if not self._device.layout.access & method:
            raise Refused(SNS)

    def _element(self, number: int) -> bytes:
        data = self.tables.read(number)
        if data is None:
            raise Refused(IAR)
        if not self.tables.may_read(number, self._right):
            raise Refused(ISC)
        return data

    @staticmethod
    def _data(data: bytes) -> bytes:
        return bytes([len(data) >> 8, len(data) & 0xFF]) + data + bytes([-sum(data) & 0xFF])

    def _write(self, code: int, rest: bytes) -> bytes:
        number = rest[0] << 8 | rest[1] if len(rest) > 2 else -1
        head = 2 if code == 0x40 else 5 if code == 0x4F else 2 + 2 * (code & 0x0F)
        if code != 0x40 and code != 0x4F and code not in _WRITE_INDEX:
            raise Refused(SNS)
        data = _checked(rest[head:])
        if self.tables.read(number) is None:
            raise Refused(IAR)
        if number != 7:
            raise Refused(IAR)
        if code != 0x40:  # the procedure table is taken as a whole only
            raise Refused(ONP)
        if not self.tables.may_write(number, self._right):
            raise Refused(ISC)
        self._device.settings.faults.before_write()
        self._device.log(EventCode.TABLE_WRITTEN, self._user, number, history=True)
        self._initiate(data)
        return b""

    # ---- procedures

    def _initiate(self, data: bytes) -> None:
        """Table 07: done at once, the response is posted in table 08."""
        if len(data) < 3:
            raise Refused(ERR)
        layout = self._device.layout
        selector = int.from_bytes(data[:2], "big" if layout.data_order else "little")
        procedure, sequence = selector & 0xFFF, data[2]
        self.tables.initiated = data
        self._device.log(EventCode.PROCEDURE, self._user, procedure, history=True)
        result, response = self._run(procedure, data[3:])
        posted = selector >> 12
        if posted == 2 or (posted == 1 and result == 0):
            return
        self.tables.response = layout.u16(selector & 0xFFF) + bytes([sequence, result]) + response

    def _run(self, procedure: int, parameters: bytes) -> tuple[int, bytes]:
        """Result code and response data."""
        if procedure >= MANUFACTURER or procedure not in PROCEDURES:
            return 6, b""
        if self._right is not Right.PROGRAMMER:
            return 5, b""
        return self._remote_reset(parameters) if procedure == 9 else self._set_clock(parameters)

    def _remote_reset(self, parameters: bytes) -> tuple[int, bytes]:
        if len(parameters) != 1 or parameters[0] & ~1:
            return 2, b""
        if parameters[0] & 1:
            self._device.reset_demand(self._user)
        return 0, bytes([parameters[0] & 1])

    def _set_clock(self, parameters: bytes) -> tuple[int, bytes]:
        layout = self._device.layout
        if len(parameters) != layout.ltime_size + 2:
            return 2, b""
        mask = parameters[0]
        try:
            wanted = layout.read_ltime(parameters[1:-1])
        except (ValueError, OverflowError):
            return 2, b""
        if not mask & 3:
            return 2, b""
        before, after = self._device.set_clock(_merged(self._device.clock(), wanted, mask), self._user)
        return 0, layout.ltime(before) + layout.ltime(after)


def _merged(now: datetime, wanted: datetime, mask: int) -> datetime:
    """SET_TIME_FLAG (1) takes the time of day over, SET_DATE_FLAG (2) the date."""
    day = wanted.date() if mask & 2 else now.date()
    time = wanted.time() if mask & 1 else now.time()
    return datetime.combine(day, time)


def _checked(octets: bytes) -> bytes:
    """``<count> <data> <cksum>`` of a write."""
    count = int.from_bytes(octets[:2], "big")
    if len(octets) != count + 3 or sum(octets[2:]) & 0xFF:
        raise Refused(ERR)
    return octets[2:-1]


def _words(octets: bytes) -> list[int]:
    return [octets[n] << 8 | octets[n + 1] for n in range(0, len(octets), 2)]
