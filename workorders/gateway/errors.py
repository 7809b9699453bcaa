"""What the office refuses, as types that become problem answers with a status and a stable code."""

from __future__ import annotations


class OfficeError(Exception):
    """A request that the office refuses. `code` is stable; `status` is that of HTTP."""

    status = 400
    code = "bad_request"
    title = "The request cannot be done"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code


class NotSignedIn(OfficeError):
    """Nobody proved who asks, or the proof has run out."""

    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class NotAllowed(OfficeError):
    """The one who asks may not do this."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class NotFound(OfficeError):
    """What the request names does not exist (or is not for this asker)."""

    status = 404
    code = "not_found"
    title = "Not found"


class OutOfTurn(OfficeError):
    """The thing exists but is not in a state for this act."""

    status = 409
    code = "out_of_turn"
    title = "Not possible now"


class Gone(OfficeError):
    """The place in the sequence is too old or of another gateway: start afresh."""

    status = 410
    code = "cursor_gone"
    title = "Start afresh"


class TooLarge(OfficeError):
    """More than a limit of the protocol."""

    status = 413
    code = "too_large"
    title = "Too large"


class TooMany(OfficeError):
    """Too many tries or requests; `retry_after` says when the next one counts."""

    status = 429
    code = "too_many_attempts"
    title = "Wait before trying again"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class InvalidInput(OfficeError):
    """Understood as JSON, but not as what the act needs."""

    status = 422
    code = "invalid"
    title = "Not as agreed"
