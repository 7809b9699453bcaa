"""Sign-on at the optical port as a state machine that does no I/O: bytes and time in, actions out.

Timing (IEC 62056-21, clause 6.4 and its notes; Green Book, "protocol mode E"): request and identification
at 300 baud 7E1; the acknowledgement goes at the old rate, is drained, then the rate changes at once,
because a 20 ms meter answers before any fixed wait is over. Makes differ on whether the confirmation comes
at the old or the new rate: both are accepted, and a missing one too, since only the answer to SNRM proves
the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.errors import EchoOnly, Garbage, NoAnswer
from drivers.iec62056.identification import Identification, find_identification
from drivers.ports import LineFormat, hdlc_format, iec_format

_REACTION_LIMIT = 1.5
_FIRST_RATE = 300
_LIMIT = 512


class Wanted(StrEnum):
    """What the acknowledgement asks for. ``BEST``: mode E where the meter offers it, else its readout.
    ``PROGRAMMING``: programming mode, in modes A and B (which know no acknowledgement) after their readout.
    """

    HDLC = "hdlc"
    READOUT = "readout"
    PROGRAMMING = "programming"
    BEST = "best"


@dataclass(frozen=True)
class SetLine:
    """Change the line format once everything sent before has left."""

    line: LineFormat


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Wait:
    """Keep the reaction time: who just sent needs it before it can hear."""

    seconds: float


@dataclass(frozen=True)
class Finished:
    """Signed on. ``hdlc`` tells whether HDLC follows, else a data readout; ``rest`` was received beyond."""

    identification: Identification
    hdlc: bool
    rest: bytes
    echo: bool


Action = SetLine | Send | Wait | Finished


class _State(StrEnum):
    IDLE = "idle"
    IDENTIFICATION = "identification"
    CONFIRMATION = "confirmation"
    DONE = "done"


class SignOn:
    """One sign-on. Call ``start``, then ``received`` for bytes and ``tick`` when ``deadline`` has come."""

    def __init__(
        self,
        *,
        address: str = "",
        wanted: Wanted = Wanted.BEST,
        attempts: int = 2,
        patience: float = 2.0,
        first: LineFormat | None = None,
        option: str = "0",
    ) -> None:
        """``first``: the line of the request, 300 baud 7E1 by the standard. ``option``: Y of a readout."""
        self._request = b"/?" + address.encode("ascii") + b"!\r\n"
        self._wanted = wanted
        self._first = first or iec_format(_FIRST_RATE)
        self._option = option.encode("ascii")
        self._attempts = attempts
        self._patience = max(patience, _REACTION_LIMIT)
        self._state = _State.IDLE
        self._buffer = bytearray()
        self._acknowledge = b""
        self._identification: Identification | None = None
        self._echo = False
        self._seen_echo = False
        self._seen_other = False
        self.deadline = 0.0

    def start(self, now: float) -> list[Action]:
        """Ask the meter to identify itself."""
        self._state = _State.IDENTIFICATION
        self._buffer.clear()
        self._attempts -= 1
        sending = len(self._request) * self._first.character_seconds
        self.deadline = now + sending + self._patience
        return [SetLine(self._first), Send(self._request)]

    def received(self, data: bytes, now: float) -> list[Action]:
        """Take bytes. Raises ``Garbage`` if they go on without ever making an identification."""
        self._buffer += bytes(byte & 0x7F for byte in data)
        if self._state is _State.IDENTIFICATION:
            return self._on_identification(now)
        if self._state is _State.CONFIRMATION:
            return self._on_confirmation(now)
        return []

    def tick(self, now: float) -> list[Action]:
        """The deadline has come. Raises ``NoAnswer``, ``EchoOnly`` or ``Garbage`` after the last attempt."""
        if now < self.deadline:
            return []
        if self._state is _State.CONFIRMATION:
            return self._finish(bytes(self._buffer) if not self._hdlc else b"")
        if self._state is not _State.IDENTIFICATION:
            return []
        self._note_what_came()
        if self._attempts > 0:
            return self.start(now)
        if self._seen_other:
            raise Garbage(detail="no identification line among the bytes received")
        if self._seen_echo:
            raise EchoOnly
        raise NoAnswer(detail="no answer to the sign-on request")

    def _note_what_came(self) -> None:
        rest, echo = _behind(self._request, bytes(self._buffer))
        self._seen_echo = self._seen_echo or echo
        if rest.strip(b"\x00\x7f"):
            self._seen_other = True

    def _on_identification(self, now: float) -> list[Action]:
        rest, echo = _behind(self._request, bytes(self._buffer))
        self._echo = self._echo or echo
        found = find_identification(rest)
        if found is None:
            if len(self._buffer) > _LIMIT:
                raise Garbage(detail="more bytes than any identification line has")
            if len(rest) > 0:
                self.deadline = max(self.deadline, now + _REACTION_LIMIT)
            return []
        identification, end = found
        self._identification = identification
        self._buffer = bytearray(rest[end:])
        if identification.mode in ("A", "B"):
            self._acknowledge = b""
            return [
                *([SetLine(self._text_line(identification))] if identification.mode == "B" else []),
                *self._finish(bytes(self._buffer)),
            ]
        return self._send_acknowledge(identification, now)

    def _send_acknowledge(self, identification: Identification, now: float) -> list[Action]:
        rate = identification.accepted_identifier.encode("ascii")
        option = b"1" if self._wanted is Wanted.PROGRAMMING else self._option
        control = b"2" + rate + b"2" if self._hdlc else b"0" + rate + option
        self._acknowledge = b"\x06" + control + b"\r\n"
        line = hdlc_format(identification.baud) if self._hdlc else self._text_line(identification)
        reaction = identification.reaction_seconds
        actions: list[Action] = [Wait(reaction), Send(self._acknowledge), SetLine(line)]
        self._buffer.clear()
        if not self._hdlc:
            return [*actions, *self._finish(b"")]
        self._state = _State.CONFIRMATION
        sending = len(self._acknowledge) * self._first.character_seconds
        self.deadline = now + reaction + sending + _REACTION_LIMIT + sending
        return actions

    def _text_line(self, identification: Identification) -> LineFormat:
        """The rate after the change, in the character format of the sign-on."""
        return LineFormat(identification.baud, self._first.data_bits, self._first.parity)

    @property
    def _hdlc(self) -> bool:
        if self._wanted is Wanted.BEST:
            return self._identification is not None and self._identification.mode == "E"
        return self._wanted is Wanted.HDLC

    def _on_confirmation(self, now: float) -> list[Action]:
        rest = bytes(self._buffer)
        if self._echo:
            rest, _ = _behind(self._acknowledge, rest)
        if self._acknowledge in rest:
            return self._finish(b"")
        if rest and not self._acknowledge.startswith(rest):
            # sent at the other rate: unreadable, so wait until the line has been quiet for three characters
            self.deadline = min(self.deadline, now + 3 * self._first.character_seconds)
        return []

    def _finish(self, rest: bytes) -> list[Action]:
        assert self._identification is not None
        self._state = _State.DONE
        hdlc = self._hdlc and self._identification.mode not in ("A", "B")
        return [Finished(self._identification, hdlc, rest, self._echo)]


def _behind(echo: bytes, heard: bytes) -> tuple[bytes, bool]:
    """What came behind the echo of what we sent, and whether there was one; a head that wakes up, or is put
    on, may make a few characters before it."""
    _, found, rest = heard.partition(echo)
    return (rest, True) if found else (heard, False)
