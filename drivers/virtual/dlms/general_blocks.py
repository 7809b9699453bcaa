"""General block transfer of the server (IEC 62056-5-3, 9.4.6.13): APDUs cut into blocks, in windows.

Around a `Session`: what is cut and put together is the protected APDU. Each side numbers what it sends from
1, acknowledgements too. Lost blocks are sent again from the number that the other side acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.virtual.dlms import acse
from drivers.virtual.dlms.axdr import AxdrError, decode_length, encode_length
from drivers.virtual.dlms.services import ServiceError, StateError, exception
from drivers.virtual.dlms.session import Session, State

TAG = 0xE0
LAST, STREAMING, WINDOW = 0x80, 0x40, 0x3F
HEAD = 1 + 1 + 2 + 2 + 3
OUR_WINDOW = 5
MAX_TRANSFER = 65535


@dataclass(frozen=True, slots=True)
class Block:
    """One general-block-transfer APDU taken apart."""

    control: int
    number: int
    acknowledged: int
    data: bytes

    def encode(self) -> bytes:
        numbers = self.number.to_bytes(2, "big") + self.acknowledged.to_bytes(2, "big")
        return bytes([TAG, self.control]) + numbers + encode_length(len(self.data)) + self.data


def parse(apdu: bytes) -> Block | None:
    """None where it is malformed."""
    if len(apdu) < 7:
        return None
    try:
        length, at = decode_length(apdu, 6)
    except AxdrError:
        return None
    if at + length != len(apdu):
        return None
    number, acknowledged = int.from_bytes(apdu[2:4], "big"), int.from_bytes(apdu[4:6], "big")
    return Block(apdu[1], number, acknowledged, apdu[at:])


@dataclass(slots=True)
class _Transfer:
    """What is under way with one client. `base`: our number before the first block of the answer."""

    received: dict[int, bytes] = field(default_factory=dict)
    last: int = 0
    pieces: list[bytes] = field(default_factory=list)
    base: int = 0
    sent: int = 0

    @property
    def complete_to(self) -> int:
        number = 0
        while number + 1 in self.received:
            number += 1
        return number


class GeneralBlockServer:
    """Takes and gives whole APDUs, and blocks where they were negotiated."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._transfer = _Transfer()

    def handle(self, apdu: bytes, now: float) -> list[bytes]:
        """One APDU of the client; what the server sends, in order."""
        if apdu[:1] != bytes([TAG]):
            self._transfer = _Transfer()
            # who asks without blocks gets those of the service, if there are any
            have = self.session.conformance
            services = have & (acse.BLOCK_GET | acse.BLOCK_ACTION)
            self.session.general_blocks = bool(have & acse.GENERAL_BLOCK_TRANSFER) and not services
            answer = self.session.handle(apdu, now)
            return [] if answer is None else self._answer(answer, 1)
        block = parse(apdu)
        negotiated = self.session.conformance & acse.GENERAL_BLOCK_TRANSFER
        if block is None or not negotiated or self.session.state is State.NONE:
            self._transfer = _Transfer()
            return [exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)]
        if block.data and block.number == 1 and self._transfer.pieces:
            self._transfer = _Transfer()  # the next request
        if not block.data or self._transfer.pieces:
            return self._go_on(block)
        return self._take(block, now)

    def _take(self, block: Block, now: float) -> list[bytes]:
        """A block of a request: acknowledged at the end of a stream, carried out when all are there."""
        transfer = self._transfer
        if block.number == 1 and transfer.last:
            transfer = self._transfer = _Transfer()
        transfer.received[block.number] = block.data
        if sum(map(len, transfer.received.values())) > MAX_TRANSFER:
            self._transfer = _Transfer()
            return [exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)]
        if block.control & LAST:
            transfer.last = block.number
        if transfer.last and transfer.complete_to >= transfer.last:
            whole = b"".join(transfer.received[n] for n in range(1, transfer.last + 1))
            self.session.general_blocks = True
            answer = self.session.handle(whole, now)
            return [] if answer is None else self._answer(answer, block.control & WINDOW)
        if block.control & STREAMING:
            return []
        transfer.sent += 1
        return [Block(OUR_WINDOW, transfer.sent, transfer.complete_to, b"").encode()]

    def _answer(self, answer: bytes, window: int) -> list[bytes]:
        limit = self.session.client_pdu
        blocks = self.session.conformance & acse.GENERAL_BLOCK_TRANSFER
        if (
            not blocks
            or not self.session.general_blocks
            or len(answer) <= limit
            or self.session.state is not State.ASSOCIATED
        ):
            return [answer]
        size = max(1, limit - HEAD)
        transfer = self._transfer
        transfer.pieces = [answer[start : start + size] for start in range(0, len(answer), size)]
        transfer.base = transfer.sent
        return self._window(0, window)

    def _go_on(self, block: Block) -> list[bytes]:
        """An acknowledgement: the blocks behind it are sent, or sent again."""
        transfer = self._transfer
        if not transfer.pieces:
            return [exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)]
        done = min(max(block.acknowledged - transfer.base, 0), len(transfer.pieces) - 1)
        return self._window(done, block.control & WINDOW)

    def _window(self, done: int, window: int) -> list[bytes]:
        transfer = self._transfer
        end = min(len(transfer.pieces), done + max(1, window))
        blocks = []
        for index in range(done, end):
            last = index == len(transfer.pieces) - 1
            control = (LAST if last else 0) | (STREAMING if index < end - 1 else 0) | OUR_WINDOW
            number = transfer.base + index + 1
            blocks.append(Block(control, number, transfer.complete_to, transfer.pieces[index]).encode())
        return blocks
