"""Security suites 0, 1 and 2: every mechanism and way of protection, ours against the virtual meter; known
answers of the Green Book; gurux as somebody else's client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from drivers import elliptic, errors
from drivers.connection import Auth, Connection, Protection
from drivers.dlms.acse import Mechanism
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials, DlmsClient, StaleCounter
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, array, octet_string, structure
from drivers.dlms.protection import Keys
from drivers.elliptic import Purpose, Suite
from drivers.virtual import secrets
from drivers.virtual.dlms import ciphering as server_ciphering
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.session import Session, State
from drivers.virtual.meter import Meter
from tests.drivers.dlms_pair import TITLE, Counter, associated, keys_of, make_meter, manager
from tests.drivers.field import Host, session, virtual_meter

SERIAL, PERIOD = parse_item("1:0.0.96.1.0.255:2"), parse_item("7:1.0.99.1.0.255:4")
PROFILE = parse_item("7:1.0.99.1.0.255:2")


def works(client: DlmsClient, meter: Meter) -> None:
    """Reads, a long read in blocks, a write and its proof."""
    data = client.get(SERIAL).data
    assert data is not None
    assert data.octets == meter.device.serial.encode()
    rows = client.get(PROFILE).data
    assert rows is not None
    assert len(rows.items) == 2 * 96
    client.set(PERIOD, Data(Tag.DOUBLE_LONG_UNSIGNED, 1800))
    assert client.get(PERIOD).data == Data(Tag.DOUBLE_LONG_UNSIGNED, 1800)


WAYS = [
    (suite, protection, signed)
    for suite in (0, 1, 2)
    for protection in Protection
    for signed in (False, True)
    if suite or not (signed or protection.agreed)
]


@pytest.mark.parametrize(("suite", "protection", "signed"), WAYS)
def test_every_protection_of_every_suite(suite: int, protection: Protection, signed: bool) -> None:
    meter = make_meter("idis-3ph-ct", suite=suite)
    works(manager(meter, protection, signed=signed), meter)


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("protection", [Protection.GLO, Protection.ONE_PASS])
def test_ecdsa_proves_both_sides(suite: int, protection: Protection) -> None:
    meter = make_meter("idis-3ph-ct", suite=suite)
    works(manager(meter, protection, mechanism=Mechanism.ECDSA), meter)
    keys = keys_of(meter, suite)
    plain = associated(meter, Credentials(Mechanism.ECDSA, b"", None, 38, keys))  # without ciphering
    assert plain.get(SERIAL).data is not None


def test_agreed_keys_need_no_global_key_at_all() -> None:
    meter = make_meter("idis-3ph-ct", suite=1)
    keys = replace(keys_of(meter, 1), block_key=b"")
    ciphering = Ciphering(keys, Counter(), wrapping=Protection.ONE_PASS)
    works(associated(meter, Credentials(Mechanism.ECDSA, b"", ciphering, 37, keys)), meter)


@pytest.mark.parametrize("mechanism", [Mechanism.MD5, Mechanism.SHA1, Mechanism.SHA256])
def test_high_level_security_by_digest(mechanism: Mechanism) -> None:
    meter = make_meter("idis-3ph-ct")
    secret = secrets.derive(meter.device.serial)["hls_secret"].encode()
    client = {Mechanism.MD5: 33, Mechanism.SHA1: 34, Mechanism.SHA256: 36}[mechanism]
    right = associated(meter, Credentials(mechanism, secret, None, client, Keys(TITLE)))
    assert right.get(SERIAL).data is not None
    with pytest.raises(errors.WrongPassword):
        associated(meter, Credentials(mechanism, b"wrong", None, client, Keys(TITLE)))


def test_a_meter_with_another_signing_key_is_not_believed() -> None:
    meter = make_meter("idis-3ph-ct", suite=1)
    stranger = elliptic.generate(Suite.SUITE_1).public_key()
    keys = replace(keys_of(meter, 1), meter_sign_key=stranger)
    for ciphering, client in ((None, 38), (Ciphering(keys, Counter()), 37)):
        with pytest.raises(errors.WrongKey):
            associated(meter, Credentials(Mechanism.ECDSA, b"", ciphering, client, keys))


def test_a_client_with_another_signing_key_is_refused() -> None:
    meter = make_meter("idis-3ph-ct", suite=1)
    keys = replace(keys_of(meter, 1), sign_key=elliptic.generate(Suite.SUITE_1))
    with pytest.raises(errors.WrongKey):
        associated(meter, Credentials(Mechanism.ECDSA, b"", None, 38, keys))
    ciphering = Ciphering(keys, Counter(), wrapping=Protection.ONE_PASS)
    right = Ciphering(keys, Counter(100), wrapping=Protection.GENERAL_GLO)
    client = associated(meter, Credentials(Mechanism.GMAC, b"", right, 1, keys))
    client._credentials = Credentials(Mechanism.GMAC, b"", ciphering, 1, keys)
    ciphering.server_title = meter.device.system_title
    with pytest.raises(errors.WrongKey):  # deciphering-error: the ephemeral key is signed by a stranger
        client.get(SERIAL)


def test_a_dedicated_key_counts_by_itself_and_is_new_each_time() -> None:
    meter = make_meter("idis-3ph-ct")
    counter = Counter()
    first = manager(meter, Protection.DED, counter=counter)
    used = counter.value
    for _ in range(5):
        assert first.get(SERIAL).data is not None
    assert counter.value == used, "no global counter is spent on a dedicated key"
    again = manager(meter, Protection.DED, counter=counter)
    one, two = (c._credentials.ciphering for c in (first, again))
    assert one is not None
    assert two is not None
    assert one.dedicated_key != two.dedicated_key
    assert again.get(SERIAL).data is not None


def test_the_counter_of_each_client_stands_in_its_own_object() -> None:
    meter = make_meter("idis-3ph-ct")
    manager(meter, counter=Counter(500))
    password = secrets.derive(meter.device.serial)["password"].encode()
    keys = keys_of(meter)
    associated(meter, Credentials(Mechanism.LOW, password, Ciphering(keys, Counter(6)), 35))
    public = associated(meter, Credentials(Mechanism.NONE))
    values = [public.get(parse_item(f"1:0.0.43.1.{x}.255:2")).data for x in (0, 1)]
    assert values == [Data(Tag.DOUBLE_LONG_UNSIGNED, 503), Data(Tag.DOUBLE_LONG_UNSIGNED, 7)]
    with pytest.raises(StaleCounter) as caught:
        associated(meter, Credentials(Mechanism.LOW, password, Ciphering(keys, Counter(1)), 35))
    assert caught.value.expected == 8


def test_what_was_captured_cannot_be_sent_again() -> None:
    """An agreed key counts from 0: the ephemeral key or transaction id must be new."""
    for protection in (Protection.ONE_PASS, Protection.STATIC):
        meter = make_meter("idis-3ph-ct", suite=1)
        client = manager(meter, protection)
        ciphering = client._credentials.ciphering
        assert ciphering is not None
        request = ciphering.protect(bytes.fromhex("C001C1000100006001 00FF0200".replace(" ", "")))
        answer = client._channel.exchange(request)
        assert ciphering.open(answer)[:1] == b"\xc4"
        assert client._channel.exchange(request)[:3] == bytes.fromhex("D80106")


@pytest.mark.parametrize("suite", [1, 2])
def test_a_policy_that_wants_signatures_is_enforced_and_never_weakened(suite: int) -> None:
    meter = make_meter("idis-3ph-ct", suite=suite)
    counter = Counter()
    client = manager(meter, counter=counter)
    setup = parse_item("64:0.0.43.0.0.255:1")
    assert client.get(setup.of(2)).data == Data(Tag.ENUM, 0x6C)
    client.action(setup, Data(Tag.ENUM, 0x7C))
    with pytest.raises(errors.WrongKey):
        client.get(SERIAL)
    signing = manager(meter, Protection.IDENTIFIED, signed=True, counter=counter)
    assert signing.get(setup.of(2)).data == Data(Tag.ENUM, 0x7C)
    with pytest.raises(errors.MeterRefused) as caught:
        signing.action(setup, Data(Tag.ENUM, 0x6C))
    assert caught.value.result == "other-reason"


def test_a_changed_octet_anywhere_is_found() -> None:
    """Header, key-info, content and signature of a response: whatever is changed, nothing is believed."""
    meter = make_meter("idis-3ph-ct", suite=1)
    client = manager(meter, Protection.ONE_PASS, signed=True)
    ciphering = client._credentials.ciphering
    assert ciphering is not None
    answer = client._channel.exchange(ciphering.protect(bytes.fromhex("C001C100010000600100FF0200")))
    good = ciphering.open(answer)
    for at in range(len(answer)):
        damaged = answer[:at] + bytes([answer[at] ^ 0x01]) + answer[at + 1 :]
        try:
            opened = ciphering.open(damaged)
        except errors.DriverError:
            continue
        # key-info's own coding is not authenticated; what comes out must still be what was sent
        assert opened == good, at


def test_damage_after_both_sides_proved_their_keys_is_the_line_and_no_wrong_key() -> None:
    """FCS-16 lets one damaged frame of 65,536 pass: the crew was told of a wrong key."""
    client = manager(make_meter("idis-3ph-ct"), Protection.GLO)
    exchange = client._channel.exchange

    def damaged(apdu: bytes) -> bytes:
        answer = exchange(apdu)
        return answer[:-1] + bytes([answer[-1] ^ 1])

    client._channel.exchange = damaged  # type: ignore[method-assign]  # a frame that passed its check
    with pytest.raises(errors.Garbage):
        client.get(SERIAL)


@pytest.mark.parametrize("suite", [1, 2])
def test_the_certificates_of_a_meter_name_its_keys_and_their_purpose(suite: int) -> None:
    meter = make_meter("idis-3ph-ct", suite=suite)
    client, keys = manager(meter), keys_of(meter, suite)
    for kind, purpose, known in (
        (0, Purpose.SIGN, keys.meter_sign_key),
        (1, Purpose.AGREE, keys.meter_agreement_key),
    ):
        which = structure(Data(Tag.ENUM, 0), Data(Tag.ENUM, kind), octet_string(meter.device.system_title))
        exported = client.action(parse_item("64:0.0.43.0.0.255:7"), structure(Data(Tag.ENUM, 0), which))
        assert exported is not None
        title = meter.device.system_title
        found = elliptic.public_key(exported.octets, keys.suite, purpose, title)
        assert known is not None
        assert elliptic.raw_public(found) == elliptic.raw_public(known)
        other = Purpose.AGREE if purpose is Purpose.SIGN else Purpose.SIGN
        with pytest.raises(ValueError, match="not for"):
            elliptic.public_key(exported.octets, keys.suite, other)
        with pytest.raises(ValueError, match="another system title"):
            elliptic.public_key(exported.octets, keys.suite, purpose, b"OTHERONE")


def test_a_new_global_key_by_key_agreement_holds_from_the_next_request_on() -> None:
    """Ephemeral unified model C(2e, 0s): both derive the key, nobody sends it."""
    meter = make_meter("idis-3ph-ct", suite=1)
    client, keys = manager(meter), keys_of(meter, 1)
    assert keys.sign_key is not None
    assert keys.meter_sign_key is not None
    ephemeral = elliptic.generate(keys.suite)
    public = elliptic.raw_public(ephemeral.public_key())
    signature = elliptic.sign(keys.sign_key, keys.suite, b"\x00" + public)
    wanted = structure(Data(Tag.ENUM, 0), octet_string(public + signature))
    answer = client.action(parse_item("64:0.0.43.0.0.255:3"), array(wanted))
    assert answer is not None
    theirs = answer.items[0].items[1].octets
    assert elliptic.verify(keys.meter_sign_key, keys.suite, b"\x00" + theirs[:64], theirs[64:])
    secret = elliptic.agree(ephemeral, elliptic.public_key(theirs[:64], keys.suite, Purpose.AGREE))
    agreed = elliptic.derive(keys.suite, secret, TITLE, meter.device.system_title)
    fresh = Ciphering(replace(keys, block_key=agreed), Counter())
    assert associated(meter, Credentials(Mechanism.GMAC, b"", fresh, 1)).get(SERIAL).data is not None


# ---- keys as people have them


@pytest.mark.parametrize("suite", [Suite.SUITE_1, Suite.SUITE_2])
def test_key_pairs_are_taken_in_every_usual_form(suite: Suite) -> None:
    key = elliptic.generate(suite)
    raw = key.private_numbers().private_value.to_bytes(suite.coordinate_bytes, "big")
    forms = [raw]
    for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM):
        for style in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
            forms.append(key.private_bytes(encoding, style, serialization.NoEncryption()))
    public = elliptic.raw_public(key.public_key())
    for form in forms:
        assert elliptic.raw_public(elliptic.private_key(form, suite).public_key()) == public
    known = [public, b"\x04" + public]
    known += [
        key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM)
    ]
    for shown in known:
        assert elliptic.raw_public(elliptic.public_key(shown, suite, Purpose.SIGN)) == public


@given(st.binary(max_size=130))
def test_what_is_no_key_is_a_value_error_and_nothing_else(data: bytes) -> None:
    for suite in (Suite.SUITE_1, Suite.SUITE_2):
        for parse in (
            lambda: elliptic.public_key(data, suite, Purpose.SIGN),  # noqa: B023  # called at once
            lambda: elliptic.private_key(data, suite),  # noqa: B023
        ):
            try:
                parse()
            except ValueError:
                continue


@given(st.binary(min_size=1, max_size=120), st.sampled_from([0xDB, 0xDC, 0xDD, 0xDF, 0xCC, 0xD4, 0x28]))
def test_no_response_raises_anything_but_our_errors(data: bytes, tag: int) -> None:
    ciphering = Ciphering(Keys(TITLE, bytes(16), bytes(16), Suite.SUITE_1), Counter())
    ciphering.server_title = b"MMM12345"
    with pytest.raises(errors.DriverError):
        ciphering.open(bytes([tag]) + data)


@given(st.binary(min_size=1, max_size=200), st.sampled_from([0xDB, 0xDC, 0xDD, 0xDF, 0xC8, 0xD0, 0x21]))
def test_no_request_breaks_the_virtual_meter(data: bytes, tag: int) -> None:
    protector = METER.device.security
    answer = Session(METER.device, 37, ServiceDispatcher)
    answer.state, answer.context = State.ASSOCIATED, 3
    answer.conformance = 0xFFFFFF
    answer.protector.begin(TITLE)
    reply = answer.handle(bytes([tag]) + data, 0.0)
    assert reply is not None
    assert reply[0] == 0xD8
    assert protector.received == 0


METER = make_meter("idis-3ph-ct", suite=1)


# ---- known answers


def test_key_derivation_of_the_green_book() -> None:
    """Green Book, table C.2: one-pass Diffie-Hellman, suite 1, both directions."""
    client, server = bytes.fromhex("4D4D4D0000BC614E"), bytes.fromhex("4D4D4D0000000001")
    z = bytes.fromhex("0D4385BA0DD756CBCAB9887EB538396EE8F090A14C1079B4359F115B977F4615")
    assert elliptic.derive(Suite.SUITE_1, z, client, server).hex() == "59a71fd81c929a86a99438da17a66c05"
    z = bytes.fromhex("2B4302DC49790E2E78D990CFB52ED6E2F273DECE441A2D95E4301B93812A9FAC")
    assert elliptic.derive(Suite.SUITE_1, z, server, client).hex() == "f0184bda9466bfa4601a64a7ef46504a"


def test_shared_secret_of_the_green_book() -> None:
    """Green Book, table C.2: Z of the client's ephemeral key and the server's static one."""
    ephemeral = bytes.fromhex("47DAB03842E5B6E74828EF4F449B378D7DD1A5DAE1FFCA5AE0B0BE0AD18EC57E")
    static = bytes.fromhex("AE55414FFE079F9FC95649536BD1C2B5653D200813727E07D501A8B550C69207")
    ours, theirs = (elliptic.private_key(raw, Suite.SUITE_1) for raw in (ephemeral, static))
    secret = elliptic.agree(ours, theirs.public_key())
    assert secret == elliptic.agree(theirs, ours.public_key())


# ---- a whole session


def test_a_session_with_key_pairs_learns_the_counter_from_the_object_of_its_client() -> None:
    """The model file names 0.0.43.1.2.255 for client 37; the meter is further than a new tablet thinks."""
    with virtual_meter("idis-3ph-ct", "--suite", "1") as meter:
        found = secrets.derive(meter.serial, 1)
        names = (
            "block_key",
            "auth_key",
            "sign_key",
            "agreement_key",
            "meter_sign_key",
            "meter_agreement_key",
        )
        meter.secrets = {name: bytes.fromhex(found[name]) for name in names}
        connection = Connection(
            client=37,
            server="1:17",
            auth=Auth.ECDSA,
            system_title=TITLE.hex(),
            suite=1,
            protection=Protection.IDENTIFIED,
            signed=True,
            general_blocks=True,
            model="idis-3ph-ct",
            **{name: name for name in names},  # type: ignore[arg-type]  # names of secrets, all text
        )
        for first in (1000, 1):
            host = Host(meter.secrets, first)
            with session(meter, connection, host) as at_meter:
                assert at_meter.identify().serial == meter.serial
                assert at_meter.read(["3:1.0.1.8.0.255:2"]).readings[0].status is None
        assert host.reserved[-1][0] > 1000, "the second one went on from the meter's own counter"


@pytest.mark.parametrize("protection", [Protection.ONE_PASS, Protection.STATIC])
def test_counters_rise_under_agreed_keys_too(protection: Protection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key is new, so 0 would do; but some peers (pydlms) take nothing that does not rise, both ways."""
    counters: list[int] = []
    right = server_ciphering.unprotect

    def seen(text: server_ciphering.Protected, *more: Any, **named: Any) -> bytes:
        counters.append(text.counter)
        return right(text, *more, **named)

    monkeypatch.setattr(server_ciphering, "unprotect", seen)
    meter = make_meter("idis-3ph-ct", suite=1)
    client = manager(meter, protection)
    sent = meter.device.security.sent
    for _ in range(3):
        assert client.get(SERIAL).data is not None
    assert counters == sorted(set(counters))
    assert meter.device.security.sent == sent + 3
