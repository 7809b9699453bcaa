"""A recorded session as a meter: it answers as the meter in the trace did, so that a quirk met on a hill
becomes a test on a desk. Timing does not matter.

Two ways. `FrameReplay` gives back octets for octets: right for IEC 62056-21, C12.18 and anything that a
client asks in the same words again. `apdu_replay` plays a DLMS trace one layer up: link, association and
ciphering are those of a virtual meter with training keys, only the services answer out of the trace. That
works for ciphered sessions too, where the trace holds the plain APDUs, whatever the counters, keys, frame
sizes and lists of the new client are.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.dlms.hdlc import FLAG, FrameReader
from drivers.iec62056.identification import find_identification
from drivers.trace.record import Burst, Record, bursts
from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.dlms import services
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.services import Descriptor, Get, PduError, UnknownService
from drivers.virtual.dlms.session import Session
from drivers.virtual.meter import Meter, Output
from drivers.virtual.models import MODELS
from drivers.virtual.uart import SIGN_ON, Framing

_LLC = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_LONGEST = 8192
_SHORT = 3
_OTHER_REASON = b"\x01\xfa"
_HLS = (15, 1)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked and what came back; `hidden` where the trace does not hold what was sent."""

    request: bytes
    answer: bytes
    hidden: bool


def exchanges(records: Sequence[Record]) -> list[Exchange]:
    """Requests on the line with their answers; one that was sent again keeps the answer that came at last."""
    found: list[Exchange] = []
    asked: list[Burst] = []
    for burst in bursts(records):
        if burst.direction == "tx":
            if not asked or asked[-1].data != burst.data:
                asked.append(burst)
        elif asked:
            if not burst.hidden:
                hidden = any(part.hidden for part in asked)
                found.append(Exchange(b"".join(part.data for part in asked), burst.data, hidden))
            asked = []
    return found


def apdus(records: Sequence[Record]) -> list[Exchange]:
    """Plain requests and answers of a DLMS trace: recorded inside of ciphered ones, or out of the frames."""
    plain: list[tuple[str, bytes]] = [(r.dir, bytes.fromhex(r.apdu)) for r in records if r.apdu]
    readers = {"tx": FrameReader(), "rx": FrameReader()}
    parts = {"tx": b"", "rx": b""}
    for burst in bursts(records) if not plain else []:
        for frame in readers[burst.direction].feed(burst.data):
            if not frame.is_information:
                continue
            parts[burst.direction] += frame.information
            if not frame.segmented:
                whole, parts[burst.direction] = parts[burst.direction], b""
                plain.append((burst.direction, whole[3:] if whole[:3] in _LLC else whole))
    found: list[Exchange] = []
    for (way, request), (back, answer) in pairwise(plain):
        if (way, back) == ("tx", "rx") and request[:1] in (b"\xc0", b"\xc1", b"\xc3"):
            found.append(Exchange(request, answer, False))
    return found


class FrameReplay:
    """Octets for octets. What was never asked in the trace gets no answer, as on a line that is cut."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._exchanges = exchanges(records)
        self._at = 0
        self._buffer = bytearray()
        self.unknown = 0
        """Requests so far that the trace has no answer to."""

    @property
    def framings(self) -> tuple[Framing, ...]:
        """Any: a replay does not mind the rate. Listed are those that clients begin with."""
        return (SIGN_ON, Framing(9600))

    def receive(self, data: bytes, now: float, heard: Framing | None = None) -> list[Output]:
        """Octets that came in; an answer as soon as they are a request of the trace."""
        self._buffer += data
        for index in self._order():
            exchange = self._exchanges[index]
            if self._fits(exchange, bytes(self._buffer)):
                self._at = index + 1
                self._buffer.clear()
                return [Output(exchange.answer, heard or SIGN_ON)]
        if len(self._buffer) > _LONGEST or self._is_whole():
            self.unknown += 1
            self._buffer.clear()
        return []

    def _order(self) -> list[int]:
        """From where the trace stands on, then from its beginning."""
        count = len(self._exchanges)
        return [(self._at + step) % count for step in range(count)]

    @staticmethod
    def _fits(exchange: Exchange, data: bytes) -> bool:
        if not exchange.hidden:  # a request that was sent again has the first one before it
            return data == exchange.request or (
                len(exchange.request) > _SHORT and data.endswith(exchange.request)
            )
        flagged = data[:1] == bytes([FLAG]) and len(data) > 2 and data[-1] == FLAG
        return flagged or len(data) == len(exchange.request)

    def _is_whole(self) -> bool:
        """A frame between its flags, or a sign-on request: nothing more of it will come."""
        data = bytes(self._buffer)
        return (len(data) > 2 and data[0] == data[-1] == FLAG) or data.endswith(b"!\r\n")

    def tick(self, now: float) -> list[Output]:
        return []

    def unplug(self) -> None:
        """The next client goes on where the trace stands: it may hold several sessions."""
        self._buffer.clear()

    def power_up(self) -> None:
        self.unplug()


class Replayed:
    """The services of an association out of a trace: verbatim, or put together from what was read."""

    def __init__(self, found: list[Exchange]) -> None:
        self._exchanges = found
        self._at = 0
        self._values = _values_of(found)

    def answer(self, request: bytes) -> bytes | None:
        """The answer to a request; None where the trace cannot tell it. The invoke id is the client's own."""
        count = len(self._exchanges)
        for step in range(count):
            index = (self._at + step) % count
            known = self._exchanges[index]
            if _same(known.request, request):
                self._at = index + 1
                start, end = _invoke_id(request)
                return known.answer[:start] + request[start:end] + known.answer[end:]
        return self._composed(request)

    def _composed(self, request: bytes) -> bytes | None:
        try:
            parsed = services.parse(request)
        except (PduError, UnknownService):
            return None
        if not isinstance(parsed, Get):
            return None
        results = [self._values.get(_key(target), _OTHER_REASON) for target in parsed.targets]
        if not parsed.listed:
            return bytes([0xC4, 1, parsed.invoke]) + results[0]
        return services.get_list(parsed.invoke, bytes([len(results)]) + b"".join(results))


class ReplayDispatcher:
    """Pass 3 of high level security is the virtual meter's own; everything else is the trace's."""

    def __init__(self, session: Session, replayed: Replayed) -> None:
        self._own, self._replayed = ServiceDispatcher(session), replayed

    def handle(self, apdu: bytes) -> bytes | None:
        if apdu[:1] == b"\xc3" and len(apdu) > 11 and (int.from_bytes(apdu[3:5], "big"), apdu[11]) == _HLS:
            return self._own.handle(apdu)
        answer = self._replayed.answer(apdu)
        if answer is None:
            raise UnknownService("not in the trace")
        return answer


def apdu_replay(records: Sequence[Record], serial: str, baud: int) -> Meter:
    """A virtual meter that signs on as the one in the trace and answers its services. Its keys are the
    training keys of `serial`, its clients those of every virtual meter."""
    model = MODELS["prime-1ph"]
    device = LogicalDevice(model, Settings(serial=serial, baud=baud, days=0), time.time)
    received = b"".join(burst.data for burst in bursts(records) if burst.direction == "rx")
    found = find_identification(bytes(octet & 0x7F for octet in received))
    if found is not None:
        device.flag, device.identification = found[0].manufacturer, found[0].text
    replayed = Replayed(apdus(records))
    return Meter(
        device,
        baud,
        0.02 if found is None or found[0].fast else 0.2,
        17,
        120.0,
        dispatcher=lambda session: ReplayDispatcher(session, replayed),
    )


def what_cannot_be_replayed(records: Sequence[Record]) -> list[str]:
    """In words, for the one who replays: hidden messages, ciphered sessions without their plain side."""
    said = []
    hidden = sum(record.hidden is not None or record.note == "hidden-apdu" for record in records)
    if hidden:
        said.append(f"{hidden} message(s) held a secret and were not recorded: any is taken in their place")
    ciphered = any(exchange.request[:1] in _CIPHERED for exchange in _frames_apdus(records))
    inside = any(record.apdu for record in records)
    if ciphered and not inside:
        said.append(
            "the session is ciphered, its plain side was not recorded: only what was in clear answers"
        )
    if ciphered and inside:
        said.append("the session was ciphered: it is replayed under the training keys of the serial shown")
    return said


_CIPHERED = tuple(bytes([tag]) for tag in (*range(0xC8, 0xD0), *range(0xD0, 0xD8), 0xDB, 0xDC, 0xDD))


def _frames_apdus(records: Sequence[Record]) -> list[Exchange]:
    found = []
    for burst in bursts(records):
        if burst.direction != "tx" or burst.hidden:
            continue
        for frame in FrameReader().feed(burst.data):
            information = frame.information
            if frame.is_information and information[:3] in _LLC:
                found.append(Exchange(information[3:], b"", False))
    return found


def _same(known: bytes, asked: bytes) -> bool:
    """Equal but for the invoke id."""
    start, end = _invoke_id(asked)
    return known[:start] == asked[:start] and known[end:] == asked[end:]


def _invoke_id(apdu: bytes) -> tuple[int, int]:
    """Where it stands, in a request as in its answer; the long one of ACCESS has four octets."""
    return (1, 5) if apdu[:1] in (b"\xd9", b"\xda") else (2, 3)


def _key(target: Descriptor) -> tuple[int, bytes, int]:
    return target.class_id, target.logical_name, target.index


def _values_of(found: list[Exchange]) -> dict[tuple[int, bytes, int], bytes]:
    """Get-Data-Result of each attribute that was read whole, single or in a list; the last one counts."""
    values: dict[tuple[int, bytes, int], bytes] = {}
    for exchange in found:
        try:
            request = services.parse(exchange.request)
        except (PduError, UnknownService):
            continue
        if not isinstance(request, Get) or exchange.answer[:1] != b"\xc4":
            continue
        targets = [target for target in request.targets if target.selector is None]
        if len(targets) != len(request.targets) or exchange.answer[1:2] not in (b"\x01", b"\x03"):
            continue
        reader = services.Reader(exchange.answer[3:])
        try:
            if request.listed and reader.count() != len(targets):
                continue
            for target in targets:
                values[_key(target)] = _result(reader)
        except (PduError, ValueError):
            continue
    return values


def _result(reader: services.Reader) -> bytes:
    if reader.number(1):
        return bytes([1, reader.number(1)])
    return services.get_result(reader.data())
