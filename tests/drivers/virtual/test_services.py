"""GET, SET and ACTION: lists, blocks both ways, selective access, and the right refusal for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from gurux_dlms import GXDateTime, GXDLMSException
from gurux_dlms.enums import ErrorCode
from gurux_dlms.objects import (
    GXDLMSActivityCalendar,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDisconnectControl,
    GXDLMSLimiter,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)

from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import encode_length, i32, octets, u32
from tests.drivers.virtual.peer import START, Clock, GuruxPeer, make_meter, management, public, reader
from tests.drivers.virtual.primary import Manager

SERIAL = bytes.fromhex("0001 0000600100FF 02")
CLOCK = bytes.fromhex("0008 0000010000FF 02")
PROFILE_PERIOD = bytes.fromhex("0007 0100630100FF 04")
THRESHOLD = bytes.fromhex("0047 0000110000FF 04")
DURATION = bytes.fromhex("0047 0000110000FF 06")
CALENDAR_NAME = bytes.fromhex("0014 00000D0000FF 06")
CALENDAR_DAYS = bytes.fromhex("0014 00000D0000FF 09")
SPECIAL_DAYS = bytes.fromhex("000B 00000B0000FF 02")
GURUX_SKIPS = {116}
"""Classes without a decoder in gurux-dlms 1.0.203, which leaves them out of the list that it gives."""
OBJECT_LIST = bytes.fromhex("000F 0000280000FF 02")


def get(target: bytes) -> bytes:
    return b"\xc0\x01\xc1" + target + b"\x00"


def get_list(*targets: bytes) -> bytes:
    return b"\xc0\x03\xc1" + encode_length(len(targets)) + b"".join(target + b"\x00" for target in targets)


def put(target: bytes, value: axdr.Data) -> bytes:
    return b"\xc1\x01\xc1" + target + b"\x00" + axdr.encode(value)


@pytest.mark.parametrize("model", ["prime-1ph", "idis-3ph-ct", "plc-prepay-1ph"])
@pytest.mark.parametrize("client", [public, reader, management])
def test_gurux_reads_everything_the_object_list_allows(model: str, client: type[GuruxPeer]) -> None:
    """Every attribute that object_list calls readable can be read and decoded by a foreign codec."""
    meter = make_meter(model, days=1)
    peer = client(meter).connect()
    objects = peer.codec.parseObjects(peer.exchange(peer.codec.getObjectsRequest()).data, True)
    assert len(objects) == sum(
        any(a.rights.of(peer.codec.clientAddress) for a in thing.attributes.values())
        for thing in meter.device.objects.values()
        if thing.class_id not in GURUX_SKIPS
    )
    for thing in objects:
        name = bytes(int(part) for part in thing.logicalName.split("."))
        assert meter.device.objects[name].class_id == int(thing.objectType)
        assert meter.device.objects[name].version == thing.version
        order = [i for i in sorted(meter.device.objects[name].attributes) if int(thing.getAccess(i)) & 1]
        for index in sorted(order, key=lambda i: (i == 2, i)):  # the buffer after its capture objects
            peer.read(thing, index)


def test_with_list_gives_the_same_as_single_reads() -> None:
    peer = reader(make_meter(), now=lambda: 0.0).connect()
    registers = [
        GXDLMSRegister(f"1.0.{code}.255") for code in ("1.8.0", "1.8.1", "32.7.0", "31.7.0", "33.7.0")
    ]
    singles = []
    for register in registers:
        peer.read(register, 3)
        singles.append(peer.read(register, 2))
    values: list[object] = []
    for request in peer.codec.readList([(register, 2) for register in registers]):
        values += peer.exchange(request).value
    peer.codec.updateValues([(register, 2) for register in registers], values)
    assert [register.value for register in registers] == singles


def test_with_list_answers_each_item_by_itself() -> None:
    peer = Manager(make_meter()).open()
    nobody, wrong_class = bytes.fromhex("00010000600109FF02"), bytes.fromhex("00030000600100FF02")
    answer = peer.request(get_list(SERIAL, nobody, wrong_class, OBJECT_LIST[:8] + b"\x09"))
    assert answer[:4] == b"\xc4\x03\xc1\x04"
    serial = axdr.encode(octets(b"ZIV0040123456"))
    assert answer[4:] == b"\x00" + serial + b"\x01\x04" + b"\x01\x09" + b"\x00" + axdr.encode(
        octets(bytes.fromhex("00002B0000FF"))
    )


def test_a_model_may_claim_with_list_and_refuse_it() -> None:
    """Some meters do: the client has to notice and read one by one."""
    peer = Manager(make_meter("plc-prepay-1ph")).open()
    assert peer.request(get_list(SERIAL, CLOCK)) == bytes([0xD8, 2, 2])
    assert peer.request(get(SERIAL))[0] == 0xC4
    limited = Manager(make_meter(list_limit=2)).open()
    assert limited.request(get_list(SERIAL, CLOCK))[0] == 0xC4
    assert limited.request(get_list(SERIAL, CLOCK, THRESHOLD)) == bytes([0xD8, 2, 2])


@pytest.mark.parametrize("pdu", [64, 100, 512])
def test_a_long_answer_comes_in_blocks_of_the_clients_size(pdu: int) -> None:
    whole = Manager(make_meter(clock=Clock())).open().request(get(OBJECT_LIST))[4:]
    peer = Manager(make_meter(clock=Clock()))
    peer.max_pdu = pdu
    peer.open()
    joined, number = b"", 0
    answer = peer.request(get(OBJECT_LIST))
    while True:
        number += 1
        assert answer[:3] == b"\xc4\x02\xc1"
        assert int.from_bytes(answer[4:8], "big") == number
        assert answer[8] == 0
        length, at = axdr.decode_length(answer, 9)
        joined += answer[at : at + length]
        assert len(answer) + 21 <= pdu, "with ciphering the APDU still fits"
        if answer[3]:
            break
        answer = peer.request(b"\xc0\x02\xc1" + number.to_bytes(4, "big"))
    assert joined == whole
    assert peer.request(b"\xc0\x02\xc1" + number.to_bytes(4, "big"))[8:] == b"\x01\x10"  # none in progress


def test_a_wrong_block_number_ends_the_transfer() -> None:
    peer = Manager(make_meter())
    peer.max_pdu = 100
    peer.open()
    peer.request(get(OBJECT_LIST))
    assert peer.request(b"\xc0\x02\xc1" + (7).to_bytes(4, "big"))[8:] == b"\x01\x13"
    assert peer.request(b"\xc0\x02\xc1" + (1).to_bytes(4, "big"))[8:] == b"\x01\x10"


def test_gurux_takes_blocks() -> None:
    peer = reader(make_meter())
    peer.codec.maxReceivePDUSize = 200
    peer.connect()
    objects = peer.codec.parseObjects(peer.exchange(peer.codec.getObjectsRequest()).data, True)
    assert len(objects) > 50


# -- writing --


def test_gurux_sets_clock_limiter_capture_period_and_calendar() -> None:
    clock = Clock()
    meter = make_meter(clock=clock)
    peer = management(meter).connect()
    limiter = GXDLMSLimiter("0.0.17.0.0.255")
    for index in (2, 3, 4):
        peer.read(limiter, index)
    limiter.thresholdNormal = 4600
    limiter.setDataType(4, 5)
    peer.exchange(peer.codec.write(limiter, 4))
    assert peer.read(GXDLMSLimiter("0.0.17.0.0.255"), 4) == 4600
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    profile.capturePeriod = 1800
    peer.exchange(peer.codec.write(profile, 4))
    assert peer.read(profile, 4) == 1800
    calendar = GXDLMSActivityCalendar("0.0.13.0.0.255")
    for index in range(2, 11):
        peer.read(calendar, index)
    calendar.calendarNamePassive = "T0002"
    peer.exchange(peer.codec.write(calendar, 6))
    for index in (7, 8, 9):
        peer.exchange(peer.codec.write(calendar, index))
    peer.exchange(calendar.activatePassiveCalendar(peer.codec))
    assert peer.read(GXDLMSActivityCalendar("0.0.13.0.0.255"), 2) == "T0002"
    watch = GXDLMSClock("0.0.1.0.0.255")
    wanted = datetime.fromtimestamp(clock.now + 300, UTC)
    watch.time = GXDateTime(wanted)
    peer.exchange(peer.codec.write(watch, 2))
    assert abs(meter.device.clock.now() - (clock.now + 300)) <= 1


def test_gurux_operates_the_relay() -> None:
    meter = make_meter()
    peer = management(meter).connect()
    relay = GXDLMSDisconnectControl("0.0.96.3.10.255")
    peer.exchange(relay.remoteDisconnect(peer.codec))
    assert peer.read(relay, 2) is False
    assert peer.read(GXDLMSRegister("1.0.31.7.0.255"), 2) == 0
    assert peer.read(GXDLMSRegister("1.0.32.7.0.255"), 2) > 2200
    peer.exchange(relay.remoteReconnect(peer.codec))
    assert peer.read(relay, 2) is True


def test_set_with_list_writes_each_and_says_which_failed() -> None:
    meter = make_meter()
    peer = Manager(meter).open()
    values = axdr.encode(i32(4000)) + axdr.encode(octets(b"x")) + axdr.encode(u32(33))
    request = (
        b"\xc1\x04\xc1\x03" + b"".join(t + b"\x00" for t in (THRESHOLD, SERIAL, DURATION)) + b"\x03" + values
    )
    assert peer.request(request) == bytes([0xC5, 5, 0xC1, 3, 0, 3, 0])
    assert peer.request(get(THRESHOLD))[4:] == axdr.encode(i32(4000))
    assert peer.request(get(DURATION))[4:] == axdr.encode(u32(33))


def test_set_in_blocks() -> None:
    """A day table that does not fit one PDU of the meter."""
    meter = make_meter()
    peer = Manager(meter).open()
    template = axdr.decode_whole(peer.request(get(CALENDAR_DAYS))[4:])
    days = axdr.array([axdr.structure(axdr.u8(n), template.items[0].items[1]) for n in range(1, 20)])
    raw = axdr.encode(days)
    blocks = [raw[i : i + 200] for i in range(0, len(raw), 200)]
    for number, block in enumerate(blocks, 1):
        body = bytes([number == len(blocks)]) + number.to_bytes(4, "big") + encode_length(len(block)) + block
        head = b"\xc1\x02\xc1" + CALENDAR_DAYS + b"\x00" if number == 1 else b"\xc1\x03\xc1"
        answer = peer.request(head + body)
        if number < len(blocks):
            assert answer == b"\xc5\x02\xc1" + number.to_bytes(4, "big")
    assert answer == b"\xc5\x03\xc1\x00" + len(blocks).to_bytes(4, "big")
    assert axdr.decode_whole(peer.request(get(CALENDAR_DAYS))[4:]) == days


def test_set_with_list_in_blocks() -> None:
    peer = Manager(make_meter()).open()
    raw = b"\x02" + axdr.encode(i32(3000)) + axdr.encode(u32(44))
    first = (
        b"\xc1\x05\xc1\x02" + THRESHOLD + b"\x00" + DURATION + b"\x00" + b"\x00\x00\x00\x00\x01\x04" + raw[:4]
    )
    assert peer.request(first) == b"\xc5\x02\xc1\x00\x00\x00\x01"
    rest = raw[4:]
    answer = peer.request(b"\xc1\x03\xc1\x01\x00\x00\x00\x02" + bytes([len(rest)]) + rest)
    assert answer == b"\xc5\x04\xc1\x02\x00\x00\x00\x00\x00\x02"
    assert peer.request(get(THRESHOLD))[4:] == axdr.encode(i32(3000))


def test_blocks_out_of_order_change_nothing() -> None:
    peer = Manager(make_meter()).open()
    before = peer.request(get(THRESHOLD))
    raw = axdr.encode(i32(1))
    assert peer.request(b"\xc1\x03\xc1\x01\x00\x00\x00\x02\x05" + raw)[3] == 18  # no long set in progress
    peer.request(b"\xc1\x02\xc1" + THRESHOLD + b"\x00\x00\x00\x00\x00\x01\x02" + raw[:2])
    assert peer.request(b"\xc1\x03\xc1\x01\x00\x00\x00\x03\x03" + raw[2:])[3] == 19  # number invalid
    assert peer.request(get(THRESHOLD)) == before


def test_action_with_list_and_in_blocks() -> None:
    meter = make_meter()
    peer = Manager(meter).open()
    relay = bytes.fromhex("0046 0000 60030AFF")
    both = b"\xc3\x03\xc1\x02" + relay + b"\x01" + relay + b"\x02" + b"\x02\x0f\x00\x0f\x00"
    assert peer.request(both) == bytes([0xC7, 3, 0xC1, 2, 0, 0, 0, 0])
    insert = SPECIAL_DAYS[:8] + b"\x01"
    entry = axdr.encode(axdr.structure(axdr.u16(9), octets(b"\x07\xea\x0c\x18\xff"), axdr.u8(2)))
    first = b"\xc3\x04\xc1" + insert + b"\x00\x00\x00\x00\x01\x06" + entry[:6]
    assert peer.request(first) == b"\xc7\x04\xc1\x00\x00\x00\x01"
    second = b"\xc3\x06\xc1\x01\x00\x00\x00\x02" + bytes([len(entry) - 6]) + entry[6:]
    assert peer.request(second) == bytes([0xC7, 1, 0xC1, 0, 0])
    assert entry in peer.request(get(SPECIAL_DAYS))


# -- refusals --


@pytest.mark.parametrize(
    ("target", "value", "result"),
    [
        (SERIAL, octets(b"x"), 3),  # read only
        (THRESHOLD, u32(1), 12),  # type
        (THRESHOLD, i32(-1), 250),  # no sense
        (PROFILE_PERIOD, u32(7), 250),
        (CALENDAR_NAME, i32(1), 12),
        (bytes.fromhex("0047 0000110009FF 04"), i32(1), 4),  # no such object
        (bytes.fromhex("0003 0000110000FF 04"), i32(1), 9),  # another class
        (bytes.fromhex("0047 0000110000FF 63"), i32(1), 4),  # no such attribute
        (CLOCK, octets(b"abc"), 12),
    ],
)
def test_a_write_that_can_not_be_is_refused_with_the_right_code(
    target: bytes, value: axdr.Data, result: int
) -> None:
    peer = Manager(make_meter()).open()
    assert peer.request(put(target, value)) == bytes([0xC5, 1, 0xC1, result])


def test_rights_differ_by_client() -> None:
    meter = make_meter()
    limiter = GXDLMSLimiter("0.0.17.0.0.255")
    with pytest.raises(GXDLMSException) as refused:
        public(meter).connect().read(limiter, 4)
    assert refused.value.errorCode == ErrorCode.READ_WRITE_DENIED
    peer = reader(meter).connect()
    peer.read(limiter, 4)
    limiter.thresholdActive = limiter.thresholdNormal = 1
    limiter.setDataType(4, 5)
    with pytest.raises(GXDLMSException) as refused:
        peer.exchange(peer.codec.write(limiter, 4))
    assert refused.value.errorCode == ErrorCode.READ_WRITE_DENIED
    relay = GXDLMSDisconnectControl("0.0.96.3.10.255")
    with pytest.raises(GXDLMSException):
        peer.exchange(relay.remoteDisconnect(peer.codec))
    assert meter.device.relay.closed


def test_secrets_are_never_readable() -> None:
    peer = Manager(make_meter()).open()
    for secret in ("000F 0000280002FF 07", "0013 0000140000FF 07", "0013 0000140000FF 09"):
        assert peer.request(get(bytes.fromhex(secret))) == bytes([0xC4, 1, 0xC1, 1, 3])


def test_malformed_and_unknown_services_get_an_exception() -> None:
    peer = Manager(make_meter()).open()
    assert peer.request(get(SERIAL)[:-3]) == bytes([0xD8, 1, 3])
    assert peer.request(get(SERIAL) + b"\x00") == bytes([0xD8, 1, 3])
    assert peer.request(b"\xc0\x07\xc1") == bytes([0xD8, 2, 2])


def test_an_unconfirmed_request_is_carried_out_without_an_answer() -> None:
    from drivers.virtual.dlms.hdlc import Control, Kind, decode_control

    peer = Manager(make_meter()).open()
    body = peer.protect(b"\xc1\x01\x81" + THRESHOLD + b"\x00" + axdr.encode(i32(2222)))
    (frame,) = peer.frame(
        Control(Kind.I, True, peer.send, peer.receive), b"\xe6\xe6\x00\xc9" + bytes([len(body)]) + body
    )
    assert decode_control(frame.control).kind is Kind.RR  # type: ignore[union-attr]
    peer.send = (peer.send + 1) % 8
    assert peer.request(get(THRESHOLD))[4:] == axdr.encode(i32(2222))


def test_the_readers_password_changes_and_the_old_one_is_dead() -> None:
    meter = make_meter()
    peer = Manager(meter).open()
    secret = bytes.fromhex("000F 0000280002FF 07")
    assert peer.request(put(secret, octets(b"short")))[3] == 250
    assert peer.request(put(secret, octets(b"newsecret")))[3] == 0
    with pytest.raises(GXDLMSException):
        reader(meter).connect()
    reader(meter, password="newsecret").connect()


# -- selective access --


def test_gurux_reads_rows_by_entry_and_by_range() -> None:
    clock = Clock()
    meter = make_meter(clock=clock, days=2)
    peer = reader(meter).connect()
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    for index in (3, 4, 7, 8):
        peer.read(profile, index)
    assert profile.entriesInUse == 2 * 96
    whole = peer.read(profile, 2)
    assert len(whole) == 192
    rows = peer.exchange(peer.codec.readRowsByEntry(profile, 5, 3)).value
    assert [row[2] for row in rows] == [row[2] for row in whole[4:7]]
    end = datetime.fromtimestamp(clock.now, UTC)
    reply = peer.exchange(peer.codec.readRowsByRange(profile, end - timedelta(hours=3), end))
    assert len(reply.value) == 12
    assert [row[2] for row in reply.value] == [row[2] for row in whole[-12:]]


def range_request(
    first: bytes, last: bytes, columns: bytes = b"\x01\x00", clock: str = "0000010000FF"
) -> bytes:
    restricting = b"\x02\x04\x12\x00\x08\x09\x06" + bytes.fromhex(clock) + b"\x0f\x02\x12\x00\x00"
    body = b"\x02\x04" + restricting + first + last + columns
    return b"\xc0\x01\xc1" + bytes.fromhex("0007 0100630100FF 02") + b"\x01\x01" + body


def moment(at: float, deviation: bytes = b"\x00\x00") -> bytes:
    when = datetime.fromtimestamp(at, UTC)
    date = when.year.to_bytes(2, "big") + bytes([when.month, when.day, 0xFF])
    return b"\x09\x0c" + date + bytes([when.hour, when.minute, when.second, 0]) + deviation + b"\x00"


def test_range_with_chosen_columns_and_open_ends() -> None:
    clock = Clock()
    peer = Manager(make_meter(clock=clock, days=1)).open()
    energy = b"\x01\x01\x02\x04\x12\x00\x03\x09\x06" + bytes.fromhex("0100010800FF") + b"\x0f\x02\x12\x00\x00"
    answer = peer.request(range_request(moment(START - 3600), b"\x00", energy))
    rows = axdr.decode_whole(answer[4:]).items
    assert len(rows) == 4
    assert all(len(row.items) == 1 and row.items[0].tag is axdr.Tag.DOUBLE_LONG_UNSIGNED for row in rows)
    assert (
        axdr.decode_whole(peer.request(range_request(moment(START + 9), moment(START + 99)))[4:]).items == ()
    )


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        (range_request(b"\x00", b"\x00", clock="0000010009FF"), 13),  # not captured
        (b"\xc0\x01\xc1" + bytes.fromhex("0007 0100630100FF 02") + b"\x01\x09\x00", 13),  # no such selector
        (b"\xc0\x01\xc1" + bytes.fromhex("0007 0100630100FF 02") + b"\x01\x02\x00", 12),  # no descriptor
        (b"\xc0\x01\xc1" + SERIAL + b"\x01\x01\x00", 13),  # has no selective access
    ],
)
def test_selective_access_that_makes_no_sense(request_: bytes, result: int) -> None:
    peer = Manager(make_meter()).open()
    assert peer.request(request_) == bytes([0xC4, 1, 0xC1, 1, result])


def test_data_object_is_no_register() -> None:
    with pytest.raises(GXDLMSException) as refused:
        public(make_meter()).connect().read(GXDLMSData("0.0.96.1.9.255"))
    assert refused.value.errorCode == ErrorCode.UNDEFINED_OBJECT
