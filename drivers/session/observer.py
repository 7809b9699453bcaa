"""What the trace is told of an association's requests and responses."""

from __future__ import annotations

from drivers.dlms.invoke import is_continuation
from drivers.line import Line, Recorder
from drivers.trace.apdus import is_secret


class Observer:
    """Has the line withhold what is secret in clear, and keeps the plain APDUs of ciphered associations."""

    def __init__(self, line: Line, recorder: Recorder | None) -> None:
        self._line, self._recorder = line, recorder
        self._secret = False

    def asks(self, request: bytes, *, ciphered: bool) -> None:
        if not is_continuation(request):
            self._secret = is_secret(request)
        if not ciphered:
            self._line.withhold = self._line.withhold_answers = self._secret
        elif self._recorder is not None:
            self._recorder.apdu("tx", request, self._secret)

    def answered(self, response: bytes, *, ciphered: bool) -> None:
        if ciphered and self._recorder is not None:
            self._recorder.apdu("rx", response, self._secret)

    def done(self) -> None:
        self._line.withhold = self._line.withhold_answers = False
