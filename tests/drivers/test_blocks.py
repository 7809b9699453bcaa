"""Long requests and responses: blocks of each service, and general block transfer with lost blocks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import errors
from drivers.connection import Protection
from drivers.dlms.acse import Conformance
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, array, encode, octet_string, structure
from drivers.dlms.general_blocks import Assembly, Block, GeneralBlocks, decode_block
from drivers.errors import Garbage, LinkLost, NoAnswer
from drivers.virtual.dlms import acse
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.general_blocks import GeneralBlockServer
from drivers.virtual.dlms.services import Result
from drivers.virtual.dlms.session import Session
from tests.drivers.dlms_pair import make_meter, manager, reader

PROFILE, PASSIVE = parse_item("7:1.0.99.1.0.255:2"), parse_item("20:0.0.13.0.0.255:9")
NAME = parse_item("20:0.0.13.0.0.255:6")


def long_day_table() -> Data:
    """Longer than any PDU of the virtual meters."""
    action = structure(
        octet_string(bytes([0, 0, 0, 0])),
        octet_string(bytes([0, 0, 10, 0, 100, 255])),
        Data(Tag.LONG_UNSIGNED, 1),
    )
    days = [structure(Data(Tag.UNSIGNED, n), array(*[action] * 10)) for n in range(1, 17)]
    return array(*days)


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("protection", [Protection.GLO, Protection.GENERAL_DED, Protection.ONE_PASS])
def test_long_reads_and_writes_under_protection(general: bool, protection: Protection) -> None:
    meter = make_meter("idis-3ph-ct", suite=1)
    client = manager(
        meter, protection, signed=protection is Protection.ONE_PASS, general_blocks=general, max_pdu=600
    )
    assert client.allows(Conformance.GENERAL_BLOCK_TRANSFER) is general
    rows = client.get(PROFILE).data
    assert rows is not None
    assert len(rows.items) == 2 * 96
    table = long_day_table()
    assert len(encode(table)) > meter.device.max_pdu
    client.set(PASSIVE, table)
    assert client.get(PASSIVE).data == table


@pytest.mark.parametrize("general", [False, True])
def test_lists_of_writes_and_methods_in_one_request_and_in_blocks(general: bool) -> None:
    client = manager(make_meter("idis-3ph-ct"), general_blocks=general, max_pdu=500)
    table = long_day_table()
    short = [(NAME, octet_string(b"A")), (parse_item("3:1.0.1.8.0.255:2"), octet_string(b"B"))]
    assert client.set_list(short) == [0, Result.READ_WRITE_DENIED]
    assert client.set_list([(PASSIVE, table), (NAME, octet_string(b"LONG"))]) == [0, 0]
    assert client.get_list([PASSIVE, NAME])[1].data == octet_string(b"LONG")
    capture, unknown = parse_item("7:1.0.99.1.0.255:2"), parse_item("7:1.0.99.1.0.255:9")
    results = client.action_list([(capture, Data(Tag.INTEGER, 0)), (unknown, Data(Tag.INTEGER, 0))])
    assert [r.result for r in results] == [0, Result.OBJECT_UNDEFINED]
    long = octet_string(bytes(3000))
    refused = client.action_list([(unknown, long), (unknown, long)])
    assert [r.result for r in refused] == [Result.OBJECT_UNDEFINED] * 2
    with pytest.raises(errors.MeterRefused):
        client.action(unknown, long)


def test_a_window_of_blocks_costs_one_exchange() -> None:
    """512 octets of PDU, a profile of some 7 kB: classic blocks take one exchange each."""
    counts = []
    for general in (False, True):
        client = manager(make_meter("plc-prepay-1ph"), general_blocks=general, max_pdu=512)
        before = client._channel.exchanges
        assert client.get(PROFILE).data is not None
        counts.append(client._channel.exchanges - before)
    assert counts[1] * 2 < counts[0], counts


# ---- general block transfer without a line


class Lossy:
    """A channel to a general block server that forgets the blocks it is told to."""

    def __init__(self, session: Session, loses: Callable[[], bool]) -> None:
        self._server = GeneralBlockServer(session)
        self._loses = loses
        self._waiting: list[bytes] = []
        self.exchanges = self.repeats = 0
        self.ends_association = True

    def _give(self, apdu: bytes) -> None:
        if not (apdu[:1] == b"\xe0" and self._loses()):
            answers = self._server.handle(apdu, 0.0)
            self._waiting += [a for a in answers if not (a[:1] == b"\xe0" and self._loses())]

    def send(self, apdu: bytes) -> None:
        self._give(apdu)

    def exchange(self, apdu: bytes) -> bytes:
        self.exchanges += 1
        self._waiting.clear()
        self._give(apdu)
        return self.listen()

    def listen(self) -> bytes:
        if not self._waiting:
            raise NoAnswer
        return self._waiting.pop(0)

    def disconnect(self) -> None:
        self._waiting.clear()


AARQ = "601DA109060760857405080101BE10040E01000000065F1F0400%06X%04X"
OBJECT_LIST = bytes.fromhex("C001C1000F0000280000FF0200")


def public_session(conformance: int, pdu: int) -> Session:
    session = Session(make_meter("idis-3ph-ct").device, 16, ServiceDispatcher)
    answer = session.handle(bytes.fromhex(AARQ % (conformance, pdu)), 0.0)
    assert answer is not None
    assert session.conformance
    return session


PUBLIC_BLOCKS = acse.GET | acse.GENERAL_BLOCK_TRANSFER


@given(st.lists(st.booleans(), max_size=60), st.integers(40, 200))
def test_lost_blocks_in_either_direction_are_sent_again(losses: list[bool], pdu: int) -> None:
    session = SESSIONS.setdefault(pdu, public_session(PUBLIC_BLOCKS, pdu))
    left = list(losses)
    blocks = GeneralBlocks(Lossy(session, lambda: left.pop(0) if left else False))
    blocks.enabled, blocks.limit = True, 13
    try:
        assert blocks.exchange(OBJECT_LIST) == EXPECTED
    except LinkLost:
        assert sum(losses) >= 8, "given up only after many losses"


SESSIONS: dict[int, Session] = {}


def _expected() -> bytes:
    session = public_session(PUBLIC_BLOCKS, 0)
    answer = session.handle(OBJECT_LIST, 0.0)
    assert answer is not None
    return answer


EXPECTED = _expected()


@given(st.permutations(range(1, 8)), st.sampled_from([0, 2]))
def test_blocks_are_put_in_order_whatever_the_order(order: list[int], acknowledged: int) -> None:
    """Numbers begin at 1 or, for a side that acknowledged before, behind its acknowledgements."""
    assembly = Assembly()
    for number in range(1, acknowledged + 1):
        assembly.add(Block(False, False, 1, number, 0, b""))
    for number in order:
        assembly.add(Block(number == 7, False, 1, number + acknowledged, 0, bytes([number])))
    if order[0] == 1:
        assert assembly.whole == bytes(range(1, 8))


@given(st.binary(max_size=60))
def test_a_block_is_understood_or_garbage(data: bytes) -> None:
    try:
        decode_block(b"\xe0" + data)
    except Garbage:
        return


@given(st.lists(st.binary(max_size=20).map(lambda b: b"\xe0" + b), max_size=5))
def test_no_block_breaks_the_virtual_meter(apdus: list[bytes]) -> None:
    server = GeneralBlockServer(SESSIONS.setdefault(100, public_session(PUBLIC_BLOCKS, 100)))
    for apdu in apdus:
        for answer in server.handle(apdu, 0.0):
            assert answer


def test_known_octets_of_an_acknowledgement() -> None:
    """As captured in the field: E0 83 0003 0006 00 acknowledges six blocks and takes three."""
    assert Block(True, False, 3, 3, 6, b"").encode() == bytes.fromhex("E0830003000600")
    assert decode_block(bytes.fromhex("E0830003000600")) == Block(True, False, 3, 3, 6, b"")


def test_who_does_not_propose_general_blocks_gets_those_of_the_service() -> None:
    client = reader(make_meter("idis-3ph-ct"), max_pdu=300)
    assert not client.allows(Conformance.GENERAL_BLOCK_TRANSFER)
    rows = client.get(PROFILE).data
    assert rows is not None
    assert len(rows.items) == 2 * 96
