"""Ports: what an adapter cannot do, what vanishes and where it is found again."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import ports
from drivers.errors import Cancelled, NoProbe, PortVanished
from drivers.line import Line
from drivers.ports import ProbePort, find_again, hdlc_format, iec_format, open_port, with_even_parity


@given(st.binary(max_size=64))
def test_software_parity_is_even_and_keeps_the_seven_bits(data: bytes) -> None:
    for sent, byte in zip(with_even_parity(data), data, strict=True):
        assert sent & 0x7F == byte & 0x7F
        assert sent.bit_count() % 2 == 0


class NarrowAdapter:
    """A serial port whose driver knows 8N1 only, as of many Bluetooth probes."""

    def __init__(self) -> None:
        self._baudrate, self._bytesize, self._parity = 0, 0, ""
        self.sent = b""

    def __setattr__(self, name: str, value: object) -> None:
        private = f"_{name}" if name in ("baudrate", "bytesize", "parity") else name
        object.__setattr__(self, private, value)

    def _reconfigure_port(self) -> None:
        if self._parity != "N":
            raise ValueError("parity is not supported")

    open = _reconfigure_port

    def write(self, data: bytes) -> None:
        self.sent = data


def test_an_adapter_without_7e1_gets_its_parity_in_software(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = NarrowAdapter()
    monkeypatch.setattr("serial.serial_for_url", lambda url, do_not_open: adapter)
    port = open_port("COM9", iec_format(300))
    port.write(b"/?!\r\n")
    assert adapter.sent == with_even_parity(b"/?!\r\n")
    port.set_line(hdlc_format(9600))
    port.write(b"\x7e\xa0")
    assert adapter.sent == b"\x7e\xa0"
    port.set_line(iec_format(300))
    port.write(b"A")
    assert adapter.sent == with_even_parity(b"A")


@pytest.mark.parametrize("url", ["/dev/ttyNONE9", "socket://127.0.0.1:1", "rfc2217://127.0.0.1:1", "odd://x"])
def test_a_port_that_is_not_there_is_no_probe(url: str) -> None:
    with pytest.raises(NoProbe):
        open_port(url, hdlc_format(9600))


def test_a_probe_is_found_under_its_new_name_by_vid_pid_and_serial(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ProbePort("/dev/ttyUSB0", "probe", 0x0403, 0x6001, "A1")
    now_there = [ProbePort("/dev/ttyUSB1", "probe", 0x0403, 0x6001, "A1"), ProbePort("/dev/ttyS0", "other")]
    tried: list[str] = []

    def opened(url: str, line: object, *, wait: float) -> object:
        tried.append(url)
        return object()

    monkeypatch.setattr(ports, "discover", lambda: now_there)
    monkeypatch.setattr(ports, "open_port", opened)
    find_again(old.url, old, hdlc_format(9600), wait=1, pause=lambda seconds: None)
    assert tried == ["/dev/ttyUSB1"]


def test_looking_for_a_vanished_port_is_bounded_and_can_be_cancelled() -> None:
    clock = [0.0]

    def pause(seconds: float) -> None:
        clock[0] += seconds

    with pytest.raises(PortVanished):
        find_again("/dev/ttyNONE9", None, hdlc_format(9600), wait=3, pause=pause, now=lambda: clock[0])
    assert 3 <= clock[0] < 4

    def cancelled(seconds: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_again("/dev/ttyNONE9", None, hdlc_format(9600), wait=3, pause=cancelled)


def test_a_probe_unplugged_under_our_hands_is_vanished_not_a_crash() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(f"socket://127.0.0.1:{listener.getsockname()[1]}", hdlc_format(9600))
    peer, _ = listener.accept()
    peer.close()
    listener.close()
    with pytest.raises(PortVanished):
        line.read(line.now() + 1)
    line.close()
