"""Everything that can go wrong at the optical port, as types.

``code`` is stable: it is the key of the translated text (``error.<code>``) and of scripts. ``message`` says
what happened, ``hint`` what to try, ``detail`` is for the log. None of them ever holds a secret.
"""

from __future__ import annotations


class DriverError(Exception):
    """Base of all errors of the drivers."""

    code = "driver"
    message = "The meter could not be worked with."
    hint = "Try again; if it stays, export the trace for support."

    def __init__(self, message: str | None = None, *, hint: str | None = None, detail: str = "") -> None:
        self.message = message or type(self).message
        self.hint = hint or type(self).hint
        self.detail = detail
        super().__init__(self.message)

    def fields(self) -> dict[str, str]:
        """Extra fields of the type, as text, for crossing the process border."""
        return {}


class NoProbe(DriverError):
    code = "no-probe"
    message = "The optical probe was not found."
    hint = "Plug the probe in (or pair it), then choose its port."


class PortBusy(DriverError):
    code = "port-busy"
    message = "The port is in use by another program, or access to it is denied."
    hint = "Close other meter programs, then try again."


class PortVanished(DriverError):
    code = "port-vanished"
    message = "The optical probe vanished and did not come back."
    hint = "Check cable or Bluetooth, then continue: the step goes on where it was."


class NoAnswer(DriverError):
    code = "no-answer"
    message = "The meter does not answer."
    hint = "Sit the head on the port and turn it by 180°; check that the meter has power."


class EchoOnly(DriverError):
    code = "echo-only"
    message = "Only the echo of our own bytes came back: the meter does not answer."
    hint = "The probe works. Move or turn the head on the meter; shade it from the sun."


class Garbage(DriverError):
    code = "garbage"
    message = "What the meter sends cannot be understood (baud rate, parity or light)."
    hint = "Check the baud rate of the meter model; shade the head from the sun and hold it still."


class WrongPassword(DriverError):
    code = "wrong-password"
    message = "The meter refused the password."
    hint = "Do not try again with the same password: the meter may lock. Ask the office for the right one."


class LockedOut(DriverError):
    """The meter refuses every sign-on for ``seconds``."""

    code = "locked-out"
    message = "The meter is locked after wrong passwords."
    hint = "Wait until the countdown ends, then sign on once with the right password."

    def __init__(
        self, message: str | None = None, *, seconds: int = 60, hint: str | None = None, detail: str = ""
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.seconds = int(seconds)

    def fields(self) -> dict[str, str]:
        return {"seconds": str(self.seconds)}


class WrongKey(DriverError):
    code = "wrong-key"
    message = "The keys do not fit this meter."
    hint = "Check that the keys belong to this serial number; ask the office for them again."


class VerdictUnheard(DriverError):
    code = "verdict-unheard"
    message = "The line broke before the meter said whether it takes our key; it is not tried again unasked."
    hint = (
        "If the keys are those of this serial number, hold the head still and continue: they are sent once "
        "more. If in doubt, ask the office first: wrong keys lock the meter."
    )


class MissingSecret(DriverError):
    code = "missing-secret"
    message = "A password or key for this meter is not on this tablet."
    hint = "Synchronise, or ask the office to send the keys of this order."


class CounterRefused(DriverError):
    code = "counter-refused"
    message = "The meter refuses the invocation counter, and its own counter could not be learnt."
    hint = "Read the counter through the public client, or ask the office which counter is current."


class UnsupportedObject(DriverError):
    code = "unsupported-object"
    message = "This meter does not have the object that was asked for."
    hint = "Check the meter model chosen for this order."


class MeterRefused(DriverError):
    """The meter answered with a data access result, action result or exception."""

    code = "meter-refused"
    message = "The meter refused the request."
    hint = "Check that this client has the right to do it; the result says why."

    def __init__(
        self,
        message: str | None = None,
        *,
        result: str = "other-reason",
        hint: str | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message or f"The meter refused the request: {result}.", hint=hint, detail=detail)
        self.result = result

    def fields(self) -> dict[str, str]:
        return {"result": self.result}


class AssociationRefused(DriverError):
    code = "association-refused"
    message = "The meter does not accept this kind of association."
    hint = "Check client number, authentication and server address of the meter model."


class LinkLost(DriverError):
    code = "link-lost"
    message = "The connection to the meter broke off."
    hint = "Hold the head still and continue: what was done is kept, the rest is tried again."


class OtherMeter(DriverError):
    code = "other-meter"
    message = "This is not the meter the plan was made for."
    hint = "Check on which meter the head sits, then plan again."


class NeedsConfirmation(DriverError):
    code = "needs-confirmation"
    message = "This operation needs an explicit confirmation."
    hint = "Confirm it on the screen, naming the serial number of the meter."


class ImageRefused(DriverError):
    """The meter does not take, verify or activate a firmware image; it goes on with what it runs."""

    code = "image-refused"
    message = "The meter did not accept the firmware image; it keeps the firmware it runs."
    hint = "Check that the image is for this model and that the file is whole, then send it again."


class WrongValue(DriverError):
    code = "wrong-value"
    message = "A value that was given cannot be used."
    hint = "Correct it and try again."


class ModelFileError(DriverError):
    """A meter model or program file with a mistake: ``file``, ``line`` (1-based, 0 unknown), ``reason``."""

    code = "model-file"
    message = "A meter model or program file has a mistake."
    hint = "Correct the file at the line named."

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}", detail=reason)
        self.file = file
        self.line = int(line)
        self.reason = reason

    def fields(self) -> dict[str, str]:
        return {"file": self.file, "line": str(self.line), "reason": self.reason}


class Cancelled(DriverError):
    code = "cancelled"
    message = "Cancelled."
    hint = "Start the step again when you are ready."


class SessionDied(DriverError):
    code = "session-died"
    message = "The session program ended unexpectedly."
    hint = "Try again; an intended write is settled by reading it back."


class HostFailed(DriverError):
    code = "host-failed"
    message = "The application could not answer the session (journal, counter or key store)."
    hint = "Nothing was written after that. Check disk space and sign in again."


_TYPES: dict[str, type[DriverError]] = {
    kind.code: kind
    for kind in (
        DriverError, NoProbe, PortBusy, PortVanished, NoAnswer, EchoOnly, Garbage, WrongPassword, WrongKey,
        MissingSecret, CounterRefused, UnsupportedObject, AssociationRefused, LinkLost, OtherMeter,
        NeedsConfirmation, ImageRefused, VerdictUnheard, WrongValue, Cancelled, SessionDied, HostFailed,
    )
}  # fmt: skip


def from_fields(code: str, message: str, hint: str, detail: str, extra: dict[str, str]) -> DriverError:
    """Rebuild the error that was raised on the other side of the process border."""
    if code == LockedOut.code:
        return LockedOut(message, seconds=int(extra.get("seconds", "60")), hint=hint, detail=detail)
    if code == MeterRefused.code:
        return MeterRefused(message, result=extra.get("result", "other-reason"), hint=hint, detail=detail)
    if code == ModelFileError.code:
        return ModelFileError(
            extra.get("file", "?"), int(extra.get("line", "0")), extra.get("reason", message)
        )
    error = _TYPES.get(code, DriverError)(message, hint=hint, detail=detail)
    if code not in _TYPES:
        error.code = code
    return error
