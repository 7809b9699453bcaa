"""One application association of the xDLMS server: APDU in, APDU out (IEC 62056-5-3).

States: none, pending (HLS, waiting for pass 3), associated. Ciphering is undone here and done again on the
answer; what the services themselves do stands in `dispatch`.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from drivers.virtual.cosem.base import Client, CosemObject
from drivers.virtual.dlms import acse, ciphering
from drivers.virtual.dlms.acse import Aare, Aarq, AssociationResult, Diagnostic, InitiateError, Mechanism
from drivers.virtual.dlms.axdr import AxdrError, decode_length, encode_length
from drivers.virtual.dlms.ciphering import DecipheringError, Protected
from drivers.virtual.dlms.security import AUTH_KEY, BLOCK_KEY, Security
from drivers.virtual.dlms.services import PduError, ServiceError, StateError, UnknownService, exception
from drivers.virtual.dlms.short_names import Member

CHALLENGE_SIZE = 16
MIN_CLIENT_PDU = 12
CIPHERING_OVERHEAD = 1 + 3 + 5 + ciphering.TAG_SIZE
_GLOBAL = {0xC8: 0xC0, 0xC9: 0xC1, 0xCB: 0xC3, 0x25: 0x05, 0x26: 0x06, 0x36: 0x16}
_DEDICATED = {0xD0: 0xC0, 0xD1: 0xC1, 0xD3: 0xC3, 0x45: 0x05, 0x46: 0x06, 0x56: 0x16}
_PLAIN = (acse.CONTEXT_LN, acse.CONTEXT_SN)
_SHORT_NAMES = (acse.CONTEXT_SN, acse.CONTEXT_SN_CIPHERED)
_GENERAL_GLOBAL, _GENERAL_DEDICATED = 0xDB, 0xDC


class State(Enum):
    NONE = "none"
    PENDING = "pending"
    ASSOCIATED = "associated"


@dataclass(frozen=True, slots=True)
class Access:
    """How a client must come in: mechanism, application context and the conformance it may negotiate."""

    mechanism: Mechanism
    context: int
    conformance: int


_READ_ONLY = acse.GET | acse.BLOCK_GET | acse.SELECTIVE_ACCESS | acse.MULTIPLE_REFERENCES | acse.PRIORITY
_ALL = _READ_ONLY | acse.SET | acse.ACTION | acse.BLOCK_SET | acse.BLOCK_ACTION
CLIENTS: dict[int, Access] = {
    Client.PUBLIC: Access(Mechanism.NONE, acse.CONTEXT_LN, _READ_ONLY),
    Client.READER: Access(Mechanism.LOW, acse.CONTEXT_LN, _ALL),
    Client.MANAGEMENT: Access(Mechanism.GMAC, acse.CONTEXT_LN_CIPHERED, _ALL | acse.GENERAL_PROTECTION),
}
_ALL_SN = (
    acse.READ
    | acse.WRITE
    | acse.UNCONFIRMED_WRITE
    | acse.PARAMETERIZED_ACCESS
    | acse.MULTIPLE_REFERENCES
    | acse.BLOCK_GET
    | acse.BLOCK_SET
)
SHORT_NAME_CLIENTS: dict[int, Access] = {
    Client.PUBLIC: Access(Mechanism.NONE, acse.CONTEXT_SN, _ALL_SN),
    Client.READER: Access(Mechanism.LOW, acse.CONTEXT_SN, _ALL_SN),
    Client.MANAGEMENT: Access(Mechanism.GMAC, acse.CONTEXT_SN_CIPHERED, _ALL_SN | acse.GENERAL_PROTECTION),
}


class Device(Protocol):
    """What an association needs of the logical device behind it."""

    objects: dict[bytes, CosemObject]
    short_names: dict[int, Member]
    """What each short name stands for; empty where logical names are used."""
    clients: dict[int, Access]
    security: Security
    system_title: bytes
    client_title: bytes
    """System title of the client that came in last with ciphering."""
    max_pdu: int
    list_limit: int | None
    """Longest with-list request that is answered (None: no limit; 0: the service is claimed but refused)."""

    def before_write(self, index: int, total: int) -> None: ...


class Dispatcher(Protocol):
    """Carries out the services of one association."""

    def handle(self, apdu: bytes) -> bytes | None:
        """One plain APDU and its answer; `PduError` or `UnknownService` where it can't be understood."""
        ...


class Session:
    """The association of one client. `now` in every call is monotonic time in seconds (for the lock-out)."""

    def __init__(self, device: Device, client: int, dispatcher: Callable[[Session], Dispatcher]) -> None:
        self.device, self._client = device, client
        self.state = State.NONE
        self.conformance = 0
        self.client_title = b""
        self.context = acse.CONTEXT_LN
        self.mechanism = Mechanism.NONE
        self._client_pdu = 0
        self._dedicated = b""
        self._challenges = (b"", b"")  # client to server, server to client
        self._aarq_counter = 0
        self._control = 0
        self._now = 0.0
        self._new_dispatcher = dispatcher
        self._dispatcher = dispatcher(self)

    @property
    def client(self) -> int:
        """Client address."""
        return self._client

    @property
    def largest(self) -> int:
        """Longest plain APDU that may be sent to this client, in octets."""
        size = self._client_pdu or 0xFFFF
        return size - CIPHERING_OVERHEAD if self._control else size

    def handle(self, apdu: bytes, now: float) -> bytes | None:
        """One APDU of the client; the answer, or None where there is none (unconfirmed service)."""
        self._now = now
        if not apdu:
            return None
        if apdu[0] == 0x60:
            return self._associate(apdu)
        if apdu[0] == 0x62:
            self._close()
            return acse.release_response()
        if self.state is State.NONE:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        if len(apdu) > self.device.max_pdu + CIPHERING_OVERHEAD:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        return self._serve(apdu)

    def reply_to_hls(self, answer: bytes) -> bytes | None:
        """Pass 3: checks the client's proof and gives the server's (pass 4); None where it is wrong."""
        if self.state is not State.PENDING or len(answer) != 17 or answer[0] != ciphering.AUTHENTICATED:
            self._close()
            return None
        security, counter = self.device.security, int.from_bytes(answer[1:5], "big")
        keys = security.key(BLOCK_KEY), security.key(AUTH_KEY)
        # Some clients give the proof the counter of the APDU around it; an older one is a replay.
        fresh = counter > self._aarq_counter
        wanted = ciphering.gmac(*keys, self.client_title, counter, self._challenges[1])
        if not fresh or not hmac.compare_digest(wanted, answer):
            security.fail(self._now)
            self._close()
            return None
        security.accept(counter)
        security.succeed()
        self.state = State.ASSOCIATED
        return ciphering.gmac(*keys, self.device.system_title, security.next_sent(), self._challenges[0])

    def _close(self) -> None:
        self.state, self.conformance, self._dedicated = State.NONE, 0, b""
        self._dispatcher = self._new_dispatcher(self)

    # -- association --

    def _associate(self, apdu: bytes) -> bytes:
        self._close()
        self._control = 0
        try:
            aarq = acse.parse_aarq(apdu)
        except acse.AcseError:
            return self._reject(Diagnostic.NO_REASON)
        access = self.device.clients.get(self._client)
        if access is None:
            return self._reject(Diagnostic.NO_REASON)
        refused = self._refuse(aarq, access)
        if refused is not None:
            return self._reject(refused)
        if access.mechanism is not Mechanism.NONE and self.device.security.locked(self._now):
            return self._reject(Diagnostic.NO_REASON, AssociationResult.REJECTED_TRANSIENT)
        self.context, self.mechanism, self.client_title = access.context, access.mechanism, aarq.calling_title
        try:
            information = self._open_initiate(aarq.user_information)
            initiate = acse.parse_initiate(information)
        except DecipheringError:
            self.device.security.fail(self._now)
            return self._reject(Diagnostic.AUTHENTICATION_FAILURE)
        except acse.AcseError:
            return self._reject(Diagnostic.NO_REASON, error=InitiateError.OTHER)
        except _Replay as replay:
            return replay.response()
        return self._accept(aarq, access, initiate)

    def _refuse(self, aarq: Aarq, access: Access) -> Diagnostic | None:
        """Why this AARQ can't be accepted, before any secret is looked at."""
        if aarq.context != access.context:
            return Diagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
        if aarq.mechanism is None and access.mechanism is not Mechanism.NONE:
            return Diagnostic.AUTHENTICATION_MECHANISM_NAME_REQUIRED
        if (aarq.mechanism or Mechanism.NONE) != access.mechanism:
            return Diagnostic.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNIZED
        if access.mechanism is Mechanism.GMAC:
            if len(aarq.calling_title) != 8:
                return Diagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED
            if not 8 <= len(aarq.authentication_value) <= 64:
                return Diagnostic.AUTHENTICATION_FAILURE
        return None

    def _open_initiate(self, information: bytes) -> bytes:
        """The plain InitiateRequest; deciphers it where the context asks for it."""
        if self.context in _PLAIN:
            return information
        if information[:1] != b"\x21":
            raise acse.AcseError("the InitiateRequest must be ciphered")
        plain = self._open(self._content(information, 1), self.device.security.key(BLOCK_KEY), b"")
        self._aarq_counter = self.device.security.received
        return plain

    def _accept(self, aarq: Aarq, access: Access, initiate: acse.InitiateRequest) -> bytes:
        negotiated = initiate.conformance & access.conformance
        error = None
        if initiate.version < 6:
            error = InitiateError.DLMS_VERSION_TOO_LOW
        elif not negotiated & (acse.GET | acse.READ):
            error = InitiateError.INCOMPATIBLE_CONFORMANCE
        elif 0 < initiate.max_pdu < MIN_CLIENT_PDU:
            error = InitiateError.PDU_SIZE_TOO_SHORT
        if error is not None:
            return self._reject(Diagnostic.NO_REASON, error=error)
        security = self.device.security
        if access.mechanism is Mechanism.LOW:
            if not security.check_password(self._client, aarq.authentication_value):
                security.fail(self._now)
                return self._reject(Diagnostic.AUTHENTICATION_FAILURE)
            security.succeed()
        self.conformance, self._client_pdu = negotiated, initiate.max_pdu
        self._dedicated = initiate.dedicated_key
        self._dispatcher = self._new_dispatcher(self)
        short_names = self.context in _SHORT_NAMES
        return self._accepted(aarq, acse.initiate_response(negotiated, self.device.max_pdu, short_names))

    def _accepted(self, aarq: Aarq, information: bytes) -> bytes:
        ciphered = self.context not in _PLAIN
        if ciphered:
            security = self.device.security
            body = self._protect(information, security.key(BLOCK_KEY), security.key(AUTH_KEY)).encode()
            information = b"\x28" + encode_length(len(body)) + body
        if self.mechanism is Mechanism.GMAC:
            self.state = State.PENDING
            self.device.client_title = self.client_title
            self._challenges = (aarq.authentication_value, os.urandom(CHALLENGE_SIZE))
            return Aare(
                self.context,
                AssociationResult.ACCEPTED,
                Diagnostic.AUTHENTICATION_REQUIRED,
                self.device.system_title,
                self.mechanism,
                self._challenges[1],
                information,
            ).encode()
        self.state = State.ASSOCIATED
        return Aare(
            self.context, AssociationResult.ACCEPTED, Diagnostic.NULL, user_information=information
        ).encode()

    def _reject(
        self,
        diagnostic: Diagnostic,
        result: AssociationResult = AssociationResult.REJECTED_PERMANENT,
        error: InitiateError | None = None,
    ) -> bytes:
        self._close()
        access = self.device.clients.get(self._client)
        clients = self.device.clients
        context = access.context if access else clients[Client.PUBLIC].context
        information = acse.initiate_error(error) if error is not None else b""
        return Aare(context, result, diagnostic, user_information=information).encode()

    # -- ciphering --

    @staticmethod
    def _content(data: bytes, at: int) -> Protected:
        try:
            length, at = decode_length(data, at)
        except AxdrError as error:
            raise DecipheringError("length") from error
        if at + length != len(data):
            raise DecipheringError("length")
        return ciphering.parse(data[at:])

    def _open(self, text: Protected, key: bytes, title: bytes) -> bytes:
        """Deciphers; a counter that does not rise raises `_Replay`, one of a forged text is never taken
        over.
        """
        security = self.device.security
        if title and title != self.client_title:
            raise DecipheringError("foreign system title")
        if text.control & ciphering.PROTECTED != ciphering.PROTECTED:
            raise DecipheringError("policy: authenticated and encrypted")
        if text.counter <= security.received or text.counter == 0xFFFFFFFF:
            raise _Replay(security.received + 1)
        plain = ciphering.unprotect(text, key, security.key(AUTH_KEY), self.client_title)
        security.accept(text.counter)
        self._control = text.control
        return plain

    def _protect(self, plain: bytes, key: bytes, auth_key: bytes) -> Protected:
        security, title = self.device.security, self.device.system_title
        return ciphering.protect(self._control, key, auth_key, title, security.next_sent(), plain)

    def _serve(self, apdu: bytes) -> bytes | None:
        if self.context in _PLAIN:
            return self._carry_out(apdu)
        try:
            plain, key = self._unwrap(apdu)
        except _Replay as replay:
            return replay.response()
        except DecipheringError:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
        if plain is None:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        auth_key = self.device.security.key(AUTH_KEY)
        answer = self._carry_out(plain)
        if answer is None or answer[0] == 0xD8:
            return answer
        # A key that this very request changed is used from the next one on: the answer is under the old keys.
        return self._wrap(apdu[0], answer, key, auth_key)

    def _unwrap(self, apdu: bytes) -> tuple[bytes | None, bytes]:
        """The plain APDU and the key it came under; None for a service that is not ciphered."""
        tag, key, title, at = apdu[0], self.device.security.key(BLOCK_KEY), b"", 1
        if tag in (_GENERAL_GLOBAL, _GENERAL_DEDICATED) and len(apdu) > 1:
            title, at = apdu[2 : 2 + apdu[1]], 2 + apdu[1]
        elif tag not in _GLOBAL and tag not in _DEDICATED:
            return None, key
        if tag in _DEDICATED or tag == _GENERAL_DEDICATED:
            if len(self._dedicated) != 16:
                raise DecipheringError("no dedicated key")
            key = self._dedicated
        plain = self._open(self._content(apdu, at), key, title)
        expected = _GLOBAL.get(tag) or _DEDICATED.get(tag)
        if expected is not None and plain[:1] != bytes([expected]):
            raise DecipheringError("another service inside")
        return plain, key

    def _wrap(self, tag: int, answer: bytes, key: bytes, auth_key: bytes) -> bytes:
        body = self._protect(answer, key, auth_key).encode()
        if tag in (_GENERAL_GLOBAL, _GENERAL_DEDICATED):
            title = self.device.system_title
            return bytes([tag, len(title)]) + title + encode_length(len(body)) + body
        offset = (0x10, 0x40) if tag in _DEDICATED else (0x08, 0x20)
        return bytes([answer[0] + offset[answer[0] < 0x20]]) + encode_length(len(body)) + body

    def _carry_out(self, apdu: bytes) -> bytes | None:
        try:
            return self._dispatcher.handle(apdu)
        except UnknownService:
            return exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        except PduError:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)


class _Replay(Exception):
    """An invocation counter that was used before; carries the lowest acceptable one."""

    def __init__(self, expected: int) -> None:
        super().__init__("invocation counter")
        self.expected = expected

    def response(self) -> bytes:
        return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.INVOCATION_COUNTER_ERROR, self.expected)
