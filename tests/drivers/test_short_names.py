"""Short name referencing: our client, gurux's client and the virtual meter of that kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gurux_dlms.enums import Authentication
from gurux_dlms.objects import GXDLMSAssociationShortName
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from drivers import errors
from drivers.connection import Connection, Mode, Referencing
from drivers.dlms import short_names
from drivers.dlms.apdu import Block, Result, Selection
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, decode, encode, octet_string, structure
from drivers.dlms.short_names import Acknowledged
from drivers.dlms.view import ASSOCIATION_VIEW, decode_view
from drivers.model_view import decode_short_name_rights
from drivers.virtual import secrets
from tests.drivers.dlms_pair import MeterWire, make_meter, manager, reader
from tests.drivers.field import MANAGEMENT, READER, Meter, session, virtual_meter
from tests.drivers.virtual.peer import GuruxPeer

ENERGY, CLOCK = parse_item("3:1.0.1.8.0.255:2"), parse_item("8:0.0.1.0.0.255:2")
PROFILE = parse_item("7:1.0.99.1.0.255:2")


def test_attributes_are_asked_by_class_and_name_as_everywhere_else() -> None:
    meter = make_meter("sn-legacy")
    client = reader(meter)
    single = client.get(ENERGY)
    energy, missing, scaler = client.get_list([ENERGY, parse_item("3:1.0.99.8.0.255:2"), ENERGY.of(3)])
    assert single == energy
    assert energy.data is not None
    assert scaler.data is not None
    assert energy.data.number * 10 ** scaler.data.items[0].number == meter.device.energies.wh(1, 0) // 10 * 10
    assert missing == Result(None, 4)


def test_the_association_view_looks_like_that_of_logical_names() -> None:
    meter = make_meter("sn-legacy")
    data = reader(meter).get(ASSOCIATION_VIEW).data
    assert data is not None
    view = decode_view(data)
    assert {(v.class_id, v.obis) for v in view} >= {(3, "1.0.1.8.0.255"), (12, "0.0.40.0.0.255")}


def test_a_long_profile_comes_in_blocks_and_a_part_of_it_by_parameters() -> None:
    client = reader(make_meter("sn-legacy"))
    whole = client.get(PROFILE).data
    assert whole is not None
    rows = whole.items
    assert len(rows) == 2 * 96
    numbers = [Data(Tag.DOUBLE_LONG_UNSIGNED, n) for n in (3, 5)]
    columns = [Data(Tag.LONG_UNSIGNED, n) for n in (1, 0)]
    part = client.get(PROFILE, Selection(2, structure(*numbers, *columns))).data
    assert part is not None
    assert part.items == rows[2:5]


def test_gmac_and_global_ciphering_work_over_short_names_with_long_writes() -> None:
    """Passes 3 and 4 go through method 8 of 0xFA00; a passive calendar is longer than the meter's PDU."""
    client = manager(make_meter("sn-legacy"))
    passive = parse_item("20:0.0.13.0.0.255:9")
    days = client.get(passive).data
    assert days is not None
    day = days.items[0]
    action = day.items[1].items[0]
    many = Data(
        Tag.ARRAY,
        tuple(structure(Data(Tag.UNSIGNED, n), Data(Tag.ARRAY, (action,) * 8)) for n in range(1, 9)),
    )
    assert len(encode(many)) > 320 * 2
    client.set(passive, many)
    assert client.get(passive).data == many
    assert client.set_list([(parse_item("20:0.0.13.0.0.255:6"), octet_string(b"NEXT")), (ENERGY, days)]) == [
        0,
        3,
    ]
    client.action(parse_item("20:0.0.13.0.0.255:1"), Data(Tag.INTEGER, 0))
    assert client.get(parse_item("20:0.0.13.0.0.255:5")).data == many


def test_gurux_reads_the_short_name_meter() -> None:
    """Someone else's client: object list in blocks, attributes by short name."""
    meter = make_meter("sn-legacy")
    peer = GuruxPeer(meter, 2, Authentication.LOW, password=secrets.derive(meter.device.serial)["password"])
    peer.codec.useLogicalNameReferencing = False
    peer.connect()
    peer.codec.parseObjects(peer.exchange(peer.codec.getObjectsRequest()).data, True)
    found = {thing.logicalName: thing for thing in peer.codec.objects}
    register = found["1.0.1.8.0.255"]
    assert register.shortName == meter.device.base_names[bytes([1, 0, 1, 8, 0, 255])]
    peer.read(register, 3)
    assert peer.read(register, 2) == meter.device.energies.wh(1, 0) // 10 * 10
    own = GXDLMSAssociationShortName()
    assert len(peer.read(own, 2)) == len(found)


@pytest.fixture(scope="module")
def old() -> Iterator[Meter]:
    with virtual_meter("sn-legacy") as meter:
        yield meter


@pytest.mark.parametrize("referencing", list(Referencing))
def test_a_session_finds_the_referencing_by_itself(old: Meter, referencing: Referencing) -> None:
    """Told by nobody (the model's line is hidden by plain HDLC), by the model, or by the connection."""
    connection = Connection(
        mode=Mode.HDLC,
        client=2,
        auth=READER.auth,
        password="password",
        server="1:17",
        referencing=referencing,
    )
    with session(old, connection) as meter:
        if referencing is Referencing.LN:
            with pytest.raises(errors.AssociationRefused):
                meter.identify()
            return
        identity = meter.identify()
        assert identity.model == "sn-legacy"
        assert identity.serial == old.serial
        result = meter.read()
    assert all(reading.status is None for reading in result.readings), result.readings


def test_a_stale_counter_is_learnt_over_short_names_too(old: Meter) -> None:
    with session(old, MANAGEMENT) as meter:
        meter.identify()
    with session(old, MANAGEMENT) as meter:  # a new host, which begins at 1 again
        assert meter.read(["1:0.0.96.1.0.255:2"]).readings[0].value == old.serial


# ---- codec


DATA = st.recursive(
    st.one_of(
        st.integers(-(2**15), 2**15 - 1).map(lambda v: Data(Tag.LONG, v)),
        st.binary(max_size=40).map(octet_string),
        st.booleans().map(lambda v: Data(Tag.BOOLEAN, v)),
    ),
    lambda inner: st.lists(inner, max_size=5).map(lambda items: Data(Tag.STRUCTURE, tuple(items))),
    max_leaves=10,
)


@given(st.lists(DATA | st.integers(1, 250), min_size=1, max_size=8))
def test_results_survive_the_way_in_one_piece_or_joined(values: list[Data | int]) -> None:
    body = bytes([len(values)])
    for value in values:
        body += bytes([1, value]) if isinstance(value, int) else b"\x00" + encode(value)
    wanted = [Result(None, v) if isinstance(v, int) else Result(v) for v in values]
    assert short_names.parse_read_response(b"\x0c" + body) == wanted
    assert short_names.parse_joined(body) == wanted


def test_blocks_of_servers_that_leave_out_the_list_are_understood() -> None:
    value = structure(octet_string(b"x" * 20), Data(Tag.LONG, 5))
    assert short_names.parse_joined(encode(value)) == [Result(value)]
    assert decode(encode(value)) == value


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x0c", b"\x0d", b"\x0c\x01\x02\x00\x00\x01", b"\xd8", b"\x0e"]),
)
def test_nothing_that_a_meter_sends_raises_anything_but_our_errors(data: bytes, head: bytes) -> None:
    for parse in (
        short_names.parse_read_response,
        short_names.parse_write_response,
        short_names.parse_joined,
    ):
        try:
            parse(head + data)
        except errors.DriverError:
            continue


def test_known_octets() -> None:
    """The shapes of the Green Book's ReadResponse and WriteResponse."""
    assert short_names.read_request([short_names.variable(0xFA08)]) == bytes.fromhex("050102FA08")
    assert short_names.parse_read_response(bytes.fromhex("0C01020000010301000A")) == Block(
        1, False, b"\x01\x00\x0a"
    )
    assert short_names.parse_read_response(bytes.fromhex("0C01030007")) == [] or Acknowledged(7)
    assert short_names.parse_write_response(bytes.fromhex("0D0200010B")) == [0, 11]
    assert short_names.parse_write_response(bytes.fromhex("0D01020003")) == Acknowledged(3)


def test_a_lost_frame_in_the_middle_of_blocks_is_recovered() -> None:
    meter = make_meter("sn-legacy")
    client = reader(meter)
    wire = client._channel._wire  # type: ignore[attr-defined]  # the line is ours to damage
    assert isinstance(wire, MeterWire)
    count = 0

    def lose_each_fifth(data: bytes) -> bytes:
        nonlocal count
        count += 1
        return b"" if count % 5 == 0 else data

    wire.from_meter = lose_each_fifth
    whole = client.get(PROFILE).data
    assert whole is not None
    assert len(whole.items) == 2 * 96


def test_the_view_says_what_this_client_may_do(old: Meter) -> None:
    """Rights stand beside the object list there. `meter view` called the list itself garbage on the line."""
    with session(old, structs.replace(READER, mode=Mode.HDLC, server="1:17")) as meter:
        view = meter.view()
    by_name = {known.obis: known for known in view.objects}
    assert by_name["1.0.1.8.0.255"].attributes == {1: 1, 2: 1, 3: 1}
    device = make_meter("sn-legacy").device
    visible = [
        thing
        for thing in device.objects.values()
        if any(attribute.rights.of(2) for attribute in thing.attributes.values())
    ]
    assert len(view.objects) == len(visible)
    for thing in visible:
        known = by_name[".".join(map(str, thing.logical_name))]
        assert (known.class_id, known.version) == (thing.class_id, thing.version)
        assert known.attributes == {n: one.rights.of(2) for n, one in thing.attributes.items()}
        assert known.methods == [n for n, one in sorted(thing.methods.items()) if one.rights.of(2)]


def test_rights_of_short_names_that_make_no_sense_are_garbage() -> None:
    short = Data(Tag.ARRAY, (Data(Tag.STRUCTURE, (Data(Tag.LONG, 1),)),))
    with pytest.raises(errors.Garbage):
        decode_short_name_rights(short, Data(Tag.ARRAY, ()))
