"""What a refusal means: password, key, lock-out, counter and wrong kind of association are five different
things."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import errors
from drivers.dlms.acse import Mechanism, initiate_request
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials, DlmsClient, StaleCounter
from drivers.dlms.protection import Keys
from drivers.session.client import OpticalSession
from drivers.session.counters import CounterBlock
from tests.drivers.field import MANAGEMENT, MODELS, Host, session, virtual_meter

CIPHERED = Credentials(Mechanism.GMAC, b"", Ciphering(Keys(bytes(8), bytes(16), bytes(16)), lambda: 1))
PASSWORD = Credentials(Mechanism.LOW, b"12345678")
PUBLIC = Credentials(Mechanism.NONE)


class Scripted:
    """A channel that answers every request with the next of its responses."""

    def __init__(self, *responses: bytes) -> None:
        self._responses = list(responses)
        self.requests: list[bytes] = []
        self.exchanges = self.repeats = 0
        self.ends_association = True

    def exchange(self, apdu: bytes) -> bytes:
        self.requests.append(apdu)
        return self._responses.pop(0)

    def listen(self) -> bytes:
        raise AssertionError("nothing comes by itself here")

    def send(self, apdu: bytes) -> None:
        raise AssertionError("every request here has a response")

    def disconnect(self) -> None:
        self._responses.clear()


def aare(result: int, diagnostic: int) -> bytes:
    body = bytes.fromhex("A109060760857405080101")
    body += bytes([0xA2, 3, 2, 1, result, 0xA3, 5, 0xA1, 3, 2, 1, diagnostic])
    return bytes([0x61, len(body)]) + body


@pytest.mark.parametrize(
    ("credentials", "response", "error"),
    [
        (PASSWORD, aare(1, 13), errors.WrongPassword),
        (PASSWORD, aare(1, 1), errors.WrongPassword),
        (PASSWORD, aare(2, 1), errors.LockedOut),
        (PASSWORD, aare(1, 11), errors.AssociationRefused),
        (PUBLIC, aare(1, 14), errors.AssociationRefused),
        (CIPHERED, aare(1, 13), errors.WrongKey),
        (CIPHERED, aare(2, 1), errors.LockedOut),
        (CIPHERED, aare(1, 1), StaleCounter),
        (CIPHERED, bytes.fromhex("D8010600000064"), StaleCounter),
        (CIPHERED, bytes.fromhex("D80105"), errors.WrongKey),
        (CIPHERED, bytes.fromhex("0E01060001"), errors.AssociationRefused),
        (PUBLIC, b"\x61\x00", errors.Garbage),
        (PUBLIC, b"\xc4\x01", errors.Garbage),
    ],
)
def test_every_refusal_is_its_own_error(
    credentials: Credentials, response: bytes, error: type[errors.DriverError]
) -> None:
    channel = Scripted(response)
    with pytest.raises(error) as caught:
        DlmsClient(channel, credentials, lockout_seconds=255).associate()
    assert type(caught.value) is error
    assert len(channel.requests) == 1  # never tried again down here
    if isinstance(caught.value, errors.LockedOut):
        assert caught.value.seconds == 255


def test_a_meter_that_accepts_without_saying_what_it_can_is_tried() -> None:
    client = DlmsClient(Scripted(aare(0, 0)), PUBLIC)
    client.associate()
    assert client.associated
    assert client.request_limit > 1000


def test_a_meter_that_proves_another_key_is_not_believed() -> None:
    """A false meter could accept anything: its own proof (pass 4) must fit."""
    response = aare(0, 14)
    challenge = b"\xaa\x0a\x80\x08" + bytes(8)
    initiate = b"\xbe\x10\x04\x0e" + bytes.fromhex("0800065F1F0400005E1D04000007")
    body = response[2:] + challenge + initiate
    accepted = bytes([0x61, len(body)]) + body
    proof = bytes.fromhex("C7010100010009") + b"\x10" + bytes(16)
    with pytest.raises(errors.WrongKey):
        DlmsClient(Scripted(accepted, proof), Credentials(Mechanism.MD5, b"secret")).associate()


def test_the_proposal_asks_for_no_more_than_we_can_do() -> None:
    assert initiate_request().startswith(b"\x01\x00\x00\x00\x06\x5f\x1f\x04\x00")


# ---- counters


def reserving(firsts: list[int]) -> Callable[[str, int, int], int]:
    return lambda key, at_least, count: firsts.pop(0)


def test_counters_are_used_once_and_blocks_follow_each_other() -> None:
    block = CounterBlock(reserving([100, 500]), "meter/1")
    used = [block.next() for _ in range(70)]
    assert used == [*range(100, 164), *range(500, 506)]


def test_a_host_that_hands_out_too_small_a_counter_is_not_used() -> None:
    block = CounterBlock(reserving([100]), "meter/1")
    block.raise_to(200)
    with pytest.raises(errors.CounterRefused):
        block.next()


def test_a_counter_at_the_end_of_its_range_is_refused_for_good() -> None:
    with pytest.raises(errors.CounterRefused):
        CounterBlock(reserving([1]), "meter/1").raise_to(0xFFFFFFFF)
    with (
        virtual_meter() as real,
        session(real, host=Host(real.secrets, 0xFFFFFF00)) as meter,
        pytest.raises(errors.CounterRefused),
    ):
        meter.identify()


def test_a_model_can_ask_for_the_counter_to_be_read_first(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    path = models / "prime-1ph.toml"
    quirk = "[quirks]\ncounter_first = true\n\n[[readings]]"
    path.write_text(path.read_text("utf-8").replace("[[readings]]", quirk, 1), "utf-8")
    with virtual_meter() as real:
        with session(real, host=Host(real.secrets, 70_000)) as first:
            first.identify()
        host = Host(real.secrets)
        with OpticalSession(real.url, MANAGEMENT, host, models=models) as second:
            assert second.identify().serial == real.serial
    assert host.reserved[0][0] > 70_000
