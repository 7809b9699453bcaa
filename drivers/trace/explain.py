"""A recorded session in words, frame by frame: sign-on, HDLC, APDUs, C12.18 packets; gaps, repetitions, what
went wrong at the end. Pure; odd octets become odd rows, never errors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from drivers.ansi import packet as c12
from drivers.ansi.psem import Response, Service
from drivers.dlms.hdlc import FLAG, Control, Frame, FrameReader
from drivers.errors import DriverError
from drivers.iec62056.identification import find_identification
from drivers.iec62056.messages import SOH, Kind, take_answer
from drivers.iec62056.readout import parse_readout
from drivers.trace.apdus import NameOf, explain_apdu, is_secret
from drivers.trace.record import Burst, Record, in_turns
from drivers.trace.sentences import Sentence, say

_GAP_SECONDS = 1.5
_LLC = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_TEXT = 70


class Row(msgspec.Struct, frozen=True):
    """One frame or message. ``gap``: seconds since the one before it ended; ``layer``: iec, hdlc, dlms, ansi,
    wrapper, raw or session; ``problem``: whether it tells of something that went wrong; ``code`` and
    ``params``: the sentence that ``text`` is in English; empty where it is made of a protocol's terms."""

    t: float
    gap: float
    dir: str
    octets: int
    layer: str
    text: str
    problem: bool = False
    code: str = ""
    params: dict[str, str] = {}


class Explanation(msgspec.Struct, frozen=True):
    """All rows; ``verdict`` says how it ended, in English; ``code`` and ``params`` are its sentence."""

    rows: list[Row]
    octets_tx: int
    octets_rx: int
    repeats: int
    seconds: float
    verdict: str
    code: str
    params: dict[str, str] = {}

    @property
    def last_problem(self) -> Row | None:
        """The last row that tells of something that went wrong."""
        return _last_problem(self.rows)


def _last_problem(rows: Sequence[Row]) -> Row | None:
    return next((row for row in reversed(rows) if row.problem), None)


def _no_name(_item: str) -> str | None:
    return None


class Explainer:
    """Goes through a trace once."""

    def __init__(self, name_of: NameOf = _no_name) -> None:
        self._name_of = name_of
        self._apdu: dict[str, bytes] = {"tx": b"", "rx": b""}
        self._psem: dict[str, bytes] = {"tx": b"", "rx": b""}
        self._rows: list[Row] = []
        self._secret = False
        self._ended = 0.0
        self._last_sent = b""
        self._repeats = 0

    def explain(self, records: Sequence[Record]) -> Explanation:
        """Rows of all records, in their order."""
        turns = in_turns(records)
        spoken = [turn for turn in turns if isinstance(turn, Burst)]
        for turn in turns:
            if isinstance(turn, Burst):
                self._burst(turn)
            else:
                self._session(turn)
        sent = sum(len(burst.data) for burst in spoken if burst.direction == "tx")
        received = sum(len(burst.data) for burst in spoken if burst.direction == "rx")
        starts = [
            *(at for at, turn in enumerate(turns) if isinstance(turn, Record) and turn.trace),
            len(turns),
        ]
        seconds = sum(_lasted(turns[first:last]) for first, last in pairwise([0, *starts]))
        verdict = self._verdict(records, spoken)
        return Explanation(
            self._rows,
            sent,
            received,
            self._repeats,
            round(seconds, 3),
            verdict.text,
            verdict.code,
            verdict.params,
        )

    def _verdict(self, records: Sequence[Record], spoken: list[Burst]) -> Sentence:
        failed = [record for record in records if record.note and record.note != "hidden-apdu"]
        if failed:
            return say("error", note=failed[-1].note, text=failed[-1].text)
        if not spoken:
            return say("nothing")
        if all(burst.direction == "tx" for burst in spoken):
            return say("never_answered")
        if spoken[-1].direction == "tx" and not self._is_farewell(spoken[-1]):
            return say("unanswered")
        problem = _last_problem(self._rows)
        return say("ended_problem", problem=problem.text) if problem else say("ended_well")

    @staticmethod
    def _is_farewell(burst: Burst) -> bool:
        """B0 and ACK are not answered."""
        return burst.data in (b"\x01B0\x03q", b"\x06")

    def _add(
        self, burst: Burst, layer: str, said: Sentence | str, octets: int, *, problem: bool = False
    ) -> None:
        gap = round(max(0.0, burst.t - self._ended), 4)
        self._put(burst.t, gap, burst.direction, octets, layer, said, problem)
        self._ended = burst.end

    def _put(
        self, t: float, gap: float, way: str, octets: int, layer: str, said: Sentence | str, problem: bool
    ) -> None:
        if isinstance(said, str):
            self._rows.append(Row(t, gap, way, octets, layer, said, problem))
        else:
            row = Row(t, gap, way, octets, layer, said.text, problem, said.code, said.params)
            self._rows.append(row)

    def _session(self, record: Record) -> None:
        if record.trace:
            self._ended, self._last_sent = record.t, b""
            said = say("session", mode=record.mode, client=record.client)
            if record.model:
                said = say("session_model", **said.params, model=record.model)
        elif record.apdu:
            said = say("inside", apdu=explain_apdu(bytes.fromhex(record.apdu), self._name_of))
        elif record.note == "hidden-apdu":
            said = say("inside_secret", size=record.text)
        else:
            said = say("error", note=record.note, text=record.text)
        problem = bool(record.note) and record.note != "hidden-apdu"
        layer = "dlms" if record.apdu or record.note == "hidden-apdu" else "session"
        self._put(record.t, 0.0, record.dir, 0, layer, said, problem)

    # -- octets --

    def _burst(self, burst: Burst) -> None:
        data = burst.data
        if burst.direction == "tx":
            again = bool(data) and data == self._last_sent and not burst.hidden
            self._repeats += again
            self._last_sent = data
            if again:
                self._add(burst, "raw", say("again"), len(data), problem=True)
        if burst.t - self._ended > _GAP_SECONDS and self._rows and burst.direction == "rx":
            silent = say("silence", seconds=f"{burst.t - self._ended:.1f}")
            self._put(burst.t, 0.0, "", 0, "session", silent, True)
        if burst.hidden:
            self._add(burst, "raw", say("secret"), len(data))
        elif self._is_ansi(data):
            self._ansi(burst)
        elif FLAG in data and (data[:1] == bytes([FLAG]) or burst.direction == "rx"):
            self._hdlc(burst)
        elif data[:2] == b"\x00\x01" and len(data) >= 8:
            self._add(burst, "wrapper", explain_apdu(data[8:], self._name_of), len(data))
        else:
            self._text(burst)

    def _is_ansi(self, data: bytes) -> bool:
        """A packet, an acknowledgement before one, or a single one in the middle of such a conversation."""
        if data[:1] == bytes([c12.START]) or data[:2] == bytes([c12.ACK, c12.START]):
            return True
        return len(data) == 1 and bool(self._rows) and self._rows[-1].layer == "ansi"

    def _hdlc(self, burst: Burst) -> None:
        reader = FrameReader()
        frames = reader.feed(burst.data)
        for frame in frames:
            self._frame(burst, frame)
        if reader.bad or reader.noise or reader.pending:
            code = "damaged_cut" if reader.pending else "damaged"
            self._add(burst, "hdlc", say(code, frames=reader.bad, noise=reader.noise), 0, problem=True)

    def _frame(self, burst: Burst, frame: Frame) -> None:
        octets = len(frame.information) + len(frame.destination) + len(frame.source) + 7
        head = f"{_address(frame.source)} → {_address(frame.destination)} "
        refused = frame.control in (Control.DM, Control.FRMR)
        if not frame.is_information:
            self._add(burst, "hdlc", head + _control(frame), octets, problem=refused)
            return
        direction = burst.direction
        information = frame.information
        if not self._apdu[direction] and information[:3] in _LLC:
            information = information[3:]
        self._apdu[direction] += information
        text = f"I N(S)={frame.send_number} N(R)={frame.receive_number}{' P/F' if frame.final else ''}"
        if frame.segmented:
            self._add(burst, "hdlc", head + text + f", {len(information)} octets, more follow", octets)
            return
        apdu, self._apdu[direction] = self._apdu[direction], b""
        if direction == "tx":
            self._secret = is_secret(apdu)
        said = explain_apdu(apdu, self._name_of, hidden=self._secret)
        self._add(burst, "dlms", head + text + ": " + said, octets, problem=_is_refusal(apdu, said))

    def _ansi(self, burst: Burst) -> None:
        for heard in c12.Deframer().feed(burst.data):
            if isinstance(heard, c12.Acknowledge):
                self._add(burst, "ansi", "ACK" if heard.good else "NAK", 1, problem=not heard.good)
            elif isinstance(heard, c12.Packet):
                text = (
                    _psem(heard.data, burst.direction) if heard.first or not heard.multiple else "continued"
                )
                told = f"packet {heard.sequence} to come, {text}" if heard.sequence else text
                self._add(burst, "ansi", told, len(heard.data) + c12.OVERHEAD)
            else:
                self._add(burst, "ansi", say("damaged_packet"), len(burst.data), problem=True)

    def _text(self, burst: Burst) -> None:
        said, problem = _iec(bytes(octet & 0x7F for octet in burst.data))
        unknown = isinstance(said, Sentence) and said.code == "not_understood"
        self._add(burst, "raw" if unknown else "iec", said, len(burst.data), problem=problem)


def explain(records: Sequence[Record], name_of: NameOf = _no_name) -> Explanation:
    """Explain a trace; ``name_of`` gives the name of an item (``3:1.0.1.8.0.255:2``), if it has one."""
    return Explainer(name_of).explain(records)


def _lasted(turns: Sequence[Burst | Record]) -> float:
    spoken = [turn for turn in turns if isinstance(turn, Burst)]
    return spoken[-1].end - spoken[0].t if spoken else 0.0


def _address(octets: bytes) -> str:
    numbers = [octet >> 1 for octet in octets]
    if len(numbers) == 4:
        numbers = [numbers[0] << 7 | numbers[1], numbers[2] << 7 | numbers[3]]
    return ":".join(str(number) for number in numbers)


def _control(frame: Frame) -> str:
    if frame.is_ready or frame.is_not_ready:
        word = "RR" if frame.is_ready else "RNR"
        return f"{word} N(R)={frame.receive_number}{' P/F' if frame.final else ''}"
    known = {control.value: control.name for control in Control}
    more = f", {len(frame.information)} octets of parameters" if frame.information else ""
    return known.get(frame.control | 0x10, f"control {frame.control:02X}") + more


def _is_refusal(apdu: bytes, said: str) -> bool:
    return apdu[:1] in (b"\xd8", b"\x0e") or (apdu[:1] == b"\x61" and "accepted" not in said)


def _psem(data: bytes, direction: str) -> str:
    if not data:
        return "empty message"
    if direction == "rx":
        known = {code.value: code.name.lower() for code in Response}
        return f"{known.get(data[0], f'code {data[0]:02X}')}, {len(data)} octets"
    table = f" of table {int.from_bytes(data[1:3], 'big')}" if data[0] & 0xF0 in (0x30, 0x40) else ""
    codes = {code.value: code.name.lower().replace("_", " ") for code in Service}
    base = data[0] if data[0] in codes else data[0] & 0xF0
    return f"{codes.get(base, f'service {data[0]:02X}')}{table}"


def _iec(data: bytes) -> tuple[Sentence | str, bool]:
    """A message of IEC 62056-21 in words, and whether it tells of something wrong."""
    found = find_identification(data)
    if found is not None:
        described, rest = found[0].described, data[found[1] :].strip()
        if rest:
            return say("identification_data", described=described, octets=len(rest)), False
        return say("identification", described=described), False
    stripped = data.strip(b"\x00\x7f")
    if stripped.startswith(b"/?"):
        return say("identify", shown=_shown(stripped)), False
    if stripped[:1] == b"\x06" and len(stripped) >= 6 and stripped[4:6] == b"\r\n":
        return _option(stripped[1:4].decode("ascii", "replace")), False
    if stripped.startswith(b"\x02") and b"!" in stripped:
        try:
            return say("readout", count=len(parse_readout(stripped))), False
        except DriverError as error:
            return say("readout_damaged", detail=error.detail), True
    buffer = bytearray(stripped)
    begins_command = stripped[:1] == bytes([SOH])
    answer = take_answer(buffer)
    if answer is None:
        return say("not_understood", shown=_shown(data)), True
    shown = _shown(answer.text.encode("latin-1"))
    if answer.kind in (Kind.OPERAND, Kind.BREAK) and begins_command:
        return say("command", command=answer.command, shown=shown), False
    if answer.kind in (Kind.DATA, Kind.PARTIAL):
        code = "data_more" if answer.kind is Kind.PARTIAL else "data"
        return say(code, shown=shown), answer.text.lstrip("(").startswith("ER")
    return answer.kind.value.upper(), answer.kind in (Kind.NAK, Kind.DAMAGED)


def _option(control: str) -> Sentence:
    protocol, rate, mode = control[:1], control[1:2], control[2:3]
    code = {"0": "readout_chosen", "1": "programming_chosen", "2": "binary_chosen"}.get(mode, "option_chosen")
    return say(code, protocol=protocol, rate=rate, option=mode)


def _shown(data: bytes) -> str:
    text = "".join(chr(octet) if 32 <= octet < 127 else "·" for octet in data[:_TEXT])
    return text + ("…" if len(data) > _TEXT else "")
