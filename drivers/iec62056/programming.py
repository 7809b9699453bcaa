"""Programming mode on a real line: password, reading, writing, break (IEC 62056-21, clause 6.4.4).

A damaged answer is asked for again with NAK; a NAK of the meter has a reading or writing sent again. The
password is sent once, whatever the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from drivers.errors import (
    DriverError,
    Garbage,
    LinkLost,
    LockedOut,
    MeterRefused,
    NoAnswer,
    WrongPassword,
    WrongValue,
)
from drivers.iec62056.messages import ACK, BREAK, NAK, Answer, Kind, command, operand, take_answer
from drivers.iec62056.options import Programming
from drivers.iec62056.sign_on import Finished
from drivers.line import TunableWire

_ANSWER_SECONDS = 2.0
"""The standard allows the meter 1.5 s; converters and Bluetooth add to it."""
_QUIET_SECONDS = 0.3
"""After damage: how long the line must be silent until nothing more comes of what was asked."""
_ATTEMPTS = 3
_BLOCK_LIMIT = 1024
_ALGORITHMS: dict[str, Callable[[bytes, str], bytes]] = {"plain": lambda password, _operand: password}
"""How a password is made from the secret and the operand of P0. Makers keep theirs to themselves: one that is
known gets its entry here, and its name into the model file."""


def check_algorithm(name: str) -> None:
    """Raises ``WrongValue`` for a way of making passwords that is not known here."""
    if name not in _ALGORITHMS:
        raise WrongValue(
            f"The meter model wants passwords by {name!r}, which this tool does not know.",
            hint="Use the maker's program for this meter, or correct its model file.",
        )


class ProgrammingLink:
    """Programming mode after a sign-on that asked for it. ``exchanges`` counts requests."""

    def __init__(self, wire: TunableWire, signed: Finished, options: Programming, lockout: int) -> None:
        check_algorithm(options.algorithm)
        self._wire = wire
        self._echo = signed.echo
        self._reaction = signed.identification.reaction_seconds
        self._options = options
        self._lockout = lockout
        self._buffer = bytearray(signed.rest)
        rate = signed.identification.accepted_identifier
        self._acknowledged = f"\x060{rate}1\r\n".encode("ascii") if signed.echo else b""
        self._operand = ""
        self._is_astray = False
        self.unlocked = False
        self.exchanges = 0
        self.damaged = 0
        """Answers whose block check was wrong: what is right by one exclusive-or is doubtful then."""

    def begin(self) -> None:
        """Hear the operand of P0. Raises ``LockedOut`` where the meter breaks off instead."""
        answer = self._answer(self._acknowledged)
        for _ in range(_ATTEMPTS - 1):
            if answer is None or answer.kind is not Kind.DAMAGED:
                break
            answer = self._ask(bytes([NAK]))
        if answer is None:
            raise NoAnswer(detail="no P0 after the acknowledgement")
        if answer.kind is Kind.BREAK:
            raise LockedOut(seconds=self._lockout, detail="the meter broke off before any password")
        if answer.kind is not Kind.OPERAND:
            raise Garbage(detail=f"{answer.kind} instead of P0")
        self._operand = operand(answer.text)

    def unlock(self, password: bytes) -> None:
        """Send the password, once. Raises ``WrongPassword``, or ``LinkLost`` if no verdict was heard."""
        options = self._options
        made = _ALGORITHMS[options.algorithm](password, self._operand)
        text = options.password.replace("{password}", made.decode("latin-1"))
        answer = self._ask(command(options.password_command, text))
        if answer is None or answer.kind is Kind.DAMAGED:
            raise LinkLost(detail="the verdict on the password was not heard")
        if answer.kind is not Kind.ACK:
            raise WrongPassword(detail=f"answered by {answer.kind} {answer.text[:16]}".strip())
        self.unlocked = True

    def read(self, address: str, request: str = "", *, letters: str | None = None) -> str:
        """What stands at an address, all partial blocks of it together, as sent. Raises ``MeterRefused`` or
        ``LinkLost``.

        Blocks have no numbers. Where an ACK is followed by silence nobody can tell whether the block or the
        ACK was lost, and another ACK could skip one: the reading is begun again.
        """
        for _ in range(_ATTEMPTS):
            text = self._blocks(address, command(letters or self._options.read, f"{address}({request})"))
            if text is not None:
                return text
        raise LinkLost(detail=f"{address}: its blocks broke off")

    def _blocks(self, address: str, message: bytes) -> str | None:
        """``None`` where the meter fell silent between two blocks."""
        answer: Answer | None = self._certain(message)
        text = ""
        for _ in range(_BLOCK_LIMIT):
            if answer is None:
                return None
            text += self._checked(answer, address)
            if answer.kind is not Kind.PARTIAL:
                return text
            answer = self._next_block()
        raise Garbage(detail=f"{address}: more than {_BLOCK_LIMIT} blocks")

    def _next_block(self) -> Answer | None:
        answer = self._ask(bytes([ACK]))
        for _ in range(_ATTEMPTS):
            if answer is None or answer.kind is not Kind.DAMAGED:
                return answer
            answer = self._repeated()
        return answer

    def _repeated(self) -> Answer | None:
        """What was damaged, once more."""
        self.damaged += 1
        return self._ask(bytes([NAK]))

    def value(self, address: str) -> str:
        """The first value in the brackets of an answer, without its unit."""
        text = self.read(address)
        inside = operand(text.partition(")")[0] + ")")
        return inside.partition("*")[0].strip()

    def write(self, address: str, value: str) -> None:
        """Write a value; an ACK is the meter's word that it took it. Raises ``MeterRefused`` or
        ``LinkLost``: then nobody knows, and it must be read back."""
        answer = self._certain(command(self._options.write, f"{address}({value})"), again=False)
        if answer.kind is not Kind.ACK:
            self._checked(answer, address)
            raise MeterRefused(result=answer.text.strip("()")[:32] or answer.kind, detail=address)

    def leave(self) -> None:
        """Break off (B0): the meter goes back to waiting for a sign-on. Never raises."""
        with suppress(DriverError):
            self._wire.pause(self._reaction)
            self._wire.write(BREAK)
            self._wire.drain()

    def _checked(self, answer: Answer, address: str) -> str:
        if answer.kind is Kind.BREAK:
            raise LinkLost(detail=f"{address}: the meter broke off")
        if answer.kind not in (Kind.DATA, Kind.PARTIAL):  # a meter refuses in words; anything else is damage
            raise LinkLost(detail=f"{address}: answered by {answer.kind}")
        if self._options.is_error(answer.text):
            result = answer.text.strip().strip("()")[:32]
            raise MeterRefused(result=result, detail=address)
        return answer.text

    def _certain(self, message: bytes, *, again: bool = True) -> Answer:
        """An undamaged answer. Silence is the line's fault; ``again``: what was asked may be asked once more
        then, since reading changes nothing."""
        sent = message
        for _ in range(_ATTEMPTS):
            answer = self._ask(sent)
            if answer is None:
                if not again:
                    break
                continue
            if answer.kind is Kind.NAK:
                sent = message  # it did not understand us: nothing was done
            elif answer.kind is Kind.DAMAGED:
                self.damaged += 1
                sent = bytes([NAK])
            else:
                return answer
        raise LinkLost(detail="no undamaged answer in programming mode")

    def _ask(self, message: bytes) -> Answer | None:
        self._wire.pause(self._reaction)
        self._buffer.clear()
        if self._is_astray:
            self._let_by()
        self._wire.write(message)
        self.exchanges += 1
        answer = self._answer(message if self._echo else b"")
        self._is_astray = answer is None or answer.kind is Kind.DAMAGED
        return answer

    def _let_by(self) -> None:
        """What comes late belongs to no question: else each answer is taken for that to the next one."""
        while self._wire.read(self._wire.now() + _QUIET_SECONDS):
            pass

    def _answer(self, echo: bytes = b"") -> Answer | None:
        """One message, or ``None`` when the meter is silent for longer than it may. What is damaged may have
        been an echo, or noise before the answer: it counts once the line is quiet."""
        wire = self._wire
        wire.drain()
        damaged: Answer | None = None
        patience = _ANSWER_SECONDS
        quiet = _QUIET_SECONDS
        while True:
            if echo and len(self._buffer) >= len(echo):
                if _is_echo(self._buffer, echo):
                    del self._buffer[: len(echo)]
                else:
                    quiet = _ANSWER_SECONDS  # what is damaged may be the echo, and the answer still to come
                echo = b""
            while not echo and (answer := self._heard()) is not None:
                if answer.kind is not Kind.DAMAGED:
                    self.damaged += damaged is not None
                    return answer
                damaged, patience = answer, quiet
            data = wire.read(wire.now() + patience)
            if not data:
                return damaged
            self._buffer += bytes(octet & 0x7F for octet in data)

    def _heard(self) -> Answer | None:
        """A message that is the meter's: with a header it sends P0 and B0 alone, any other command is ours,
        come back behind noise."""
        while (answer := take_answer(self._buffer)) is not None:
            if answer.kind is not Kind.OPERAND or answer.command == "P0":
                return answer
        return None


def _is_echo(heard: bytearray, sent: bytes) -> bool:
    """Whether it begins with what we sent. On a bad line a bit of some octets is another; a single one must
    be the same, since it is too near to what a meter may say."""
    if len(sent) == 1:
        return heard.startswith(sent)
    return all((one ^ other).bit_count() <= 1 for one, other in zip(heard, sent, strict=False))
