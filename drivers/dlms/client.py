"""The xDLMS client of one association: associate, GET, SET, ACTION with block transfer, over any channel."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.dlms import acse, apdu
from drivers.dlms.acse import Accepted, Conformance, Mechanism
from drivers.dlms.apdu import Block, Result, Selection, ServiceException
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.cosem import Item, access_result
from drivers.dlms.data import Cursor, Data, decode, encode, octet_string
from drivers.errors import (
    AssociationRefused,
    CounterRefused,
    Garbage,
    LockedOut,
    MeterRefused,
    WrongKey,
    WrongPassword,
)

_ASSOCIATION = Item(15, bytes([0, 0, 40, 0, 0, 255]), 1)
_BLOCK_LIMIT = 4096
_CIPHER_OVERHEAD = 24
_HASHES = {Mechanism.MD5: "md5", Mechanism.SHA1: "sha1", Mechanism.SHA256: "sha256"}


class Channel(Protocol):
    """Carries one request and its response."""

    exchanges: int
    repeats: int

    def exchange(self, apdu: bytes) -> bytes: ...

    def disconnect(self) -> None: ...


@dataclass(frozen=True, repr=False)
class Credentials:
    """How to authenticate. ``secret`` is the password of low and HLS mechanisms; GMAC uses ``ciphering``."""

    mechanism: Mechanism
    secret: bytes = b""
    ciphering: Ciphering | None = None
    client: int = 16


class StaleCounter(CounterRefused):
    """The meter refused our invocation counter; ``expected`` is the least it takes, if it said so."""

    def __init__(self, expected: int | None) -> None:
        super().__init__(detail=f"the meter expects {expected}")
        self.expected = expected


class DlmsClient:
    """One association. ``lockout_seconds`` is how long this model locks itself after wrong passwords."""

    def __init__(self, channel: Channel, credentials: Credentials, *, lockout_seconds: int = 60) -> None:
        self._channel = channel
        self._credentials = credentials
        self._lockout_seconds = lockout_seconds
        self.accepted = Accepted(0, 0)
        self.associated = False

    # ---- association

    def associate(self) -> Accepted:
        """AARQ, and for high levels pass 3 and 4.

        Raises ``WrongPassword``, ``LockedOut``, ``WrongKey``, ``StaleCounter``, ``AssociationRefused``.
        """
        credentials, ciphering = self._credentials, self._credentials.ciphering
        high = credentials.mechanism >= Mechanism.HIGH
        challenge = os.urandom(16) if high else b""
        initiate = acse.initiate_request()
        response = self._channel.exchange(
            acse.encode_aarq(
                credentials.mechanism,
                challenge if high else credentials.secret,
                ciphering.protect(initiate) if ciphering else initiate,
                ciphered=ciphering is not None,
                title=ciphering.title if ciphering else b"",
            )
        )
        aare = acse.decode_aare(self._refusal_raised(response))
        if ciphering and aare.title:
            ciphering.server_title = aare.title
        if aare.result != 0:
            raise self._rejected(aare)
        self.accepted = self._initiate_response(aare.user_information)
        if high:
            self._prove(challenge, aare.challenge)
        self.associated = True
        return self.accepted

    def _refusal_raised(self, response: bytes) -> bytes:
        if response[:1] == bytes([apdu.EXCEPTION_RESPONSE]):
            error = apdu.parse_exception(Cursor(response[1:]))
            raise self._translated(error)
        if response[:1] == bytes([apdu.CONFIRMED_SERVICE_ERROR]):
            raise AssociationRefused(detail=f"confirmed service error {response[1:4].hex()}")
        return response

    def _translated(self, error: ServiceException) -> Exception:
        if error.error == "invocation-counter-error":
            return StaleCounter(error.counter)
        if error.error == "deciphering-error":
            return WrongKey(detail="the meter cannot decipher our request")
        return error

    def _rejected(self, aare: acse.Aare) -> Exception:
        detail = f"result {aare.result}, {aare.reason}"
        if self._credentials.mechanism is Mechanism.NONE:
            return AssociationRefused(detail=detail)
        if aare.result == 2:
            return LockedOut(seconds=self._lockout_seconds, detail=detail)
        if aare.diagnostic == 13 or (aare.diagnostic <= 1 and not self._credentials.ciphering):
            return WrongKey(detail=detail) if self._credentials.ciphering else WrongPassword(detail=detail)
        if self._credentials.ciphering and aare.diagnostic <= 1:
            return StaleCounter(None)  # the meter does not say why: its counter object will tell
        return AssociationRefused(detail=detail)

    def _initiate_response(self, information: bytes) -> Accepted:
        if not information and self._credentials.ciphering is None:
            return acse.UNTOLD
        if self._credentials.ciphering:
            information = self._credentials.ciphering.open(information)
        return acse.decode_initiate_response(information)

    def _prove(self, ours: bytes, theirs: bytes) -> None:
        """Pass 3 and 4 of high level security, by method reply_to_HLS_authentication."""
        ciphering = self._credentials.ciphering
        if self._credentials.mechanism is Mechanism.GMAC and ciphering:
            proof = ciphering.sign_challenge(theirs)
        else:
            proof = self._digest(theirs, ours, from_client=True)
        wrong = WrongKey if ciphering else WrongPassword
        try:
            answer = self.action(_ASSOCIATION, octet_string(proof))
        except MeterRefused as error:
            raise wrong(detail=f"proof refused: {error.result}") from None
        if answer is None:
            raise WrongKey(detail="the meter gave no proof of its own")
        if self._credentials.mechanism is Mechanism.GMAC and ciphering:
            ciphering.check_challenge(answer.octets, ours)
        elif answer.octets != self._digest(ours, theirs, from_client=False):
            raise WrongKey(detail="the meter's own proof does not fit")

    def _digest(self, challenge: bytes, other: bytes, *, from_client: bool) -> bytes:
        mechanism, secret = self._credentials.mechanism, self._credentials.secret
        if mechanism not in _HASHES:
            raise AssociationRefused(detail=f"mechanism {mechanism.name} has no proof of its own")
        parts = challenge + secret
        if mechanism is Mechanism.SHA256:  # titles take part: Green Book 9.2.7.4
            ciphering = self._credentials.ciphering
            titles = [ciphering.title, ciphering.server_title] if ciphering else []
            parts = secret + b"".join(titles if from_client else titles[::-1]) + challenge + other
        return hashlib.new(_HASHES[mechanism], parts, usedforsecurity=False).digest()

    def release(self) -> None:
        """RLRQ is optional over HDLC, where DISC ends the association too: left out to save a round trip."""
        self.associated = False
        self._channel.disconnect()

    # ---- services

    @property
    def request_limit(self) -> int:
        """Bytes of a plain request APDU that the meter takes."""
        limit = self.accepted.max_pdu or 0xFFFF
        return limit - (_CIPHER_OVERHEAD if self._credentials.ciphering else 0)

    def allows(self, service: Conformance) -> bool:
        return self.accepted.allows(service)

    def get(self, item: Item, selection: Selection | None = None) -> Result:
        """One attribute, blocks joined. ``Result.access`` tells why there is no data."""
        parsed = apdu.parse_get_response(self._ask(apdu.get_request(item, selection)))
        if isinstance(parsed, Block):
            return Result(decode(self._blocks(parsed)))
        if isinstance(parsed, list):
            raise Garbage(detail="a list where one value was asked")
        return parsed

    def get_list(self, items: Sequence[Item]) -> list[Result]:
        """Several attributes in one request. Raises ``Garbage`` if the answers are not as many."""
        parsed = apdu.parse_get_response(self._ask(apdu.get_list_request(items)))
        if isinstance(parsed, Block):
            parsed = apdu.parse_result_list(self._blocks(parsed))
        if isinstance(parsed, Result):
            parsed = [parsed]
        if len(parsed) != len(items):
            raise Garbage(detail=f"{len(parsed)} answers to {len(items)} questions")
        return parsed

    def _blocks(self, block: Block) -> bytes:
        raw = bytearray(block.raw)
        while not block.last:
            following = apdu.parse_get_response(self._ask(apdu.get_next_request(block.number)))
            if isinstance(following, Result):
                raise MeterRefused(result=access_result(following.access))
            if not isinstance(following, Block) or following.number != block.number + 1:
                raise Garbage(detail="blocks out of order")
            if following.number > _BLOCK_LIMIT:
                raise Garbage(detail="the blocks do not end")
            block = following
            raw += block.raw
        return bytes(raw)

    def set(self, item: Item, data: Data) -> None:
        """Write one attribute, in blocks where it is longer than the meter takes. Raises ``MeterRefused``."""
        request = apdu.set_request(item, data)
        if len(request) <= self.request_limit:
            result = apdu.parse_set_response(self._ask(request))
        else:
            result = self._set_blocks(item, encode(data))
        if result != 0:
            raise MeterRefused(result=access_result(result if result is not None else 250), detail=str(item))

    def _set_blocks(self, item: Item, raw: bytes) -> int | None:
        size = max(16, self.request_limit - 32)
        pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
        result: int | None = None
        for number, piece in enumerate(pieces, start=1):
            last = number == len(pieces)
            request = (
                apdu.set_first_block_request(item, piece, last=last)
                if number == 1
                else apdu.set_block_request(number, piece, last=last)
            )
            result = apdu.parse_set_response(self._ask(request))
            if result is not None and not last:
                return result or 250
        return result

    def action(self, method: Item, parameters: Data | None = None) -> Data | None:
        """Call a method. Raises ``MeterRefused``."""
        result, returned = apdu.parse_action_response(self._ask(apdu.action_request(method, parameters)))
        if result != 0:
            raise MeterRefused(result=access_result(result), detail=str(method))
        return returned

    def _ask(self, request: bytes) -> bytes:
        ciphering = self._credentials.ciphering
        if ciphering is None:
            response = self._channel.exchange(request)
        else:
            response = ciphering.open(self._channel.exchange(ciphering.protect(request)))
        if response[:1] == bytes([apdu.EXCEPTION_RESPONSE]):
            error = apdu.parse_exception(Cursor(response[1:]))
            if error.error in ("invocation-counter-error", "deciphering-error"):
                raise self._translated(error)
            raise error
        return response
