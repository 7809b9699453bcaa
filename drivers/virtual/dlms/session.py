"""One application association of the xDLMS server: APDU in, APDU out (IEC 62056-5-3).

States: none, pending (HLS, waiting for pass 3), associated. Ciphering is undone here and done again on the
answer; what the services themselves do stands in `dispatch`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from drivers.virtual.cosem.base import Client, CosemObject
from drivers.virtual.dlms import acse, hls, protection
from drivers.virtual.dlms.acse import (
    Aare,
    Aarq,
    AssociationResult,
    Diagnostic,
    InitiateError,
    Mechanism,
    ProviderDiagnostic,
)
from drivers.virtual.dlms.ciphering import DecipheringError
from drivers.virtual.dlms.protection import Layer, Protector, ReplayError
from drivers.virtual.dlms.security import AUTHENTICATE, SIGN, Security
from drivers.virtual.dlms.services import (
    ACTION_REQUEST,
    CONFIRMED,
    GET_REQUEST,
    SET_REQUEST,
    PduError,
    ServiceError,
    StateError,
    UnknownService,
    exception,
)
from drivers.virtual.dlms.short_names import UNCONFIRMED_WRITE, Member

CHALLENGE_SIZE, LONG_CHALLENGE = 16, 32
MIN_CLIENT_PDU = 12
OVERHEAD_ALLOWED = 600
"""Octets that a request may be longer than the meter's PDU because of its protection."""
_ACCESS_REQUEST = 0xD9  # `access_service` stands on this module
_PLAIN = (acse.CONTEXT_LN, acse.CONTEXT_SN)
_SHORT_NAMES = (acse.CONTEXT_SN, acse.CONTEXT_SN_CIPHERED)
_GENERAL = (
    protection.GENERAL_GLO,
    protection.GENERAL_DED,
    protection.GENERAL_CIPHERING,
    protection.GENERAL_SIGNING,
)


class State(Enum):
    NONE = "none"
    PENDING = "pending"
    ASSOCIATED = "associated"


@dataclass(frozen=True, slots=True)
class Access:
    """How a client must come in: mechanism, application context and the conformance it may negotiate; `role`
    says whose rights it has.
    """

    mechanism: Mechanism
    context: int
    conformance: int
    role: Client = Client.PUBLIC
    name: str = ""


_READ_ONLY = (
    acse.GET
    | acse.BLOCK_GET
    | acse.SELECTIVE_ACCESS
    | acse.MULTIPLE_REFERENCES
    | acse.PRIORITY
    | acse.GENERAL_BLOCK_TRANSFER
)
_ALL = _READ_ONLY | acse.SET | acse.ACTION | acse.BLOCK_SET | acse.BLOCK_ACTION | acse.ACCESS
_CIPHERED = _ALL | acse.GENERAL_PROTECTION
_LN, _LN_CIPHERED = acse.CONTEXT_LN, acse.CONTEXT_LN_CIPHERED
CLIENTS: dict[int, Access] = {
    Client.PUBLIC: Access(Mechanism.NONE, _LN, _READ_ONLY, Client.PUBLIC, "public"),
    Client.MANAGEMENT: Access(Mechanism.GMAC, _LN_CIPHERED, _CIPHERED, Client.MANAGEMENT, "management"),
    Client.READER: Access(Mechanism.LOW, _LN, _ALL, Client.READER, "reader"),
    33: Access(Mechanism.MD5, _LN, _ALL, Client.READER, "reader-md5"),
    34: Access(Mechanism.SHA1, _LN, _ALL, Client.READER, "reader-sha1"),
    35: Access(Mechanism.LOW, _LN_CIPHERED, _CIPHERED, Client.READER, "reader-ciphered"),
    36: Access(Mechanism.SHA256, _LN, _ALL, Client.READER, "reader-sha256"),
}
KEY_PAIR_CLIENTS: dict[int, Access] = {
    37: Access(Mechanism.ECDSA, _LN_CIPHERED, _CIPHERED, Client.MANAGEMENT, "management-ecdsa"),
    38: Access(Mechanism.ECDSA, _LN, _ALL, Client.READER, "reader-ecdsa"),
}
"""In meters of suites 1 and 2."""
_ALL_SN = (
    acse.READ
    | acse.WRITE
    | acse.UNCONFIRMED_WRITE
    | acse.PARAMETERIZED_ACCESS
    | acse.MULTIPLE_REFERENCES
    | acse.BLOCK_GET
    | acse.BLOCK_SET
)
_SN, _SN_CIPHERED = acse.CONTEXT_SN, acse.CONTEXT_SN_CIPHERED
SHORT_NAME_CLIENTS: dict[int, Access] = {
    Client.PUBLIC: Access(Mechanism.NONE, _SN, _ALL_SN, Client.PUBLIC, "public"),
    Client.MANAGEMENT: Access(
        Mechanism.GMAC, _SN_CIPHERED, _ALL_SN | acse.GENERAL_PROTECTION, Client.MANAGEMENT, "management"
    ),
    Client.READER: Access(Mechanism.LOW, _SN, _ALL_SN, Client.READER, "reader"),
    33: Access(Mechanism.MD5, _SN, _ALL_SN, Client.READER, "reader-md5"),
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
        self.device, self._address = device, client
        self.state = State.NONE
        self.conformance = 0
        self.access = device.clients.get(client)
        self.context = acse.CONTEXT_LN
        self.protector = Protector(device.security, device.system_title, client)
        self.general_blocks = False
        """Whether the answer to this request may go in general blocks."""
        self._client_pdu = 0
        self._challenges = (b"", b"")  # client to server, server to client
        self._aarq_counter = 0
        self._layers: tuple[Layer, ...] = ()
        self._now = 0.0
        self._unconfirmed = False
        self._new_dispatcher = dispatcher
        self._dispatcher = dispatcher(self)

    @property
    def client(self) -> int:
        """The role of this client: whose rights it has."""
        return self.access.role if self.access else self._address

    @property
    def mechanism(self) -> Mechanism:
        return self.access.mechanism if self.access else Mechanism.NONE

    @property
    def largest(self) -> int:
        """Longest plain APDU that may be sent to this client, in octets. Where the answer goes in general
        blocks, these are cut outside of protection, and this is what a transfer may hold.
        """
        if self.general_blocks and self.state is State.ASSOCIATED:
            return 0xFFFF
        return (self._client_pdu or 0xFFFF) - self.protector.overhead(self._layers)

    @property
    def client_pdu(self) -> int:
        """Longest APDU, protection included, that this client takes."""
        return self._client_pdu or 0xFFFF

    def handle(self, apdu: bytes, now: float) -> bytes | None:
        """One APDU of the client; the answer, or None where there is none (unconfirmed service)."""
        self._now = now
        if not apdu:
            return None
        if apdu[0] == 0x60:
            return self._associate(apdu)
        if apdu[0] == 0x62:
            return self._release(apdu)
        if self.state is State.NONE:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        blocks = self.conformance & acse.GENERAL_BLOCK_TRANSFER
        if len(apdu) > self.device.max_pdu + OVERHEAD_ALLOWED and not blocks:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        return self._serve(apdu)

    def reply_to_hls(self, answer: bytes) -> bytes | None:
        """Pass 3: checks the client's proof and gives the server's (pass 4); None where it is wrong."""
        if self.state is not State.PENDING:
            self._close()
            return None
        proof = hls.Proof(
            self.mechanism, self.device.security, self.protector.client_title, self.device.system_title
        )
        to_server, to_client = self._challenges
        if not proof.is_of_client(answer, to_server, to_client, self._aarq_counter):
            self.device.security.fail(self._now)
            self._close()
            return None
        if self.mechanism is Mechanism.GMAC:
            self.device.security.accept(int.from_bytes(answer[1:5], "big"), self._address)
        self.device.security.succeed()
        self.state = State.ASSOCIATED
        return proof.of_server(to_server, to_client)

    def _close(self) -> None:
        self.state, self.conformance, self._layers, self._unconfirmed = State.NONE, 0, (), False
        self._dispatcher = self._new_dispatcher(self)

    # -- association --

    def _release(self, apdu: bytes) -> bytes:
        """RLRQ: what it carries must be protected where the context is, and so is what the RLRE carries."""
        information, answer = acse.release_information(apdu), b""
        if information and self.state is not State.NONE:
            try:
                opened = self.protector.open(information)
            except (DecipheringError, ReplayError):
                return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
            plain = acse.initiate_response(
                self.conformance, self.device.max_pdu, self.context in _SHORT_NAMES
            )
            answer = self.protector.close(plain, opened.layers)
        self._close()
        return acse.release_response(answer)

    def _associate(self, apdu: bytes) -> bytes | None:
        self._close()
        try:
            aarq = acse.parse_aarq(apdu)
        except acse.AcseError:
            return self._reject(Diagnostic.NO_REASON)
        access = self.access
        if access is None:
            return self._reject(Diagnostic.NO_REASON)
        if not aarq.version_1:
            return self._reject(ProviderDiagnostic.NO_COMMON_ACSE_VERSION)
        refused = self._refuse(aarq, access)
        if refused is not None:
            return self._reject(refused)
        if access.mechanism is not Mechanism.NONE and self.device.security.locked(self._now):
            return self._reject(Diagnostic.NO_REASON, AssociationResult.REJECTED_TRANSIENT)
        self.context = access.context
        self.protector.begin(aarq.calling_title)
        try:
            initiate = acse.parse_initiate(self._open_initiate(aarq.user_information))
        except DecipheringError:
            self.device.security.fail(self._now)
            return self._reject(Diagnostic.AUTHENTICATION_FAILURE)
        except acse.AcseError:
            return self._reject(Diagnostic.NO_REASON, error=InitiateError.OTHER)
        except ReplayError as replay:
            return _counter_error(replay)
        answer = self._accept(aarq, access, initiate)
        if initiate.response_allowed:
            return answer
        # An unconfirmed association is open without an AARE, or it is not; passes 3 and 4 need one.
        self._unconfirmed = self.state is State.ASSOCIATED
        if not self._unconfirmed:
            self._close()
        return None

    def _refuse(self, aarq: Aarq, access: Access) -> Diagnostic | None:
        """Why this AARQ can't be accepted, before any secret is looked at."""
        if aarq.context != access.context:
            return Diagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
        if aarq.mechanism is None and access.mechanism is not Mechanism.NONE:
            return Diagnostic.AUTHENTICATION_MECHANISM_NAME_REQUIRED
        if (aarq.mechanism or Mechanism.NONE) != access.mechanism:
            return Diagnostic.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNIZED
        titled = access.context not in _PLAIN or access.mechanism in (Mechanism.SHA256, Mechanism.ECDSA)
        if titled and len(aarq.calling_title) != 8:
            return Diagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED
        # ECDSA wants 32 at least; some clients have one length for every mechanism
        if access.mechanism > Mechanism.LOW and not 8 <= len(aarq.authentication_value) <= 64:
            return Diagnostic.AUTHENTICATION_FAILURE
        return None

    def _open_initiate(self, information: bytes) -> bytes:
        """The plain InitiateRequest; deciphers it where the context asks for it."""
        if self.context in _PLAIN:
            return information
        opened = self.protector.open(information)
        if not opened.layers:
            raise acse.AcseError("the InitiateRequest must be ciphered")
        required = self.device.security.required & ~SIGN | AUTHENTICATE
        if opened.gives & required != required:
            raise DecipheringError("policy")
        self._layers = opened.layers
        self._aarq_counter = self.device.security.received_from(self._address)
        return opened.plain

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
            if not security.check_password(self.client, aarq.authentication_value):
                security.fail(self._now)
                return self._reject(Diagnostic.AUTHENTICATION_FAILURE)
            security.succeed()
        self.conformance, self._client_pdu = negotiated, initiate.max_pdu
        self.protector.dedicated_key = initiate.dedicated_key
        self._dispatcher = self._new_dispatcher(self)
        short_names = self.context in _SHORT_NAMES
        return self._accepted(aarq, acse.initiate_response(negotiated, self.device.max_pdu, short_names))

    def _accepted(self, aarq: Aarq, information: bytes) -> bytes:
        information = self.protector.close(information, self._layers)
        title = b""
        if self.context not in _PLAIN or self.mechanism in (Mechanism.SHA256, Mechanism.ECDSA):
            title = self.device.system_title
            self.device.client_title = self.protector.client_title
        if self.mechanism > Mechanism.LOW:
            self.state = State.PENDING
            size = LONG_CHALLENGE if self.mechanism is Mechanism.ECDSA else CHALLENGE_SIZE
            self._challenges = (aarq.authentication_value, os.urandom(size))
            return Aare(
                self.context,
                AssociationResult.ACCEPTED,
                Diagnostic.AUTHENTICATION_REQUIRED,
                title,
                self.mechanism,
                self._challenges[1],
                information,
            ).encode()
        self.state = State.ASSOCIATED
        return Aare(
            self.context, AssociationResult.ACCEPTED, Diagnostic.NULL, title, user_information=information
        ).encode()

    def _reject(
        self,
        diagnostic: Diagnostic | ProviderDiagnostic,
        result: AssociationResult = AssociationResult.REJECTED_PERMANENT,
        error: InitiateError | None = None,
    ) -> bytes:
        self._close()
        context = (self.access or self.device.clients[Client.PUBLIC]).context
        information = acse.initiate_error(error) if error is not None else b""
        return Aare(context, result, diagnostic, user_information=information).encode()

    # -- ciphering --

    def _serve(self, apdu: bytes) -> bytes | None:
        if self.context in _PLAIN:
            return self._carry_out(apdu)
        if apdu[0] in _GENERAL and not self.conformance & acse.GENERAL_PROTECTION:
            return exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        try:
            opened = self.protector.open(apdu)
        except ReplayError as replay:
            return _counter_error(replay)
        except DecipheringError:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
        if not opened.layers:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        required = self.device.security.required
        if opened.gives & required != required:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
        self._layers = opened.layers
        answer = self._carry_out(opened.plain)
        if answer is None or answer[0] == 0xD8:
            return answer
        # A key that this very request changed is used from the next one on: the answer is under the old keys.
        return self.protector.close(answer, opened.layers)

    def _carry_out(self, apdu: bytes) -> bytes | None:
        if self._unconfirmed and _is_confirmed(apdu):
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        try:
            return self._dispatcher.handle(apdu)
        except UnknownService:
            return exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        except PduError:
            return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)


def _is_confirmed(apdu: bytes) -> bool:
    """Whether a service wants an answer: bit 6 of the invoke id (logical names), every service but
    UnconfirmedWrite (short names)."""
    if apdu[0] in (GET_REQUEST, SET_REQUEST, ACTION_REQUEST):
        return bool(apdu[2:3] and apdu[2] & CONFIRMED)
    if apdu[0] == _ACCESS_REQUEST:
        return bool(apdu[1:2] and apdu[1] & CONFIRMED)
    return apdu[0] != UNCONFIRMED_WRITE


def _counter_error(replay: ReplayError) -> bytes:
    return exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.INVOCATION_COUNTER_ERROR, replay.expected)
