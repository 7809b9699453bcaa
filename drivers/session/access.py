"""The way to a meter: port, sign-on, link. What is tried in which order, and what a cut changes about it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from drivers.connection import Connection, Mode
from drivers.dlms.general_blocks import Channel
from drivers.dlms.hdlc import parse_server
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.dlms.wrapper import WrapperChannel
from drivers.errors import DriverError, EchoOnly, Garbage, LinkLost, NoAnswer, WrongValue
from drivers.iec62056.identification import Identification
from drivers.iec62056.readout import DataSet
from drivers.iec62056.runner import read_out, sign_on
from drivers.iec62056.sign_on import Wanted
from drivers.line import Line, Recorder, Surroundings
from drivers.ports import hdlc_format, iec_format

_FRAMES = ((128, 1), (48, 1))
"""Information field and window after the first and any further cut: short frames pass where long ones do
not."""
_QUIET_SECONDS = 0.25
_LONGEST_BURST_BYTES = 7 * 2048
_OPTICAL = (Mode.AUTO, Mode.E)
_WANTED = {Mode.AUTO: Wanted.BEST, Mode.E: Wanted.HDLC}


class ReadoutOnly(DriverError):
    """Not a failure of the line: this meter has no DLMS, only its readout (in ``Access.data_sets``)."""

    code = "readout-only"
    message = "This meter only reads out; it cannot be configured or asked for single objects."
    hint = "Its registers are shown as it sends them."


class Access:
    """Opens channels to one meter. ``cancelled`` ends every wait."""

    def __init__(
        self,
        port: str,
        connection: Connection,
        cancelled: threading.Event,
        recorder: Recorder | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        try:
            parse_server(connection.server)
        except ValueError as error:
            raise WrongValue(str(error)) from None
        if not 0 < connection.client < 128:
            raise WrongValue(f"client {connection.client}: 1 to 127")
        self._port = port
        self._connection = connection
        self._cancelled = cancelled
        self._recorder = recorder
        self._surroundings = surroundings
        self._baud = connection.baud
        self._echo = False
        self._resume = False
        self.client = connection.client
        """Who comes in; another one while a secret of theirs is proven."""
        self.mend: Callable[[DriverError], bool] | None = None
        """Given to every link: see ``HdlcLink.mend``."""
        self.cuts = 0
        self.sign_on_exchanges = 0
        self.was_linked = False
        self.line: Line | None = None
        self.identification: Identification | None = None
        self.data_sets: list[DataSet] | None = None

    def open_line(self) -> Line:
        """The port, opened when first needed."""
        if self.line is None:
            optical = self._connection.mode in _OPTICAL
            first = iec_format(300) if optical else hdlc_format(self._connection.baud)
            self.line = Line(
                self._port,
                first,
                recorder=self._recorder,
                cancelled=self._cancelled,
                surroundings=self._surroundings,
            )
        return self.line

    def channel(self) -> Channel:
        """A channel for the client of the connection, by its mode. Raises ``ReadoutOnly`` after a readout."""
        self.open_line()
        if self._connection.mode not in _OPTICAL:
            return self.channel_of(self.client)
        if self._resume:
            link = self._resumed()
            if link is not None:
                return link
        try:
            self._sign_on()
        except (NoAnswer, EchoOnly, Garbage) as error:
            if self._connection.mode is not Mode.AUTO:
                raise
            return self._plain_hdlc(error)
        return self.channel_of(self.client)

    def channel_of(self, client: int, *, attempts: int = 3) -> Channel:
        """A channel for any client, once the meter listens."""
        if self._connection.mode is Mode.WRAPPER:
            self.was_linked = True
            return WrapperChannel(self.open_line(), client, int(self._connection.server.partition(":")[0]))
        return self._link(client, attempts)

    def lost(self, *, broken: bool, reopen: bool) -> None:
        """The channel is gone. ``broken``: the line failed, so frames get shorter; ``reopen``: find the
        port again."""
        self._resume = self.was_linked  # also after the port vanished: the meter did not notice
        if reopen or (broken and self._connection.mode is Mode.WRAPPER):
            self.open_line().reopen()
        elif broken:
            self.cuts += 1

    def hand_over(self) -> Line | None:
        """Let go of the line without closing it."""
        line, self.line = self.line, None
        return line

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def _sign_on(self) -> None:
        line, connection = self.open_line(), self._connection
        wanted = _WANTED[connection.mode]
        signed = sign_on(line, address=connection.device_address, wanted=wanted, patience=connection.reaction)
        self.identification = signed.identification
        self._echo = signed.echo
        self.sign_on_exchanges += 2
        if not signed.hdlc:
            with suppress(Garbage, LinkLost, NoAnswer, EchoOnly):  # damaged: whoever goes on reads it again
                self.data_sets = read_out(line, signed)
            raise ReadoutOnly
        self._baud = signed.identification.baud

    def _plain_hdlc(self, first: DriverError) -> Channel:
        """Nobody answered the sign-on: the meter may still be in HDLC, or know nothing else."""
        try:
            return self.channel_of(self.client)
        except NoAnswer:
            raise first from None
        except (EchoOnly, Garbage):  # what came of a head that echoes is most likely more of the echo
            if isinstance(first, EchoOnly):
                raise first from None
            raise

    def _resumed(self) -> Channel | None:
        """After a cut the meter mostly still listens in HDLC: that saves a sign-on at 300 baud."""
        line = self.open_line()
        last = line.now() + _LONGEST_BURST_BYTES * 10 / self._baud
        while line.now() < last and line.read(line.now() + _QUIET_SECONDS):
            pass  # the rest of an answer that nobody waits for any more
        try:
            return self.channel_of(self.client, attempts=2)
        except (NoAnswer, EchoOnly, Garbage):
            return None

    def _link(self, client: int, attempts: int) -> HdlcLink:
        line = self.open_line()
        line.set_line(hdlc_format(self._baud))
        information, window = self._connection.info_field, self._connection.window
        if self.cuts:
            information, window = _FRAMES[min(self.cuts, len(_FRAMES)) - 1]
        options = LinkOptions(
            client=client,
            server=self._connection.server,
            information=information,
            window=window,
            response=self._connection.reaction,
            connect_attempts=attempts,
            baud=self._baud if line.has_line else 9600,
            echo=self._echo,
        )
        link = HdlcLink(line, options)
        link.mend = self.mend
        link.connect()
        self.was_linked = True
        return link
