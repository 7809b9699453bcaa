"""The meter as a process, reached as a client reaches it: raw TCP and RFC 2217 through pyserial."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial
from gurux_dlms.objects import GXDLMSData, GXDLMSProfileGeneric

from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.dlms.hdlc import Deframer, Frame
from drivers.virtual.models import MODELS
from tests.drivers.virtual.peer import management
from tests.drivers.virtual.primary import AARQ_PUBLIC, Manager, Primary

SNRM = bytes.fromhex("7EA0070321930F017E")
IDENTIFICATION = b"/ZIv5\\25CTD-E2F\r\n"


@contextmanager
def running(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A virtual meter in its own process; gives its address."""
    command = [
        sys.executable,
        "-m",
        "drivers",
        "virtual-meter",
        "--days",
        "1",
        "--reaction-ms",
        "1",
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        yield ready["listen"], process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


class Wire:
    """Stands in for a `Meter` in `Primary`: the same octets, but over a port that pyserial opened."""

    def __init__(self, url: str, device: Any = None, **settings: Any) -> None:
        self.port = serial.serial_for_url(url, timeout=5, **settings)
        self.device = device
        self.deframer = Deframer()

    def receive(self, octets: bytes, now: float) -> list[Any]:
        self.port.write(octets)
        frames: list[Frame] = []
        while not frames or not frames[-1].control & 0x10:
            data = self.port.read(1)
            if not data:
                break
            frames += self.deframer.feed(data + self.port.read(self.port.in_waiting))
        return [_Out(frame.encode()) for frame in frames]


class _Out:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets


def sign_on(port: serial.SerialBase) -> bytes:
    port.write(b"/?!\r\n")
    return bytes(port.read_until(b"\n"))


def test_over_tcp_from_sign_on_to_a_read_several_times() -> None:
    with running("--listen", "socket://127.0.0.1:0") as (url, process):
        for _ in range(3):
            wire = Wire(url)
            assert sign_on(wire.port) == IDENTIFICATION
            wire.port.write(b"\x06252\r\n")
            assert wire.port.read(6) == b"\x06252\r\n"
            peer = Primary(wire)  # type: ignore[arg-type]
            peer.snrm(2030, 2030, 7, 7)
            assert peer.apdu(AARQ_PUBLIC)[0] == 0x61
            assert b"ZIV0040123456" in peer.apdu(bytes.fromhex("C001C100010000600100FF0200"))
            wire.port.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_while_one_client_is_connected_another_is_turned_away() -> None:
    with running("--listen", "socket://127.0.0.1:0") as (url, _):
        host, port = url.removeprefix("socket://").split(":")
        first = socket.create_connection((host, int(port)), 5)
        first.sendall(b"/?!\r\n")
        assert first.recv(4)
        second = socket.create_connection((host, int(port)), 5)
        assert second.recv(1) == b""
        second.close()
        first.sendall(b"/?!\r\n")
        assert first.recv(1)
        first.close()


def test_over_rfc2217_rate_and_parity_decide_what_is_heard() -> None:
    with running("--listen", "rfc2217://127.0.0.1:0") as (url, _):
        wire = Wire(url, baudrate=9600, bytesize=8, parity="N")
        port = wire.port
        port.timeout = 0.3
        assert sign_on(port) == b"", "9600 8N1 is not 300 7E1"
        port.baudrate = 300
        assert sign_on(port) == b"", "parity is missing"
        port.bytesize, port.parity = 7, "E"
        assert sign_on(port) == IDENTIFICATION
        port.write(b"\x06252\r\n")
        port.baudrate = 9600
        port.bytesize, port.parity = 8, "N"
        port.read(100)  # the confirmation, while the port was changing
        port.timeout = 5
        peer = Primary(wire)  # type: ignore[arg-type]
        peer.snrm(2030, 2030, 1, 1)
        assert peer.apdu(AARQ_PUBLIC)[0] == 0x61
        port.baudrate, port.timeout = 4800, 0.3
        port.write(SNRM)
        garbage = port.read(100)
        assert not Deframer().feed(garbage), "with a link only the negotiated rate is heard"
        port.close()


def test_a_client_that_does_not_switch_hears_garbage() -> None:
    """Mode C: the block comes at 9600, the client stays at 300 and gets something else."""
    with running("--listen", "rfc2217://127.0.0.1:0") as (url, _):
        port = serial.serial_for_url(url, baudrate=300, bytesize=7, parity="E", timeout=3)
        assert sign_on(port) == IDENTIFICATION
        port.write(b"\x06050\r\n")
        heard = port.read(20)
        assert heard
        assert b"1.8.0" not in heard
        port.close()
        port = serial.serial_for_url(url, baudrate=300, bytesize=7, parity="E", timeout=2)
        assert sign_on(port) == IDENTIFICATION
        port.write(b"\x06000\r\n")  # at 300 all along
        assert b"1.8.0(" in port.read_until(b"!")
        port.close()


def test_a_client_that_switches_as_slowly_as_a_terminal_server_gets_the_readout() -> None:
    """A setting over RFC 2217 takes longer than this meter's 20 ms; an unpaced line had answered by then."""
    with running("--listen", "rfc2217://127.0.0.1:0") as (url, _):
        port = serial.serial_for_url(url, baudrate=300, bytesize=7, parity="E", timeout=3)
        assert sign_on(port) == IDENTIFICATION
        port.write(b"\x06050\r\n")
        port.baudrate = 9600
        heard = port.read_until(b"!")
        assert heard.startswith(b"\x02")
        assert b"1.8.0(" in heard
        port.close()


def test_octets_that_telnet_would_eat_come_through() -> None:
    """FF is escaped on the way; a data link that loses one never gets past its check sequence."""
    with running("--listen", "rfc2217://127.0.0.1:0") as (url, _):
        wire = Wire(url, baudrate=9600)
        peer = Primary(wire)  # type: ignore[arg-type]
        peer.snrm(2030, 2030, 1, 1)
        assert b"\xff" in AARQ_PUBLIC
        assert peer.apdu(AARQ_PUBLIC)[0] == 0x61
        answer = peer.apdu(bytes.fromhex("C001C1000F0000280000FF0200"))
        assert answer.count(b"\xff") > 5
        wire.port.close()


@pytest.mark.parametrize("listen", ["http://x:1", "socket://", "rfc2217://h:99999", "nonsense"])
def test_an_address_that_can_not_be_used_is_explained(listen: str) -> None:
    command = [sys.executable, "-m", "drivers", "virtual-meter", "--listen", listen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert listen in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"socket://127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "drivers", "virtual-meter", "--listen", listen]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_describe_tells_all_that_a_client_needs() -> None:
    command = [
        sys.executable,
        "-m",
        "drivers",
        "virtual-meter",
        "--describe",
        "--json",
        "--serial",
        "ZIV0040999999",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    told = json.loads(done.stdout)
    assert told["serial"] == "ZIV0040999999"
    assert {c["name"]: c["auth"] for c in told["clients"]} == {
        "public": "none",
        "management": "gmac",
        "reader": "low",
        "reader-md5": "md5",
        "reader-sha1": "sha1",
        "reader-sha256": "sha256",
        "reader-ciphered": "low",
    }
    counters = {c["name"]: c["invocation_counter"] for c in told["clients"] if c["invocation_counter"]}
    assert counters == {"management": "0.0.43.1.0.255", "reader-ciphered": "0.0.43.1.1.255"}
    assert len(told["system_title"]) == 16
    assert any(o["obis"] == "1.0.99.1.0.255" and o["class"] == 7 for o in told["objects"])


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_gurux_manages_the_meter_over_a_real_connection(scheme: str) -> None:
    """Somebody else's client: sign-on, GMAC with ciphering, reads, a write and its proof, release."""
    with running("--listen", f"{scheme}://127.0.0.1:0") as (url, _):
        wire = Wire(url, shadow(), baudrate=300, bytesize=7, parity="E")
        assert sign_on(wire.port) == IDENTIFICATION
        wire.port.write(b"\x06252\r\n")
        wire.port.flush()
        wire.port.baudrate = 9600
        wire.port.bytesize, wire.port.parity = 8, "N"
        wire.port.timeout = 0.2
        wire.port.read(6)
        wire.port.timeout = 5
        peer = management(wire, counter=10).connect()  # type: ignore[arg-type]
        assert bytes(peer.read(GXDLMSData("0.0.96.1.0.255"))) == b"ZIV0040123456"
        profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
        for index in (3, 7):
            peer.read(profile, index)
        assert len(peer.read(profile, 2)) == profile.entriesInUse == 96
        profile.capturePeriod = 1800
        peer.exchange(peer.codec.write(profile, 4))
        assert peer.read(profile, 4) == 1800
        wire.port.write(bytes(peer.codec.disconnectRequest()))
        assert wire.port.read(1) == b"\x7e"
        wire.port.close()


def shadow() -> LogicalDevice:
    """The same meter again in this process, for its serial and titles."""
    return LogicalDevice(MODELS["prime-1ph"], Settings("ZIV0040123456", days=0), time.time)


THRESHOLD = bytes.fromhex("00470000110000FF04")


def manager(url: str, counter: int) -> tuple[Manager, Wire]:
    wire = Wire(url, shadow())
    return Manager(wire, counter).open(), wire  # type: ignore[arg-type]


def test_what_was_written_survives_the_process_with_a_state_file(tmp_path: Path) -> None:
    """Settings, counters and log come back; a counter used before the restart is still refused."""
    state = tmp_path / "meter.json"
    options = ("--listen", "socket://127.0.0.1:0", "--state", str(state))
    with running(*options) as (url, process):
        peer, wire = manager(url, 100)
        assert peer.request(b"\xc1\x01\xc1" + THRESHOLD + b"\x00\x05" + (4321).to_bytes(4, "big"))[3] == 0
        used = peer.counter
        wire.port.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    with running(*options) as (url, _):
        again = Wire(url, peer.meter.device)
        replay = Manager(again, used - 5)  # type: ignore[arg-type]
        replay.snrm()
        assert replay.apdu(replay.aarq())[:3] == bytes([0xD8, 1, 6])
        again.port.close()
        peer, wire = manager(url, used + 10)
        assert peer.request(b"\xc0\x01\xc1" + THRESHOLD + b"\x00")[4:] == b"\x05" + (4321).to_bytes(4, "big")
        wire.port.close()


def test_a_setting_is_on_disk_before_its_answer_is_given(tmp_path: Path) -> None:
    """A process killed right after the answer has lost nothing that it confirmed."""
    state = tmp_path / "meter.json"
    options = ("--listen", "socket://127.0.0.1:0", "--state", str(state))
    with running(*options) as (url, process):
        peer, wire = manager(url, 100)
        assert peer.request(b"\xc1\x01\xc1" + THRESHOLD + b"\x00\x05" + (1234).to_bytes(4, "big"))[3] == 0
        process.kill()
        wire.port.close()
    kept = json.loads(state.read_text())["values"]["71:0.0.17.0.0.255:4"]
    assert bytes.fromhex(kept) == b"\x05" + (1234).to_bytes(4, "big")


def test_a_state_file_of_another_meter_or_a_broken_one_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "meter.json"
    for content in ('{"form": 1, "serial": "X"}', "not json", "[]"):
        state.write_text(content)
        command = [sys.executable, "-m", "drivers", "virtual-meter", "--state", str(state)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        assert str(state) in done.stderr
        assert "Traceback" not in done.stderr
        assert state.read_text() == content


def test_power_loss_in_the_middle_of_a_write_and_the_meter_is_back_after_its_boot() -> None:
    with running("--listen", "socket://127.0.0.1:0", "--power-loss-write", "1", "--boot-s", "0.3") as (
        url,
        _,
    ):
        peer, wire = manager(url, 100)
        with pytest.raises((serial.SerialException, IndexError, AssertionError)):
            peer.request(b"\xc1\x01\xc1" + THRESHOLD + b"\x00\x05" + (4321).to_bytes(4, "big"))
        wire.port.close()
        counter, deadline = peer.counter, time.monotonic() + 10
        while True:
            counter += 10
            try:
                peer, wire = manager(url, counter)
                break
            except (serial.SerialException, AssertionError):
                assert time.monotonic() < deadline
        assert peer.request(b"\xc0\x01\xc1" + THRESHOLD + b"\x00")[4:] == b"\x05" + (5750).to_bytes(4, "big")
        wire.port.close()
