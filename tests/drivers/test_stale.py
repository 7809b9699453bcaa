"""Old answers are no answers: a protected one whose counter did not rise, and one that belongs to another
request. What comes after them is waited for, but not for ever."""

from __future__ import annotations

import pytest

from drivers.connection import Auth, Connection, Protection
from drivers.dlms import apdu
from drivers.dlms.access import access_request
from drivers.dlms.ciphering import Ciphering, Heard, Replayed
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag
from drivers.dlms.general_blocks import Channel, GeneralBlocks
from drivers.dlms.invoke import InvokeIds
from drivers.errors import Garbage, NoAnswer
from drivers.session.credentials import CredentialMaker
from tests.drivers.dlms_pair import make_meter, manager, reader
from tests.drivers.test_protection import PROFILE, SERIAL, WAYS

NAME = parse_item("1:0.0.42.0.0.255:2")
_SET = apdu.set_request(SERIAL, Data(Tag.DOUBLE_LONG_UNSIGNED, 900))
_ACTION = apdu.action_request(SERIAL, None)
_ANSWERS = {0xC0: 0xC4, 0xC1: 0xC5, 0xC3: 0xC7, 0xD9: 0xDA}
"""Tags of requests and their responses."""


class Old:
    """A channel that gives the answer of the request before once more, and the right one to who listens on
    (``never``: to nobody)."""

    def __init__(self, channel: Channel, *, never: bool = False) -> None:
        self._channel = channel
        self._never = never
        self._before = self._now = b""
        self.asked: list[bytes] = []
        self.exchanges = self.repeats = 0
        self.ends_association = True

    def exchange(self, apdu: bytes) -> bytes:
        self.asked.append(apdu)
        self._before, self._now = self._now, self._channel.exchange(apdu)
        return self._before or self._now

    def listen(self) -> bytes:
        if self._never:
            raise NoAnswer
        return self._now

    def send(self, apdu: bytes) -> None:
        self._channel.send(apdu)

    def disconnect(self) -> None:
        self._channel.disconnect()


class Recording(Old):
    """One that changes nothing."""

    def exchange(self, apdu: bytes) -> bytes:
        self.asked.append(apdu)
        return self._channel.exchange(apdu)


class OwnBlocks(Old):
    """One that numbers further blocks by itself."""

    def exchange(self, apdu: bytes) -> bytes:
        answer = self._channel.exchange(apdu)
        return answer[:2] + b"\x40" + answer[3:] if apdu[:2] == b"\xc0\x02" else answer


class Constant(Old):
    """One whose answers always have the same invoke id."""

    def exchange(self, apdu: bytes) -> bytes:
        answer = self._channel.exchange(apdu)
        return answer[:2] + b"\x41" + answer[3:]


def through(client: DlmsClient, channel: Old) -> Old:
    client._channel = channel
    client._blocks = GeneralBlocks(channel)
    return channel


@pytest.mark.parametrize(("suite", "protection", "signed"), WAYS)
def test_a_replayed_answer_is_let_go_whatever_protects_it(
    suite: int, protection: Protection, signed: bool
) -> None:
    """Without invoke ids, which would tell it too."""
    client = manager(make_meter("idis-3ph-ct", suite=suite), protection, signed=signed)
    client._invoke_ids.fixed = True
    right = [client.get(item).data for item in (SERIAL, NAME)]
    old = through(client, Old(client._channel))
    for _ in range(3):
        assert [client.get(item).data for item in (SERIAL, NAME)] == right
    ciphering = client._credentials.ciphering
    assert ciphering is not None
    with pytest.raises(Replayed):
        ciphering.open(old.listen())


def test_an_answer_to_another_request_is_let_go_in_clear_too() -> None:
    """Nothing but the invoke id tells it there; that this meter mirrors it was learnt from its answers."""
    client = reader(make_meter("prime-1ph"))
    right = [client.get(item).data for item in (SERIAL, NAME)]
    through(client, Old(client._channel))
    for _ in range(17):  # more than there are ids
        assert [client.get(item).data for item in (SERIAL, NAME)] == right
        assert [result.data for result in client.get_list([NAME, SERIAL])] == right[::-1]


def test_a_meter_that_gives_only_old_answers_is_not_waited_for() -> None:
    client = reader(make_meter("prime-1ph"))
    for _ in range(3):
        client.get(SERIAL)
    through(client, Old(client._channel, never=True))
    client.get(SERIAL)
    with pytest.raises(Garbage):
        client.get(NAME)


def test_a_meter_that_mirrors_only_some_ids_is_lost_for_one_request() -> None:
    """Here not those of further blocks: after the cut that follows, the read goes through."""
    client = reader(make_meter("prime-1ph"), max_pdu=300)
    for _ in range(3):
        client.get(SERIAL)
    through(client, OwnBlocks(client._channel, never=True))
    with pytest.raises(Garbage):
        client.get(PROFILE)
    assert client.get(PROFILE).data is not None


def test_a_meter_that_mirrors_no_invoke_id_works_like_any_other() -> None:
    client = reader(make_meter("prime-1ph"), max_pdu=300)
    right = [client.get(item).data for item in (SERIAL, NAME, PROFILE)]
    through(client, Constant(client._channel))
    client._invoke_ids = InvokeIds()
    for _ in range(20):
        assert [client.get(item).data for item in (SERIAL, NAME, PROFILE)] == right


@pytest.mark.parametrize("request_", [apdu.get_request(SERIAL), _SET, _ACTION, access_request([], [SERIAL])])
def test_of_each_service_it_is_learnt_whether_ids_are_mirrored(request_: bytes) -> None:
    """A response to another request is known after two that mirrored theirs; never where all have one id."""
    tag = bytes([_ANSWERS[request_[0]]])
    ids = InvokeIds()
    for _ in range(40):
        ids.stamp(request_)
        assert not ids.is_stale(tag + request_[1:])
    ids = InvokeIds()
    for _ in range(2):
        assert not ids.is_stale(tag + ids.stamp(request_)[1:])
    before = ids.stamp(request_)
    ids.stamp(request_)
    assert ids.is_stale(tag + before[1:])
    ids.distrust()
    assert not ids.is_stale(tag + before[1:])


def test_the_parts_of_a_long_transfer_have_one_id_and_the_next_request_another() -> None:
    client = reader(make_meter("prime-1ph"), max_pdu=300)
    sent = through(client, Recording(client._channel))
    assert client.get(PROFILE).data is not None
    parts = [one[2] for one in sent.asked]
    assert len(parts) > 3
    assert len(set(parts)) == 1
    client.get(SERIAL)
    assert sent.asked[-1][2] == parts[0] + 1


def test_ids_go_round_and_leave_what_else_stands_there() -> None:
    ids, request = InvokeIds(), apdu.get_request(SERIAL)
    stamped = [ids.stamp(request) for _ in range(16)]
    assert [one[2] for one in stamped] == [*range(0x41, 0x50), 0x41]
    assert {one[:2] + b"\x41" + one[3:] for one in stamped} == {request}
    access = bytearray(access_request([], [SERIAL]))
    access[1] |= 0x30
    assert ids.stamp(bytes(access))[:5] == bytes.fromhex("D970000011")
    ids.fixed = True
    assert ids.stamp(request)[2] == ids.stamp(request)[2]


# ---- over several associations


def _maker(auth: Auth) -> CredentialMaker:
    connection = Connection(
        client=1,
        auth=auth,
        system_title="4654540000000001",
        password="password",
        block_key="block_key",
        auth_key="auth_key",
    )
    return CredentialMaker(connection, lambda name: bytes(16), lambda key, least, count: least)


def _heard(maker: CredentialMaker) -> Heard:
    ciphering = maker.make().ciphering
    assert isinstance(ciphering, Ciphering)
    return ciphering._heard


def test_a_counter_falls_only_where_the_meter_proves_anew_that_it_is_there() -> None:
    """High level security has a challenge that no recording answers: there, a meter may count anew. A
    password has none."""
    low, high = _maker(Auth.LOW), _maker(Auth.GMAC)
    assert _heard(low) is _heard(low)
    assert _heard(high) is not _heard(high)


def test_the_counter_of_the_initiate_response_may_be_used_once_more() -> None:
    """As gurux' servers do."""
    heard = Heard()
    heard.rises_to(7, opening=True)
    heard.rises_to(7)
    for counter in (7, 6):
        with pytest.raises(Replayed):
            heard.rises_to(counter)
