"""Messages between the session program and the application, over the program's standard streams.

A second thread reads: a cancel is heard while a job runs. When the application dies, standard input ends.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

import msgspec

from drivers import errors
from drivers.session import messages as m

_LAST_SECONDS = 6.0
_Answer = TypeVar("_Answer", m.AnswerDone, m.AnswerCounter, m.AnswerSecret, m.AnswerNextSecret)
_ANSWERS = m.AnswerDone | m.AnswerCounter | m.AnswerSecret | m.AnswerNextSecret | m.AnswerFailed


class Conversation:
    """Messages to and from the application."""

    def __init__(self, source: int, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._requests: queue.Queue[m.ToSession | None] = queue.Queue()
        self._answers: queue.Queue[m.ToSession | None] = queue.Queue()
        self._next_ask = 0
        self.cancelled = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, message: m.Message) -> None:
        try:
            self._sink.write(m.encode(message))
            self._sink.flush()
        except OSError:
            self._end()

    def next_request(self) -> m.ToSession | None:
        """The next job; ``None`` when the application is gone."""
        return self._requests.get()

    def ask(self, build: Callable[[int], m.Message], kind: type[_Answer]) -> _Answer:
        """Ask the application. Raises ``HostFailed`` if it cannot answer."""
        self._next_ask += 1
        number = self._next_ask
        self.say(build(number))
        while True:
            answer = self._answers.get()
            if answer is None:
                raise errors.HostFailed(detail="the application is gone")
            if isinstance(answer, m.AnswerFailed) and answer.ask == number:
                raise errors.HostFailed(detail=answer.reason)
            if isinstance(answer, kind) and answer.ask == number:
                return answer

    def _lines(self) -> Iterator[bytes]:
        """Lines of the descriptor itself: a buffered reader would be locked by the waiting thread at exit."""
        buffer = b""
        while data := os.read(self._source, 65536):
            *lines, buffer = (buffer + data).split(b"\n")
            yield from lines

    def _listen(self) -> None:
        for line in self._lines():
            try:
                message = m.decode_to_session(line)
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                print(f"not a message: {type(error).__name__}", file=sys.stderr)  # noqa: T201  # the log
                continue
            if isinstance(message, m.Cancel):
                self.cancelled.set()
            elif isinstance(message, _ANSWERS):
                self._answers.put(message)
            else:
                self.cancelled.clear()  # here and not where the job begins: a cancel may follow at once
                self._requests.put(message)
        self._end()

    def _end(self) -> None:
        self.cancelled.set()
        self._answers.put(None)
        self._requests.put(None)
        watchdog = threading.Timer(_LAST_SECONDS, os._exit, args=(1,))
        watchdog.daemon = True
        watchdog.start()


def private_streams() -> tuple[int, BinaryIO]:
    """Our own pair of streams; whatever a library prints goes to standard error instead.

    By descriptor: a program without a console has no ``sys.stdout`` on Windows, though its pipes are there.
    """
    sink = os.fdopen(os.dup(1), "wb")
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.stderr
    return 0, sink
