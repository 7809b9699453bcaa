"""Somebody else's client with every mechanism and suite that it has, against the virtual meter.

What gurux-dlms 1.0.203 has wrong: ECDSA signs with P-256 only (its P-384 branch asks for P-256 again), and it
decodes general-ciphering into setters that do not exist. Those are tried with our own client alone.
"""

from __future__ import annotations

import pytest
from gurux_dlms.ecdsa import GXPrivateKey, GXPublicKey
from gurux_dlms.enums import Authentication, Security
from gurux_dlms.objects import GXDLMSData, GXDLMSProfileGeneric
from gurux_dlms.objects.enums import SecuritySuite

from drivers.virtual import secrets
from drivers.virtual.meter import Meter
from tests.drivers.virtual.peer import CLIENT_TITLE, GuruxPeer, make_meter


def ciphered(peer: GuruxPeer, meter: Meter, suite: int = 0) -> GuruxPeer:
    keys = secrets.derive(meter.device.serial, suite)
    cipher = peer.codec.ciphering
    cipher.security = Security.AUTHENTICATION_ENCRYPTION
    cipher.securitySuite = SecuritySuite(suite)
    cipher.systemTitle = CLIENT_TITLE
    cipher.blockCipherKey = bytes.fromhex(keys["block_key"])
    cipher.authenticationKey = bytes.fromhex(keys["auth_key"])
    cipher.invocationCounter = 10
    return peer


def reads(peer: GuruxPeer, meter: Meter) -> None:
    peer.connect()
    assert bytes(peer.read(GXDLMSData("0.0.96.1.0.255"))).decode() == meter.device.serial
    assert len(peer.read(GXDLMSProfileGeneric("1.0.99.1.0.255"), 3)) == 4


@pytest.mark.parametrize(
    ("auth", "client"),
    [
        (Authentication.HIGH_MD5, 33),
        (Authentication.HIGH_SHA1, 34),
        (Authentication.HIGH_SHA256, 36),
    ],
)
def test_digests(auth: int, client: int) -> None:
    meter = make_meter()
    peer = GuruxPeer(meter, client, auth, password=secrets.derive(meter.device.serial)["hls_secret"])
    peer.codec.ciphering.systemTitle = CLIENT_TITLE
    reads(peer, meter)


def test_low_level_security_with_ciphering() -> None:
    meter = make_meter()
    peer = GuruxPeer(meter, 35, Authentication.LOW, password=secrets.derive(meter.device.serial)["password"])
    reads(ciphered(peer, meter), meter)


@pytest.mark.parametrize("suite", [1, 2])
def test_gmac_in_suites_1_and_2(suite: int) -> None:
    meter = make_meter(suite=suite)
    peer = GuruxPeer(meter, 1)
    peer.codec.authentication = Authentication.HIGH_GMAC
    reads(ciphered(peer, meter, suite), meter)


def test_ecdsa_in_suite_1() -> None:
    meter = make_meter(suite=1)
    peer = ciphered(GuruxPeer(meter, 37, Authentication.HIGH_ECDSA), meter, 1)
    keys = secrets.derive(meter.device.serial, 1)
    theirs = GXPublicKey.fromRawBytes(b"\x04" + bytes.fromhex(keys["meter_sign_key"]))
    ours = GXPrivateKey.fromRawBytes(bytes.fromhex(keys["sign_key"]))
    peer.codec.ciphering.signingKeyPair = (theirs, ours)
    reads(peer, meter)
