"""How a meter is entered: the strongest client whose secrets are here; passwords made by a model's rule."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assets
from drivers import elliptic
from drivers.connection import Auth, Protection
from drivers.errors import ModelFileError
from drivers.models import MeterModel, ModelClient, load_model
from drivers.passwords import Algorithm, Form, PasswordRule
from fieldtool.associating import Secret, connection_for, with_rules
from fieldtool.security.redaction import redact

MODEL = load_model(assets.root() / "models" / "prime-1ph.toml")
TITLE = "4654540000000001"
SEED = bytes(range(16))
LLS = {"password": b"23158664"}
HLS = {"hls_password": b"0123456789abcdef"}
GLOBAL = {"block_key": bytes(16), "auth_key": bytes(16)}


def pairs(suite: elliptic.Suite) -> dict[str, bytes]:
    key, meter = elliptic.generate(suite), elliptic.generate(suite)
    raw = key.private_numbers().private_value.to_bytes(suite.coordinate_bytes, "big")
    return {"sign_key": raw, "meter_sign_key": elliptic.raw_public(meter.public_key())}


def keys(model: MeterModel, given: dict[str, bytes], serial: str = "ZIV0045670000") -> Secret:
    return with_rules(model, serial, given.get)


@pytest.mark.parametrize(
    ("secrets", "client", "auth", "suite"),
    [
        ({}, 16, Auth.NONE, 0),
        (LLS, 2, Auth.LOW, 0),
        (LLS | HLS, 36, Auth.SHA256, 0),
        (LLS | HLS | GLOBAL, 1, Auth.GMAC, 0),
        (GLOBAL | pairs(elliptic.Suite.SUITE_1), 37, Auth.ECDSA, 1),
        ({name: bytes(32) for name in GLOBAL} | pairs(elliptic.Suite.SUITE_2), 37, Auth.ECDSA, 2),
        ({name: bytes(32) for name in GLOBAL}, 1, Auth.GMAC, 2),
        (
            pairs(elliptic.Suite.SUITE_1),
            16,
            Auth.NONE,
            0,
        ),  # it is a ciphered context: without keys, no way in
        ({"block_key": bytes(16)}, 16, Auth.NONE, 0),
    ],
)
def test_the_strongest_client_whose_secrets_are_all_here_is_used(
    secrets: dict[str, bytes], client: int, auth: Auth, suite: int
) -> None:
    found = connection_for(MODEL, secrets.get, TITLE)
    assert (found.client, found.auth, found.suite) == (client, auth, suite)
    named = (found.password, found.block_key, found.auth_key, found.sign_key, found.meter_sign_key)
    assert {name for name in named if name} <= secrets.keys()


def test_a_client_that_agrees_on_keys_needs_both_pairs_and_no_block_key() -> None:
    client = ModelClient(id=37, auth=Auth.ECDSA, protection=Protection.ONE_PASS, suite=1, signed=True)
    model = msgspec.structs.replace(MODEL, clients={"agreed": client})
    known = {"auth_key": bytes(16)} | pairs(elliptic.Suite.SUITE_1)
    assert connection_for(model, known.get, TITLE).auth is Auth.NONE
    more = {"agreement_key": known["sign_key"], "meter_agreement_key": known["meter_sign_key"]}
    found = connection_for(model, (known | more).get, TITLE)
    assert (found.agreement_key, found.block_key, found.signed) == ("agreement_key", None, True)


def test_what_the_office_gave_goes_before_the_rule_and_what_is_made_stays_out_of_logs() -> None:
    rule = PasswordRule(algorithm=Algorithm.HMAC_SHA256, length=12, form=Form.HEX)
    model = msgspec.structs.replace(MODEL, passwords={"password": rule})
    assert keys(model, LLS)("password") == b"23158664"
    assert keys(model, {})("password") is None
    assert keys(model, {"password_seed": SEED[:-1]})("password") is None
    made = keys(model, {"password_seed": SEED})("password")
    digest = hmac.new(SEED, b"ZIV0045670000", hashlib.sha256).hexdigest().upper()
    assert made == digest[:12].encode()
    assert digest[:12] not in redact(f"sent {digest[:12]}")
    assert keys(model, {"password_seed": SEED})("block_key") is None
    assert connection_for(model, keys(model, {"password_seed": SEED}), TITLE).auth is Auth.LOW


@given(
    st.sampled_from(Form),
    st.integers(0, 70),
    st.text("0123456789", min_size=1, max_size=20),
    st.binary(min_size=16),
)
def test_a_rule_that_is_accepted_makes_what_it_says(
    form: Form, length: int, digits: str, seed: bytes
) -> None:
    rules = [
        PasswordRule(algorithm=Algorithm.HMAC_SHA256, length=length, form=form),
        PasswordRule(algorithm=Algorithm.SERIAL_TAIL, length=length),
    ]
    for rule in rules:
        if rule.fault() is None:
            made = rule.make(f"ZIV{digits}", seed)
            assert made is not None
            assert len(made) == length
            assert made == rule.make(f" ZIV {digits} ", seed)
    assert (rules[0].fault() is None) == (4 <= length <= {"digits": 16, "hex": 64, "octets": 32}[form.value])


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('[passwords.password]\nalgorithm = "fixed"\n', "1 to 64 ASCII"),
        ('[passwords.block_key]\nalgorithm = "fixed"\nvalue = "1"\n', "is no password"),
        ('[passwords.password]\nalgorithm = "serial-tail"\nlength = 40\n', "4 to 16"),
        ('[passwords.password]\nalgorithm = "md4"\n', "md4"),
        ('[clients.other]\nid = 3\nauth = "low"\nsecret = "block_key"\n', "names no password"),
    ],
)
def test_a_rule_that_cannot_be_is_told_with_its_file_and_line(tmp_path: Path, more: str, reason: str) -> None:
    path = tmp_path / "prime-1ph.toml"
    path.write_text((assets.root() / "models" / "prime-1ph.toml").read_text("utf-8") + more, "utf-8")
    with pytest.raises(ModelFileError) as raised:
        load_model(path)
    assert reason in raised.value.reason
