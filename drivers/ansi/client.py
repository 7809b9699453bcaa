"""A PSEM client on a line: the data link machine, run with the line's octets and clock, and the services."""

from __future__ import annotations

from dataclasses import replace

from drivers.ansi import psem
from drivers.ansi.link import Action, DataLink, Deliver, Send, Timing
from drivers.ansi.psem import Negotiated, Protocol, Response, Service, ServiceRefused
from drivers.errors import LockedOut, WrongPassword, WrongValue
from drivers.line import TunableWire
from drivers.ports import hdlc_format

FIRST_BAUD = 9600
"""C12.18 starts at 9600 baud, 8 data bits, no parity, 1 stop bit (clause 6)."""
_FIRST_RETRIES = 1
"""Where nobody has answered yet, a turned head is likelier than a damaged octet: two tries tell."""
_BUSY_TRIES = 5
_BUSY_SECONDS = 0.5
_ADVERSE = (Response.BSY, Response.DNR)


class PsemClient:
    """One session with one meter. Not for threads. Errors are those of the line, and ``ServiceRefused``."""

    def __init__(self, wire: TunableWire, timing: Timing | None = None) -> None:
        self._wire = wire
        self._link = DataLink(timing, hdlc_format(FIRST_BAUD).character_seconds)
        self.exchanges = 0
        self.is_open = False
        self.packet_size = self._link.packet_size

    @property
    def was_heard(self) -> bool:
        """Whether the meter has sent anything at all."""
        return self._link.heard_anything

    @property
    def message_room(self) -> int:
        return self._link.message_room

    # ---- the channel

    def identify(self) -> Protocol:
        """Who is there; begins everything (base state → identified)."""
        self._wire.set_line(hdlc_format(FIRST_BAUD))
        wanted = self._link.timing
        self._link.timing = replace(wanted, retries=min(wanted.retries, _FIRST_RETRIES))
        try:
            protocol = psem.parse_protocol(self._ask(bytes([Service.IDENTIFY])))
        finally:
            self._link.timing = wanted
        self.is_open = True
        return protocol

    def negotiate(self, packet_size: int, packets: int, bauds: list[int]) -> Negotiated | None:
        """Agree on packets and rate; ``None`` if the meter has no such service."""
        try:
            agreed = psem.parse_negotiated(self._ask(psem.negotiate(packet_size, packets, bauds)))
        except ServiceRefused as error:
            if error.response in (Response.SNS, Response.ONP, Response.IAR):
                return None
            raise
        self._link.packet_size = self.packet_size = min(agreed.packet_size, packet_size)
        self._link.packets = min(agreed.packets, packets)
        if agreed.baud is not None and bauds:
            self._wire.drain()  # our acknowledgement leaves at the old rate
            self._wire.set_line(hdlc_format(agreed.baud))
            self._link.character_seconds = 10 / agreed.baud
        return agreed

    def set_timing(self, timing: Timing) -> bool:
        """Ask for other time-outs; whole seconds. False if the meter has no such service."""
        seconds = (timing.traffic, timing.inter_character, timing.response)
        traffic, character, response = (max(1, min(255, round(each))) for each in seconds)
        try:
            rest = self._ask(psem.timing_setup(traffic, character, response, timing.retries))
        except ServiceRefused as error:
            if error.response in (Response.SNS, Response.ONP, Response.IAR):
                return False
            raise
        if len(rest) >= 4:
            self._link.timing = Timing(float(rest[0]), float(rest[1]), float(rest[2]), rest[3])
        return True

    def wait(self, seconds: int) -> None:
        """Ask the meter to keep the channel open for so long, once."""
        self._ask(bytes([Service.WAIT, max(1, min(255, seconds))]))

    def logon(self, user_id: int, user: str) -> None:
        self._ask(psem.logon(user_id, user))

    def security(self, password: bytes, lockout_seconds: int) -> None:
        """Send the password, once. Raises ``WrongPassword`` or ``LockedOut``."""
        if len(password) > psem.PASSWORD_BYTES:
            raise WrongValue(f"The password has more than {psem.PASSWORD_BYTES} bytes.")
        try:
            self._ask(psem.security(password), once=True)
        except ServiceRefused as error:
            if error.response is Response.DLK:
                raise LockedOut(seconds=lockout_seconds, detail=error.detail) from None
            if error.response in (Response.ISC, Response.ERR):
                raise WrongPassword(detail=error.detail) from None
            raise

    def logoff(self) -> None:
        self._ask(bytes([Service.LOGOFF]))

    def terminate(self) -> None:
        """End the session and the channel: the meter goes back to its base state."""
        self._ask(bytes([Service.TERMINATE]))
        self.is_open = False

    def disconnect(self) -> None:
        self._ask(bytes([Service.DISCONNECT]))
        self.is_open = False

    # ---- tables

    def read(self, table: int) -> bytes:
        return psem.parse_table_data(self._ask_patiently(psem.read(table)))

    def read_default(self) -> bytes:
        """The table that the meter gives when none is named."""
        return psem.parse_table_data(self._ask_patiently(bytes([Service.READ_DEFAULT])))

    def read_offset(self, table: int, offset: int, count: int) -> bytes:
        return psem.parse_table_data(self._ask_patiently(psem.read_offset(table, offset, count)))

    def read_index(self, table: int, indices: tuple[int, ...], count: int) -> bytes:
        return psem.parse_table_data(self._ask_patiently(psem.read_index(table, indices, count)))

    def write(self, table: int, data: bytes) -> None:
        self._ask(psem.write(table, data))

    def write_offset(self, table: int, offset: int, data: bytes) -> None:
        self._ask(psem.write_offset(table, offset, data))

    def write_index(self, table: int, indices: tuple[int, ...], data: bytes) -> None:
        self._ask(psem.write_index(table, indices, data))

    # ---- running the machine

    def _ask_patiently(self, request: bytes) -> bytes:
        """A meter may be busy for a moment; reading is asked for again, a few times."""
        for _ in range(_BUSY_TRIES - 1):
            try:
                return self._ask(request)
            except ServiceRefused as error:
                if error.response not in _ADVERSE:
                    raise
            self._wire.pause(_BUSY_SECONDS)
        return self._ask(request)

    def _ask(self, request: bytes, *, once: bool = False) -> bytes:
        self.exchanges += 1
        answer = self._perform(self._link.request(request, self._wire.now(), once=once))
        while answer is None:
            data = self._wire.read(self._link.deadline)
            now = self._wire.now()
            if data:
                answer = self._perform(self._link.received(data, now))
            if answer is None:
                answer = self._perform(self._link.tick(now))
        return psem.body(answer, request[0])

    def _perform(self, actions: list[Action]) -> bytes | None:
        answer = None
        for action in actions:
            if isinstance(action, Send):
                self._wire.write(action.data)
            elif isinstance(action, Deliver):
                answer = action.message
        return answer
