"""General block transfer (Green Book 9.4.6.13): any APDU in blocks, whole windows without an answer between.

Sits between protection and channel: what is cut is the protected APDU. Each side numbers the APDUs that it
sends from 1, empty acknowledgements too, and acknowledges the highest number up to which nothing is missing;
the other goes on from there, so a lost block is simply sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drivers.dlms.data import Cursor, encode_length
from drivers.errors import Garbage, LinkLost, NoAnswer

GENERAL_BLOCK_TRANSFER = 0xE0
_LAST, _STREAMING, _WINDOW = 0x80, 0x40, 0x3F
_HEAD = 1 + 1 + 2 + 2 + 3
_OUR_WINDOW = 7
_ATTEMPTS = 8
_MOST_BLOCKS = 0xFFFF
_LONGEST = 4 * 1024 * 1024


class Channel(Protocol):
    """Carries one request and its response; ``listen`` gives what else the meter sends."""

    exchanges: int
    repeats: int
    ends_association: bool

    def exchange(self, apdu: bytes) -> bytes: ...

    def listen(self) -> bytes: ...

    def send(self, apdu: bytes) -> None: ...

    def disconnect(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Block:
    """One general-block-transfer APDU. ``window``: how many blocks in a row its sender takes."""

    last: bool
    streaming: bool
    window: int
    number: int
    acknowledged: int
    data: bytes

    def encode(self) -> bytes:
        control = (_LAST if self.last else 0) | (_STREAMING if self.streaming else 0) | self.window
        head = bytes([GENERAL_BLOCK_TRANSFER, control])
        numbers = self.number.to_bytes(2, "big") + self.acknowledged.to_bytes(2, "big")
        return head + numbers + encode_length(len(self.data)) + self.data


def decode_block(apdu: bytes) -> Block:
    """Raises ``Garbage``."""
    cursor = Cursor(apdu)
    if cursor.byte() != GENERAL_BLOCK_TRANSFER:
        raise Garbage(detail="no general block transfer")
    control, number, acknowledged = cursor.byte(), cursor.word(), cursor.word()
    data = cursor.take(cursor.length())
    return Block(
        bool(control & _LAST), bool(control & _STREAMING), control & _WINDOW, number, acknowledged, data
    )


class Assembly:
    """Blocks of one direction, put in order. Numbers begin at 1; whoever acknowledged before may go on
    counting, or begin anew."""

    def __init__(self) -> None:
        self._data: dict[int, bytes] = {}
        self._empty = 0
        self._first = 0
        self._last = 0
        self._size = 0

    def add(self, block: Block) -> None:
        """Raises ``Garbage`` where the whole would grow without bound."""
        if not block.data and not self._data and not self._first:
            self._empty = max(self._empty, block.number)
            return
        if not self._first:
            self._first = block.number if block.number in (1, self._empty + 1) else self._empty + 1
        if block.number not in self._data:
            self._data[block.number] = block.data
            self._size += len(block.data)
        if block.last:
            self._last = block.number
        if self._size > _LONGEST:
            raise Garbage(detail="the blocks do not end")

    @property
    def acknowledged(self) -> int:
        """The highest number up to which nothing is missing."""
        if not self._first:
            return self._empty
        number = self._first - 1
        while number + 1 in self._data:
            number += 1
        return number

    @property
    def whole(self) -> bytes | None:
        """Everything, once the last block and all before it are there."""
        if not self._last or self.acknowledged < self._last:
            return None
        return b"".join(self._data[number] for number in range(self._first, self._last + 1))


class GeneralBlocks:
    """A channel that cuts long requests and puts together long responses. ``limit``: longest APDU that the
    meter takes, 0 for no limit; ``enabled`` once general block transfer was negotiated."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.enabled = False
        self.limit = 0
        self._meter_window = 1

    def exchange(self, apdu: bytes) -> bytes:
        """Raises ``LinkLost`` where blocks stay missing however often they are asked for."""
        assembly = Assembly()
        if self.enabled:  # a single block, too: it says how many we take in a row
            answer, sent = self._send(apdu, assembly)
        else:
            answer, sent = self._channel.exchange(apdu), 0
        if answer[:1] != bytes([GENERAL_BLOCK_TRANSFER]):
            return answer
        return self._receive(answer, sent, assembly)

    # ---- request

    def _send(self, apdu: bytes, assembly: Assembly) -> tuple[bytes, int]:
        """The first APDU of the response, and how many blocks were sent; acknowledgements before it go into
        the assembly, since they are numbered, too. Raises ``LinkLost``."""
        size = max(1, (self.limit or 0xFFFF) - _HEAD)
        pieces = [apdu[start : start + size] for start in range(0, len(apdu), size)]
        if len(pieces) > _MOST_BLOCKS:
            raise Garbage(detail="a request of too many blocks")
        done, attempts, probe = 0, 0, False
        while attempts < _ATTEMPTS:
            answer = self._burst(pieces, done, probe)
            if answer is None:
                attempts, probe = attempts + 1, True
                continue
            if answer[:1] != bytes([GENERAL_BLOCK_TRANSFER]):
                return answer, len(pieces)
            block = decode_block(answer)
            self._meter_window = max(1, block.window)
            if block.data or block.acknowledged >= len(pieces):
                return answer, len(pieces)
            assembly.add(block)
            attempts = 0 if block.acknowledged > done else attempts + 1
            done, probe = block.acknowledged, False
        raise LinkLost(detail="the meter does not take the blocks of a request")

    def _burst(self, pieces: list[bytes], done: int, probe: bool) -> bytes | None:
        """A window of blocks after ``done``, and the answer; ``None`` where nothing came back.

        After silence only the last block of the window goes again: a whole request repeated could be taken
        for the next one. Raises ``NoAnswer`` for a request of one block, as without blocks.
        """
        end = min(len(pieces), done + self._meter_window)
        for number in range(end if probe else done + 1, end + 1):
            last, streaming = number == len(pieces), number < end
            block = Block(last, streaming, _OUR_WINDOW, number, 0, pieces[number - 1]).encode()
            if streaming:
                self._channel.send(block)
                continue
            try:
                return self._channel.exchange(block)
            except NoAnswer:
                if len(pieces) == 1:
                    raise
        return None

    # ---- response

    def _receive(self, first: bytes, sent: int, assembly: Assembly) -> bytes:
        block = decode_block(first)
        assembly.add(block)
        attempts = 0
        while assembly.whole is None:
            before = assembly.acknowledged
            answer = self._next(block, assembly, sent)
            if not (block.streaming and answer is not None):
                sent += 1
            if answer is not None:
                block = decode_block(answer)
                assembly.add(block)
            else:
                block = Block(False, False, 1, 0, 0, b"")
            attempts = 0 if assembly.acknowledged > before else attempts + 1
            if attempts > _ATTEMPTS:
                raise LinkLost(detail="blocks of the response stay missing")
        whole = assembly.whole
        assert whole is not None
        return whole

    def _next(self, block: Block, assembly: Assembly, sent: int) -> bytes | None:
        """What comes by itself while the meter streams; else the answer to our acknowledgement."""
        number = min(sent + 1, _MOST_BLOCKS)
        acknowledgement = Block(True, False, _OUR_WINDOW, number, assembly.acknowledged, b"")
        try:
            if block.streaming:
                return self._channel.listen()
            return self._channel.exchange(acknowledgement.encode())
        except NoAnswer:
            return None
