"""Who gets in and who does not: gurux as the client, forged and replayed APDUs by hand."""

from __future__ import annotations

import pytest
from gurux_dlms import GXDLMSException, GXDLMSExceptionResponse
from gurux_dlms.enums import Authentication, Conformance, Security
from gurux_dlms.objects import GXDLMSData

from drivers.virtual import secrets
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.hdlc import Control, Kind
from tests.drivers.virtual.peer import CLIENT_TITLE, Clock, GuruxPeer, make_meter, management, public, reader
from tests.drivers.virtual.primary import AARQ_PUBLIC, Manager, Primary

GET_SERIAL = bytes.fromhex("C001C100010000600100FF0200")
WRONG_KEYS = {"block_key": "00" * 16, "auth_key": "11" * 16, "master_key": "22" * 16}


@pytest.mark.parametrize("model", ["prime-1ph", "idis-3ph-ct", "plc-prepay-1ph"])
@pytest.mark.parametrize("client", [public, reader, management])
def test_every_client_of_every_model_reads_the_serial(model: str, client: type[GuruxPeer]) -> None:
    peer = client(make_meter(model)).connect()
    assert bytes(peer.read(GXDLMSData("0.0.96.1.0.255"))).decode() == peer.meter.device.serial


@pytest.mark.parametrize("client", [public, reader, management])
def test_the_wrapper_profile_works_too(client: type[GuruxPeer]) -> None:
    peer = client(make_meter(), wrapper=True).connect()
    assert bytes(peer.read(GXDLMSData("0.0.42.0.0.255"))) == b"ZIV0000040123456"


@pytest.mark.parametrize("security", [Security.AUTHENTICATION, Security.ENCRYPTION])
def test_less_security_than_the_policy_is_refused(security: int) -> None:
    peer = management(make_meter())
    peer.codec.ciphering.security = security
    with pytest.raises(GXDLMSException):
        peer.connect()


def test_hdlc_and_wrapper_clients_follow_each_other_on_one_port() -> None:
    meter = make_meter()
    for wrapper in (False, True, False, True):
        peer = reader(meter, wrapper=wrapper).connect()
        assert bytes(peer.read(GXDLMSData("0.0.96.1.0.255"))) == b"ZIV0040123456"
        meter.unplug()


def test_a_dedicated_key_is_used_for_the_rest() -> None:
    manager = Manager(make_meter())
    dedicated = bytes(range(16))
    manager.open(dedicated=dedicated)
    answer = manager.request(GET_SERIAL, 0xD0, dedicated)
    assert answer[:4] == b"\xc4\x01\xc1\x00"
    assert manager.request(GET_SERIAL)[:4] == b"\xc4\x01\xc1\x00"  # the global key goes on working


def test_negotiated_conformance_is_what_both_have() -> None:
    peer = public(make_meter()).connect()
    negotiated = int(peer.codec.negotiatedConformance)
    assert negotiated & int(Conformance.GET)
    assert not negotiated & int(Conformance.SET)
    assert not negotiated & int(Conformance.GENERAL_BLOCK_TRANSFER)
    assert peer.codec.maxReceivePDUSize == 1024


def test_the_association_object_tells_what_was_negotiated() -> None:
    meter = make_meter()
    peer = Manager(meter).open(conformance=b"\x00\x12\x1d")
    answer = peer.request(bytes.fromhex("C001C1000F0000280000FF0500"))
    assert axdr.decode_whole(answer[4:]).items[0] == axdr.bits(f"{0x00121D:024b}")
    title = peer.request(bytes.fromhex("C001C1004000002B0000FF0400"))
    assert axdr.decode_whole(title[4:]) == axdr.octets(CLIENT_TITLE)


def test_general_ciphering_with_the_global_key() -> None:
    """general-glo-ciphering carries the title of the sender; a foreign one is refused."""
    peer = Manager(make_meter()).open()
    for title, good in ((CLIENT_TITLE, True), (b"FOREIGN!", False)):
        body = peer.protect(GET_SERIAL)
        answer = peer.apdu(b"\xdb\x08" + title + bytes([len(body)]) + body)
        if good:
            assert answer[:10] == b"\xdb\x08" + peer.meter.device.system_title
            assert peer.decipher(b"\xcc" + answer[10:])[0] == 0xC4
        else:
            assert answer == bytes([0xD8, 1, 5])


def test_wrong_password_is_refused_and_the_third_one_locks() -> None:
    """Three wrong passwords lock the meter: the right one is refused too, as transient, for a time."""
    now = 0.0
    meter = make_meter(lockout=60.0)
    right = secrets.derive(meter.device.serial)["password"]

    def attempt(password: str) -> str:
        try:
            reader(meter, password=password, now=lambda: now).connect()
        except GXDLMSException as error:
            return str(error)
        return "in"

    assert attempt(right) == "in"
    wrong = [attempt("00000000").lower() for _ in range(3)]
    assert all("permanent" in text and "authentication failure" in text for text in wrong), wrong
    refused = attempt(right)
    assert "transient" in refused.lower()
    now = 59.0
    assert attempt(right) == refused
    public(meter, now=lambda: now).connect()  # needs no secret, so it is not locked
    now = 60.5
    assert attempt(right) == "in"


def test_two_wrong_passwords_and_a_right_one_do_not_lock() -> None:
    meter = make_meter()
    for _ in range(2):
        for _ in range(2):
            with pytest.raises(GXDLMSException):
                reader(meter, password="99999999").connect()
        reader(meter).connect()


def test_a_wrong_key_counts_as_a_wrong_password() -> None:
    meter = make_meter()
    for counter in (10, 20, 30):
        peer = Manager(meter, counter, WRONG_KEYS)
        peer.snrm()
        assert peer.apdu(peer.aarq()).hex().endswith("a203020101a305a10302010d")
    peer = Manager(meter)
    peer.snrm()
    answer = peer.apdu(peer.aarq())
    assert bytes.fromhex("A203020102") in answer, "rejected-transient although the keys are right"


def test_a_counter_that_was_used_is_refused_with_the_one_expected() -> None:
    meter = make_meter()
    management(meter, counter=100).connect()
    peer = Manager(meter, 50)
    peer.snrm()
    answer = peer.apdu(peer.aarq())
    expected = meter.device.security.received + 1
    assert answer == bytes([0xD8, 1, 6]) + expected.to_bytes(4, "big")
    with pytest.raises(GXDLMSExceptionResponse):
        management(meter, counter=50).connect()
    management(meter, counter=expected).connect()


def test_a_recorded_request_can_not_be_replayed() -> None:
    """The very octets that worked once are refused the second time, and the session goes on."""
    peer = Manager(make_meter()).open()
    body = peer.protect(GET_SERIAL)
    recorded = b"\xc8" + bytes([len(body)]) + body
    assert peer.decipher(peer.apdu(recorded))[0] == 0xC4
    assert peer.apdu(recorded)[:3] == bytes([0xD8, 1, 6])
    assert peer.request(GET_SERIAL)[0] == 0xC4


def test_a_forged_request_does_not_move_the_counter() -> None:
    peer = Manager(make_meter()).open()
    before = peer.meter.device.security.received
    body = bytearray(peer.protect(GET_SERIAL))
    body[1:5] = (before + 1000).to_bytes(4, "big")
    answer = peer.apdu(b"\xc8" + bytes([len(body)]) + bytes(body))
    assert answer == bytes([0xD8, 1, 5])
    assert peer.meter.device.security.received == before


def test_the_proof_of_pass_3_can_not_be_reused() -> None:
    """An old GMAC for an old challenge does not open a new association."""
    meter = make_meter()
    peer = Manager(meter)
    peer.snrm()
    peer.apdu(peer.aarq())
    action = bytes.fromhex("C301C1000F0000280000FF01") + b"\x01\x09\x11\x10" + bytes(4) + bytes(12)
    answer = peer.request(action)
    assert answer[3] == 3
    assert peer.request(GET_SERIAL) == bytes([0xD8, 1, 1]), "the association is gone"
    assert meter.device.security.failures == 1


@pytest.mark.parametrize(
    ("proof", "own", "accepted"), [(1, 1, True), (1, 0, True), (0, 0, False), (-1, 0, False)]
)
def test_the_proofs_counter_is_newer_than_the_aarqs(proof: int, own: int, accepted: bool) -> None:
    """Some clients give the proof a counter of its own, some that of the APDU around it; none may go back."""
    peer = Manager(make_meter(), 200)
    if accepted:
        assert peer.open(proof, own).request(GET_SERIAL)[0] == 0xC4
    else:
        with pytest.raises(AssertionError):
            peer.open(proof, own)
        assert peer.meter.device.security.failures == 1


def test_before_pass_3_nothing_else_is_served() -> None:
    peer = Manager(make_meter())
    peer.snrm()
    peer.apdu(peer.aarq())
    assert peer.request(GET_SERIAL) == bytes.fromhex("C401C10103")


def test_a_plain_request_in_a_ciphered_association_is_refused() -> None:
    peer = Manager(make_meter()).open()
    assert peer.apdu(GET_SERIAL) == bytes([0xD8, 1, 1])


def test_the_public_client_reads_the_invocation_counter() -> None:
    meter = make_meter()
    management(meter, counter=700).connect()
    counter = public(meter).connect().read(GXDLMSData("0.0.43.1.0.255"))
    assert counter == meter.device.security.received > 700


@pytest.mark.parametrize(
    ("client", "auth", "diagnostic"),
    [
        (16, Authentication.LOW, 11),  # mechanism not recognised
        (2, Authentication.NONE, 12),  # mechanism required
        (1, Authentication.NONE, 2),  # context without ciphering
        (99, Authentication.NONE, 1),  # nobody
    ],
)
def test_the_diagnostic_says_what_was_wrong(client: int, auth: int, diagnostic: int) -> None:
    peer = GuruxPeer(make_meter(), client, auth, password="x")
    with pytest.raises(GXDLMSException):
        peer.connect()
    assert bytes.fromhex("A203020101A305A1030201") + bytes([diagnostic]) in peer.received[-1]


@pytest.mark.parametrize(
    ("initiate", "error"),
    [
        ("01000000055F1F0400FFFFFFFFFF", 1),  # DLMS version 5
        ("01000000065F1F0400000000FFFF", 2),  # nothing in common
        ("01000000065F1F0400FFFFFF000A", 3),  # a PDU of 10 octets is too short
    ],
)
def test_an_initiate_request_that_can_not_be_met(initiate: str, error: int) -> None:
    peer = Primary(make_meter())
    peer.snrm()
    aarq = AARQ_PUBLIC[:-14] + bytes.fromhex(initiate)
    answer = peer.apdu(aarq)
    assert bytes.fromhex("BE0604040E0106") + bytes([error]) in answer
    assert peer.apdu(GET_SERIAL) == bytes([0xD8, 1, 1])


def test_release_ends_the_association_but_not_the_link() -> None:
    peer = Primary(make_meter())
    peer.snrm()
    peer.apdu(AARQ_PUBLIC)
    assert peer.apdu(bytes.fromhex("6203800100")) == bytes.fromhex("6303800100")
    assert peer.apdu(GET_SERIAL) == bytes([0xD8, 1, 1])
    assert peer.apdu(AARQ_PUBLIC)[0] == 0x61
    assert peer.apdu(GET_SERIAL)[0] == 0xC4


def test_disconnecting_ends_the_association() -> None:
    peer = Primary(make_meter())
    peer.snrm()
    peer.apdu(AARQ_PUBLIC)
    peer.frame(Control(Kind.DISC, True))
    peer.snrm()
    assert peer.apdu(GET_SERIAL) == bytes([0xD8, 1, 1])


def test_counters_survive_a_power_loss_and_the_servers_never_repeats() -> None:
    """GCM breaks if a pair of title and counter comes twice, so both sides' counters only rise."""
    meter = make_meter(clock=Clock())
    peer = management(meter, counter=10).connect()
    before = (meter.device.security.received, meter.device.security.next_sent())
    meter.power_up()
    assert meter.device.security.received == before[0]
    management(meter, counter=peer.codec.ciphering.invocationCounter + 5).connect()
    assert meter.device.security.next_sent() > before[1]


def test_keys_change_by_global_key_transfer_and_are_proven_by_a_new_login() -> None:
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    meter = make_meter()
    peer = Manager(meter, 500).open()
    keys = secrets.derive(meter.device.serial)
    fresh = bytes(range(16, 32))
    wrapped = aes_key_wrap(bytes.fromhex(keys["master_key"]), fresh)
    transfer = bytes.fromhex("C301C1004000002B0000FF02") + b"\x01\x01\x01\x02\x02\x16\x00\x09\x18"
    assert peer.request(transfer + wrapped[:-1] + b"\x00")[3] == 250, (
        "a key that does not unwrap changes nothing"
    )
    kept = peer.block_key
    assert peer.request(transfer + wrapped)[3] == 0, "the answer is still under the old key"
    assert meter.device.security.received == 0, "under a new key the counters begin again"
    peer.block_key = fresh
    assert peer.request(GET_SERIAL)[0] == 0xC4, "the next request is under the new one"
    old = Manager(meter, 900, {**keys, "block_key": kept.hex()})
    old.snrm()
    assert bytes.fromhex("A203020101") in old.apdu(old.aarq())
    Manager(meter, 1000, {**keys, "block_key": fresh.hex()}).open()
