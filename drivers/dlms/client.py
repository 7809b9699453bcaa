"""The xDLMS client of one association: associate, GET, SET, ACTION with block transfer, over any channel."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from drivers import elliptic
from drivers.dlms import acse, apdu
from drivers.dlms.access import Accessed, access_request, parse_access_response
from drivers.dlms.acse import Accepted, Conformance, Mechanism
from drivers.dlms.apdu import ActionResult, Result, Selection, ServiceException
from drivers.dlms.ciphering import Ciphering, Replayed
from drivers.dlms.cosem import Item, access_result
from drivers.dlms.data import Cursor, Data, octet_string
from drivers.dlms.general_blocks import Channel, GeneralBlocks
from drivers.dlms.invoke import InvokeIds
from drivers.dlms.logical_names import LogicalNames
from drivers.dlms.offers import Offers
from drivers.dlms.protection import Keys
from drivers.dlms.short_name_services import NameTable, ShortNames
from drivers.errors import (
    AssociationRefused,
    CounterRefused,
    DriverError,
    Garbage,
    LockedOut,
    MeterRefused,
    MissingSecret,
    NoAnswer,
    WrongKey,
    WrongPassword,
)

_ASSOCIATION = Item(15, bytes([0, 0, 40, 0, 0, 255]), 1)
_CHALLENGE, _LONG_CHALLENGE = 16, 32
_NOTIFICATIONS = 16
_UNASKED = (b"\x0f", b"\x18", b"\xc2")
"""data-notification, information-report and event-notification-request: they may come before a response."""
_OTHER_REQUEST = "nothing but answers to other requests"
_HASHES = {Mechanism.MD5: "md5", Mechanism.SHA1: "sha1", Mechanism.SHA256: "sha256"}


@dataclass(frozen=True, repr=False)
class Credentials:
    """How to authenticate. ``secret`` is the password of low and HLS mechanisms; GMAC uses ``ciphering``,
    ECDSA the key pairs of ``keys``, which also hold our system title."""

    mechanism: Mechanism
    secret: bytes = b""
    ciphering: Ciphering | None = None
    client: int = 16
    keys: Keys | None = None

    @property
    def title(self) -> bytes:
        """Our system title, where protection or the mechanism needs one."""
        keys = self.ciphering.keys if self.ciphering else self.keys
        return keys.title if keys else b""


class Services(Protocol):
    """What can be asked, whatever the way of referencing."""

    def get(self, item: Item, selection: Selection | None = None) -> Result: ...

    def get_list(self, items: Sequence[Item]) -> list[Result]: ...

    def set(self, item: Item, data: Data) -> int: ...

    def set_list(self, writes: Sequence[tuple[Item, Data]]) -> list[int]: ...

    def action(self, method: Item, parameters: Data | None = None) -> ActionResult: ...

    def action_list(self, calls: Sequence[tuple[Item, Data]]) -> list[ActionResult]: ...


class Observer(Protocol):
    """Sees every plain request before it is sent and every plain response, for the trace."""

    def asks(self, request: bytes, *, ciphered: bool) -> None: ...

    def answered(self, response: bytes, *, ciphered: bool) -> None: ...

    def done(self) -> None: ...


class StaleCounter(CounterRefused):
    """The meter refused our invocation counter; ``expected`` is the least it takes, if it said so."""

    def __init__(self, expected: int | None) -> None:
        super().__init__(detail=f"the meter expects {expected}")
        self.expected = expected


class ContextRefused(AssociationRefused):
    """The meter does not know the application context: referencing or ciphering is another here."""


class DlmsClient:
    """One association. ``lockout_seconds`` is how long this model locks itself after wrong passwords.

    With ``short_names`` the association uses short name referencing, and the table is filled when needed.
    ``max_pdu``: longest APDU that we take, proposed to the meter. ``offers`` is told before a password, or
    what was made of it, leaves: the AARQ of high level security holds none yet; and of the first request
    under a key, and of the answer that proves it. ``invoke_ids`` go on over the associations of one meter.
    """

    def __init__(
        self,
        channel: Channel,
        credentials: Credentials,
        *,
        lockout_seconds: int = 60,
        short_names: NameTable | None = None,
        general_blocks: bool = False,
        max_pdu: int = 0xFFFF,
        offers: Offers | None = None,
        invoke_ids: InvokeIds | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._channel = channel
        self._observer = observer
        self._blocks = GeneralBlocks(channel)
        self._credentials = credentials
        self._lockout_seconds = lockout_seconds
        self._short_names = short_names is not None
        self._server_title = b""
        self._max_pdu = max_pdu
        self._offers = offers or Offers()
        self._invoke_ids = invoke_ids or InvokeIds()
        self._proposed = acse.PROPOSED_LN if short_names is None else acse.PROPOSED_SN
        if credentials.ciphering and credentials.ciphering.general:
            self._proposed |= acse.GENERAL_PROTECTION
        if short_names is None and (credentials.ciphering is None or credentials.ciphering.general):
            self._proposed |= acse.ACCESS  # ciphered, it needs general protection
        if general_blocks:
            self._proposed |= acse.GENERAL_BLOCK_TRANSFER
        self.notifications: deque[bytes] = deque(maxlen=_NOTIFICATIONS)
        """Plain APDUs that the meter sent without being asked: event and data notifications, reports."""
        self._services: Services = (
            LogicalNames(self) if short_names is None else ShortNames(self, short_names)
        )
        self.accepted = Accepted(0, 0)
        self.associated = False

    # ---- association

    def associate(self) -> Accepted:
        """AARQ, and for high levels pass 3 and 4.

        Raises ``WrongPassword``, ``LockedOut``, ``WrongKey``, ``StaleCounter``, ``AssociationRefused``.
        """
        credentials, ciphering = self._credentials, self._credentials.ciphering
        high = credentials.mechanism >= Mechanism.HIGH
        if ciphering:
            ciphering.established = False
        size = _LONG_CHALLENGE if credentials.mechanism is Mechanism.ECDSA else _CHALLENGE
        challenge = os.urandom(size) if high else b""
        initiate = acse.initiate_request(
            self._proposed, self._max_pdu, ciphering.dedicated_key if ciphering else b""
        )
        if credentials.mechanism is Mechanism.LOW:
            self._offers.secret_leaves()
        if ciphering:
            self._offers.key_leaves()
        response = self._channel.exchange(
            acse.encode_aarq(
                credentials.mechanism,
                challenge if high else credentials.secret,
                ciphering.protect(initiate) if ciphering else initiate,
                ciphered=ciphering is not None,
                short_names=self._short_names,
                title=credentials.title,
            )
        )
        aare = acse.decode_aare(self._refusal_raised(response))
        if aare.title:
            self._server_title = aare.title
            if ciphering:
                ciphering.server_title = aare.title
        if aare.result != 0:
            raise self._rejected(aare)
        self.accepted = self._initiate_response(aare.user_information)
        self._blocks.enabled = self.accepted.allows(Conformance.GENERAL_BLOCK_TRANSFER)
        self._blocks.limit = self.accepted.max_pdu
        if high:
            self._prove(challenge, aare.challenge)
        if ciphering:
            ciphering.established = True
        self.associated = True
        return self.accepted

    def _refusal_raised(self, response: bytes) -> bytes:
        if response[:1] == bytes([apdu.EXCEPTION_RESPONSE]):
            error = apdu.parse_exception(Cursor(response[1:]))
            raise self._translated(error)
        if response[:1] == bytes([apdu.CONFIRMED_SERVICE_ERROR]):
            raise AssociationRefused(detail=acse.service_error(response))
        return response

    def _translated(self, error: ServiceException) -> Exception:
        if error.error == "invocation-counter-error":
            return StaleCounter(error.counter)
        if error.error == "deciphering-error":
            return WrongKey(detail="the meter cannot decipher our request")
        return error

    def _rejected(self, aare: acse.Aare) -> Exception:
        detail = f"result {aare.result}, {aare.reason}"
        if aare.user_information[:1] == bytes([apdu.CONFIRMED_SERVICE_ERROR]):
            detail += f", {acse.service_error(aare.user_information)}"
        if self._credentials.mechanism is Mechanism.NONE:
            return self._refused(aare, detail)
        if aare.result == 2:
            return LockedOut(seconds=self._lockout_seconds, detail=detail)
        if aare.diagnostic == 13 or (aare.diagnostic <= 1 and not self._credentials.ciphering):
            keyed = self._credentials.ciphering or self._credentials.mechanism is Mechanism.ECDSA
            return WrongKey(detail=detail) if keyed else WrongPassword(detail=detail)
        if self._credentials.ciphering and aare.diagnostic <= 1:
            return StaleCounter(None)  # the meter does not say why: its counter object will tell
        return self._refused(aare, detail)

    @staticmethod
    def _refused(aare: acse.Aare, detail: str) -> AssociationRefused:
        context = aare.diagnostic == acse.CONTEXT_NOT_SUPPORTED and not aare.provider
        return ContextRefused(detail=detail) if context else AssociationRefused(detail=detail)

    def _initiate_response(self, information: bytes) -> Accepted:
        if not information and self._credentials.ciphering is None:
            return acse.untold(self._proposed)
        if information[:1] == bytes([apdu.CONFIRMED_SERVICE_ERROR]):  # accepted, and refused all the same
            raise AssociationRefused(detail=acse.service_error(information))
        if self._credentials.ciphering:
            information = self._credentials.ciphering.open(information)
            self._offers.key_proven()
        return acse.decode_initiate_response(information)

    def _prove(self, ours: bytes, theirs: bytes) -> None:
        """Pass 3 and 4 of high level security, by method reply_to_HLS_authentication."""
        ciphering, mechanism = self._credentials.ciphering, self._credentials.mechanism
        keyed = mechanism in (Mechanism.GMAC, Mechanism.ECDSA)
        wrong = WrongKey if keyed or ciphering else WrongPassword
        if mechanism is Mechanism.GMAC and ciphering:
            proof = ciphering.sign_challenge(theirs)
        else:
            proof = self._proof(theirs, ours)
        # the key of GMAC is proven by the AARE, and so is which meter it is, where that was ciphered
        again = ciphering is not None and ciphering.server_title == self._offers.known
        if (self._credentials.secret or mechanism is Mechanism.ECDSA) and not again:
            self._offers.secret_leaves()
        try:
            answer = self.action(_ASSOCIATION, octet_string(proof))
        except MeterRefused as error:
            raise wrong(detail=f"proof refused: {error.result}") from None
        if answer is None:
            raise WrongKey(detail="the meter gave no proof of its own")
        if mechanism is Mechanism.GMAC and ciphering:
            ciphering.check_challenge(answer.octets, ours)
        elif not self._is_proof_of_meter(answer.octets, ours, theirs):
            raise WrongKey(detail="the meter's own proof does not fit")

    def _proof(self, theirs: bytes, ours: bytes) -> bytes:
        """What we send in pass 3: of the server's challenge (Green Book 9.2.7.4)."""
        titles = self._credentials.title + self._server_title
        if self._credentials.mechanism is not Mechanism.ECDSA:
            return self._digest(theirs, titles, ours)
        keys = self._keys()
        if keys.sign_key is None:
            raise MissingSecret("The signing key is not on this tablet.")
        return elliptic.sign(keys.sign_key, keys.suite, titles + theirs + ours)

    def _is_proof_of_meter(self, answer: bytes, ours: bytes, theirs: bytes) -> bool:
        titles = self._server_title + self._credentials.title
        if self._credentials.mechanism is not Mechanism.ECDSA:
            return hmac.compare_digest(answer, self._digest(ours, titles, theirs))
        keys = self._keys()
        if keys.meter_sign_key is None:
            raise MissingSecret("The signing key of the meter is not on this tablet.")
        return elliptic.verify(keys.meter_sign_key, keys.suite, titles + ours + theirs, answer)

    def _keys(self) -> Keys:
        credentials = self._credentials
        keys = credentials.ciphering.keys if credentials.ciphering else credentials.keys
        if keys is None:
            raise MissingSecret(detail=f"mechanism {credentials.mechanism.name} needs key pairs")
        return keys

    def _digest(self, challenge: bytes, titles: bytes, other: bytes) -> bytes:
        mechanism, secret = self._credentials.mechanism, self._credentials.secret
        if mechanism not in _HASHES:
            raise AssociationRefused(detail=f"mechanism {mechanism.name} has no proof of its own")
        parts = challenge + secret
        if mechanism is Mechanism.SHA256:  # titles take part: Green Book 9.2.7.4
            parts = secret + titles + challenge + other
        return hashlib.new(_HASHES[mechanism], parts, usedforsecurity=False).digest()

    def release(self) -> None:
        """End the association. Over HDLC the DISC ends it and RLRQ would cost a round trip; where the channel
        does not end it, RLRQ does, with the initiate request under protection."""
        if self.associated and not self._channel.ends_association:
            ciphering = self._credentials.ciphering
            information = ciphering.protect(acse.initiate_request(self._proposed)) if ciphering else b""
            with suppress(DriverError):  # whatever it answers: we are leaving
                self._channel.exchange(acse.encode_rlrq(information))
        self.associated = False
        self._channel.disconnect()

    # ---- services

    @property
    def request_limit(self) -> int:
        """Bytes of a plain request APDU that the meter takes."""
        limit = 0xFFFF if self._blocks.enabled else self.accepted.max_pdu or 0xFFFF
        ciphering = self._credentials.ciphering
        return limit - (ciphering.overhead if ciphering else 0)

    def allows(self, service: Conformance) -> bool:
        return self.accepted.allows(service)

    def get(self, item: Item, selection: Selection | None = None) -> Result:
        """One attribute, blocks joined. ``Result.access`` tells why there is no data."""
        return self._services.get(item, selection)

    def get_list(self, items: Sequence[Item]) -> list[Result]:
        """Several attributes in one request. Raises ``Garbage`` if the answers are not as many."""
        return self._services.get_list(items)

    def set(self, item: Item, data: Data) -> None:
        """Write one attribute, in blocks where it is longer than the meter takes. Raises ``MeterRefused``."""
        result = self._services.set(item, data)
        if result != 0:
            raise MeterRefused(result=access_result(result), detail=str(item))

    def set_list(self, writes: Sequence[tuple[Item, Data]]) -> list[int]:
        """Write several attributes in one request; the data access result (0 success) of each."""
        return self._services.set_list(writes)

    def access(self, writes: Sequence[tuple[Item, Data]], reads: Sequence[Item]) -> Accessed:
        """Write and then read, in one request; where ``Conformance.ACCESS`` was agreed. Raises
        ``ServiceException`` for a refusal of the whole, ``Garbage``."""
        answer = self.ask(access_request(writes, reads))
        return parse_access_response(answer, len(writes), len(reads))

    def action(self, method: Item, parameters: Data | None = None) -> Data | None:
        """Call a method. Raises ``MeterRefused``."""
        called = self._services.action(method, parameters)
        if called.result != 0:
            raise MeterRefused(result=access_result(called.result), detail=str(method))
        return called.data

    def action_list(self, calls: Sequence[tuple[Item, Data]]) -> list[ActionResult]:
        """Call several methods in one request; result and return value of each."""
        return self._services.action_list(calls)

    def ask(self, request: bytes) -> bytes:
        """Send a plain request, give the plain response; for the services of this association."""
        request = self._invoke_ids.stamp(request)
        observer = self._observer
        if observer is None:
            return self._asked(request)
        ciphered = self._credentials.ciphering is not None
        within_association = self.associated  # before, the whole handshake is withheld where it must be
        if ciphered or within_association:
            observer.asks(request, ciphered=ciphered)
        try:
            response = self._asked(request)
        finally:
            if within_association:
                observer.done()
        if ciphered or within_association:
            observer.answered(response, ciphered=ciphered)
        return response

    def _asked(self, request: bytes) -> bytes:
        ciphering = self._credentials.ciphering
        response = self._answer(self._blocks.exchange(ciphering.protect(request) if ciphering else request))
        if response[:1] == bytes([apdu.EXCEPTION_RESPONSE]):
            error = apdu.parse_exception(Cursor(response[1:]))
            if error.error in ("invocation-counter-error", "deciphering-error"):
                raise self._translated(error)
            raise error
        return response

    def _answer(self, received: bytes) -> bytes:
        """The plain response to our request: what was not asked for is kept, what is old is let go, and the
        meter is listened to. Raises ``Garbage`` where nothing else comes."""
        old = ""
        for _ in range(_NOTIFICATIONS):
            try:
                response = self._opened(received)
                if response[:1] in _UNASKED:
                    self.notifications.append(response)
                elif self._invoke_ids.is_stale(response):
                    old = _OTHER_REQUEST
                else:
                    return response
            except Replayed as error:
                old = error.detail
            try:
                received = self._channel.listen()
            except NoAnswer:
                if not old:
                    raise
                break
        if old == _OTHER_REQUEST:
            self._invoke_ids.distrust()
        raise Garbage(detail=old or "notifications without end")

    def _opened(self, response: bytes) -> bytes:
        ciphering = self._credentials.ciphering
        if ciphering is None:
            return response
        try:
            return ciphering.open(response)
        except WrongKey as error:
            if not self.associated:
                raise
            raise Garbage(detail=error.detail) from None  # both sides proved their keys: it was the line
