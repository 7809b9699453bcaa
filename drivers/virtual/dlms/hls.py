"""Passes 3 and 4 of high level security: the proofs of client and server (IEC 62056-5-3, 5.3.3.3)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from drivers import elliptic
from drivers.virtual.dlms import ciphering
from drivers.virtual.dlms.acse import Mechanism
from drivers.virtual.dlms.security import AUTH_KEY, BLOCK_KEY, HLS_SECRET, Security

_GMAC_SIZE = 17


@dataclass(frozen=True, slots=True)
class Proof:
    """The proofs of one association, by its mechanism."""

    mechanism: Mechanism
    security: Security
    client_title: bytes
    server_title: bytes

    def is_of_client(self, answer: bytes, to_server: bytes, to_client: bytes, aarq_counter: int) -> bool:
        """Pass 3, of the challenge `to_client`.

        A GMAC must have a counter above the AARQ's: an older one is a replay. It may be that of the APDU
        around it, as some clients have it.
        """
        if self.mechanism is Mechanism.ECDSA:
            pairs = self.security.pairs
            signed = self.client_title + self.server_title + to_client + to_server
            return pairs is not None and elliptic.verify(
                pairs.client_sign, self.security.suite, signed, answer
            )
        if self.mechanism is Mechanism.GMAC:
            counter = int.from_bytes(answer[1:5], "big")
            if len(answer) != _GMAC_SIZE or counter <= aarq_counter:
                return False
            return hmac.compare_digest(self._gmac(self.client_title, counter, to_client), answer)
        titles = self.client_title + self.server_title
        return hmac.compare_digest(self._digest(to_client, titles, to_server), answer)

    def of_server(self, to_server: bytes, to_client: bytes) -> bytes:
        """Pass 4, of the challenge `to_server`."""
        if self.mechanism is Mechanism.ECDSA:
            assert self.security.pairs is not None
            signed = self.server_title + self.client_title + to_server + to_client
            return elliptic.sign(self.security.pairs.sign, self.security.suite, signed)
        if self.mechanism is Mechanism.GMAC:
            return self._gmac(self.server_title, self.security.next_sent(), to_server)
        return self._digest(to_server, self.server_title + self.client_title, to_client)

    def _gmac(self, title: bytes, counter: int, challenge: bytes) -> bytes:
        keys = self.security.key(BLOCK_KEY), self.security.key(AUTH_KEY)
        return ciphering.gmac(*keys, title, counter, challenge, self.security.suite)

    def _digest(self, challenge: bytes, titles: bytes, other: bytes) -> bytes:
        secret = self.security.key(HLS_SECRET)
        if self.mechanism is Mechanism.SHA256:
            return hashlib.sha256(secret + titles + challenge + other).digest()
        digest = hashlib.md5 if self.mechanism is Mechanism.MD5 else hashlib.sha1
        return digest(challenge + secret, usedforsecurity=False).digest()
