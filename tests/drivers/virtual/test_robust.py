"""Whatever comes in, the meter goes on: random octets, random frames, random values for every attribute."""

from __future__ import annotations

import pytest
from gurux_dlms import GXReplyData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.hdlc import Address, Frame
from tests.drivers.virtual.peer import Clock, make_meter, management, reader
from tests.drivers.virtual.primary import AARQ_PUBLIC, Manager, Primary
from tests.drivers.virtual.test_codecs import values

_METERS = {model: make_meter(model, Clock(), days=1) for model in ("prime-1ph", "idis-3ph-ct")}
_TARGETS = [
    (model, thing.class_id, thing.logical_name, index, method)
    for model, meter in _METERS.items()
    for thing in meter.device.objects.values()
    for method, indexes in ((False, thing.attributes), (True, thing.methods))
    for index in indexes
    if method or thing.attributes[index].write is not None
]
RELAXED = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)


@RELAXED
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_random_octets_on_the_port(chunks: list[bytes]) -> None:
    meter = _METERS["prime-1ph"]
    meter.unplug()
    for number, chunk in enumerate(chunks):
        if chunk:
            meter.receive(chunk, number * 10.0)
    meter.unplug()
    assert meter.receive(b"/?!\r\n", 1000.0)[0].octets.startswith(b"/ZIv5")


@RELAXED
@given(st.integers(0, 255), st.binary(max_size=90), st.booleans())
def test_random_frames_on_an_open_link(control: int, information: bytes, segmented: bool) -> None:
    meter = _METERS["prime-1ph"]
    meter.unplug()
    peer = Primary(meter)
    peer.snrm()
    peer.apdu(AARQ_PUBLIC)
    peer.raw(Frame(peer.server, Address(16), control, information, segmented).encode())
    peer.snrm()
    assert peer.apdu(AARQ_PUBLIC)[0] == 0x61


@RELAXED
@given(st.binary(max_size=120))
def test_random_apdus_with_and_without_an_association(apdu: bytes) -> None:
    meter = _METERS["idis-3ph-ct"]
    meter.unplug()
    for begin in (b"", AARQ_PUBLIC):
        for head in (b"", b"\x60", b"\x62", b"\xc8", b"\xdb\x08", AARQ_PUBLIC[:20]):
            peer = Primary(meter)
            peer.information = 128
            peer.snrm()
            if begin:
                peer.apdu(begin)
            peer.apdu(head + apdu or b"\xc0")


@settings(RELAXED, max_examples=100)
@given(st.sampled_from(_TARGETS), values)
def test_random_values_for_every_attribute_and_method(
    target: tuple[str, int, bytes, int, bool], value: axdr.Data
) -> None:
    """Whatever is written is taken or refused by code, and registers and profile can still be read."""
    model, class_id, name, index, method = target
    meter = _METERS[model]
    meter.unplug()
    peer = Manager(meter, meter.device.security.received + 1)
    keys = meter.device.security
    peer.block_key, peer.auth_key = keys.key("key:block"), keys.key("key:auth")
    peer.open()
    body = class_id.to_bytes(2, "big") + name + bytes([index])
    if method:
        answer = peer.request(b"\xc3\x01\xc1" + body + b"\x01" + axdr.encode(value))
    else:
        answer = peer.request(b"\xc1\x01\xc1" + body + b"\x00" + axdr.encode(value))
    assert answer[:3] in (b"\xc5\x01\xc1", b"\xc7\x01\xc1")
    assert answer[3] in (0, 3, 4, 9, 12, 13, 250)
    for read in ("0003 0100010800FF 02", "0007 0100630100FF 07", "0008 0000010000FF 02"):
        assert peer.request(b"\xc0\x01\xc1" + bytes.fromhex(read) + b"\x00")[3] == 0


@pytest.mark.parametrize("client", [reader, management])
def test_gurux_releases_and_disconnects(client: type) -> None:
    peer = client(make_meter()).connect()
    for request in (peer.codec.releaseRequest(), peer.codec.disconnectRequest(True)):
        reply = GXReplyData()
        for frame in request if isinstance(request, list) else [request]:
            peer.codec.getData(peer.wire(frame), reply)
        assert reply.error == 0
    assert not peer.meter.busy
