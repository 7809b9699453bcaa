"""Why a round of sync did not go through, as types; each says whether and when to try again.

None of them loses anything: what has no verdict stays in the journal and goes with the next round.
"""

from __future__ import annotations


class SyncError(Exception):
    """Base. `code` is stable (`error.sync.<code>` names the text for people); `retry_after` in seconds."""

    code = "sync_failed"
    pauses = False
    """Whether retrying by itself is pointless until somebody acts."""

    def __init__(self, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.retry_after = retry_after


class Unreachable(SyncError):
    """No answer: no network, name not found, refused, timed out, or cut in the middle. Offline is normal."""

    code = "unreachable"


class UntrustedCertificate(SyncError):
    """Somebody answers, with a certificate that is not trusted: expired, of another name or authority.

    Not paused: a log-in page of a network does this, and so does a clock that is wrong.
    """

    code = "untrusted_certificate"


class GatewayFailed(SyncError):
    """The gateway answered that it failed or is busy (5xx, 429)."""

    code = "gateway_failed"


class BadAnswer(SyncError):
    """Not the gateway's language: another web page, half a body, a wrong signature or hash."""

    code = "bad_answer"


class NotAccepted(SyncError):
    """The gateway does not accept this tablet (401, 403): revoked, expired or never enrolled. Pauses sync."""

    code = "not_accepted"
    pauses = True


class WrongGateway(SyncError):
    """Another gateway or another realm answers under this address. Pauses sync."""

    code = "wrong_gateway"
    pauses = True


class CursorGone(SyncError):
    """The place in the gateway's sequence is too old (410): pull from the start, keeping what is unsent."""

    code = "cursor_gone"


class Refused(SyncError):
    """The gateway understood a request and refuses it (other 4xx); `code` is the problem's."""

    code = "refused"


class InsecureUrl(SyncError):
    """Plain HTTP to anything but this machine: nothing is sent."""

    code = "insecure_url"
    pauses = True


class EnrolmentError(SyncError):
    """The code or the gateway behind it did not prove itself."""

    code = "enrolment_failed"


class SyncCancelled(SyncError):
    """The person stopped the round."""

    code = "cancelled"
