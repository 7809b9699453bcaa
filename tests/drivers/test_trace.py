"""Traces: no secret in them, every frame in words, and the same meter again out of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import errors
from drivers.connection import Connection, Mode
from drivers.trace.apdus import explain_apdu, is_secret
from drivers.trace.explain import explain
from drivers.trace.record import Record, TraceWriter, parse_trace, read_trace
from drivers.virtual.replay import FrameReplay, apdus, exchanges, what_cannot_be_replayed
from tests.drivers.field import MANAGEMENT, READER, ROOT, Host, Meter, session, virtual_meter

REGISTER = "3:1.0.1.8.0.255:2"


def record(
    model: str, connection: Connection, path: Path, items: list[str] | None
) -> tuple[Meter, list[str | None]]:
    with virtual_meter(model, "--days", "1") as meter, session(meter, connection, trace=path) as at:
        return meter, [reading.value for reading in at.read(items).readings]


def replayed(path: Path, connection: Connection, meter: Meter, items: list[str] | None) -> list[str | None]:
    command = [
        sys.executable,
        "-m",
        "drivers",
        "virtual-meter",
        "--replay",
        str(path),
        "--serial",
        meter.serial,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["listen"]
        again = Meter(process, url, meter.serial)
        with session(again, connection, Host(meter.secrets)) as at:
            return [reading.value for reading in at.read(items).readings]
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.mark.parametrize("connection", [READER, MANAGEMENT], ids=["password", "ciphered"])
def test_a_dlms_session_is_recorded_without_secrets_explained_and_replayed(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "trace.jsonl"
    items = [REGISTER, "1:0.0.96.1.0.255:2"]
    meter, values = record("prime-1ph", connection, path, items)
    text = path.read_text().upper()
    for secret in meter.secrets.values():
        assert secret.hex().upper() not in text
        assert secret.decode("latin-1").upper() not in text
    records = read_trace(path)
    found = explain(records, lambda item: "active import" if item == REGISTER else None)
    said = "\n".join(row.text for row in found.rows)
    for word in ("request to identify", "mode E", "SNRM", "UA", "AARE: accepted", "(active import)", "DISC"):
        assert word in said
    assert found.verdict == "ended well"
    assert ("ciphered" in said) is (connection is MANAGEMENT)
    assert replayed(path, connection, meter, items[::-1]) == values[::-1], "asked in another order"


def test_an_old_meter_is_replayed_octet_for_octet(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    connection = Connection(mode=Mode.C)
    meter, values = record("iec-c-legacy", connection, path, None)
    assert "readout of 74 data sets, block check right" in [
        row.text for row in explain(read_trace(path)).rows
    ]
    assert replayed(path, connection, meter, None) == values


def test_an_ansi_session_is_explained_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    connection = Connection(mode=Mode.C12, client=2)
    meter, values = record("ansi-1ph", connection, path, ["ansi:ST23:1.8.0"])
    said = [row.text for row in explain(read_trace(path)).rows]
    assert {"identify", "negotiate", "logon", "read of table 23"} <= set(said)
    assert replayed(path, connection, meter, ["ansi:ST23:1.8.0"]) == values


def test_what_went_wrong_stands_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with virtual_meter("prime-1ph", "--days", "1") as meter:
        host = Host({"password": b"00000001"})
        with session(meter, READER, host, trace=path) as at, pytest.raises(errors.WrongPassword):
            at.identify()
    assert explain(read_trace(path)).verdict.startswith("wrong-password: ")
    assert "00000001" not in path.read_text()
    assert b"00000001".hex() not in path.read_text()


@pytest.mark.parametrize(
    ("apdu", "secret"),
    [
        ("C001410003010001080 0FF0200", False),
        ("C0014100 0F 0000280000FF 0700", True),  # the password of an association
        ("C1014100 0F 0000280000FF 0700 0908 3132333435363738", True),
        ("C3014100 40 00002B0000FF 0201 0100", True),  # key transfer
        ("C1014100 08 0000010000FF 0200 00", False),
        ("C0034102 0003 0100010800FF 0200 000F 0000280000FF 0700", True),  # in a list
        ("C10141", True),  # cut short: nobody can tell
        ("0601020A", True),  # a write by short name
    ],
)
def test_requests_that_carry_a_secret_are_known(apdu: str, secret: bool) -> None:
    assert is_secret(bytes.fromhex(apdu.replace(" ", ""))) is secret


def test_a_secret_that_the_session_knows_is_kept_out_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    writer = TraceWriter(path, "c", None, 1)
    writer.protect(b"12345678")
    writer(0.0, "tx", b"\x01W5\x02x(12345678)\x03q", False)
    writer.apdu("tx", b"\xc1\x0112345678", False)
    assert [(r.hidden, r.apdu, r.hex) for r in read_trace(path)[1:]] == [(17, None, None), (None, None, None)]


def test_a_repetition_and_a_silence_are_pointed_out() -> None:
    lines = [
        {"t": 0.0, "dir": "tx", "hex": "2F3F210D0A"},
        {"t": 2.5, "dir": "tx", "hex": "2F3F210D0A"},
        {"t": 5.5, "dir": "rx", "hex": b"/KAM 162C\r\n".hex()},
    ]
    found = explain(parse_trace(json.dumps(line) for line in lines))
    assert found.repeats == 1
    assert [row.text for row in found.rows if row.problem] == [
        "sent again: no usable answer came", "3.0 s of silence before"
    ]  # fmt: skip


def test_a_request_that_was_sent_again_is_one_exchange() -> None:
    records = [
        Record(0.0, "tx", "2F3F210D0A"),
        Record(2.0, "tx", "2F3F210D0A"),
        Record(3.0, "rx", "2F41"),
        Record(3.1, "rx", "42"),
    ]
    (one,) = exchanges(records)
    assert (one.request, one.answer) == (b"/?!\r\n", b"/AB")
    meter = FrameReplay(records)
    assert meter.receive(b"/?!", 0.0) == []
    assert [output.octets for output in meter.receive(b"\r\n", 0.0)] == [b"/AB"]
    assert meter.receive(b"/?999!\r\n", 0.0) == []
    assert meter.unknown == 1


@pytest.mark.parametrize("line", ["{", '{"t": 1, "dir": "tx", "hex": "4"}', '{"t": 1, "hidden": -1}', "[]"])
def test_a_file_that_is_no_trace_is_named_with_its_line(line: str) -> None:
    with pytest.raises(errors.WrongValue) as told:
        parse_trace(['{"t": 0}', line], "x.jsonl")
    assert "line 2" in told.value.message


TURNS = st.lists(
    st.tuples(st.sampled_from(["tx", "rx"]), st.binary(max_size=60), st.sampled_from([None, 7])), max_size=8
)


@given(TURNS, st.binary(max_size=80))
def test_no_octets_break_the_explainer_or_the_replay(
    turns: list[tuple[str, bytes, int | None]], more: bytes
) -> None:
    prefixes = (b"", b"\x7e\xa0", b"/", b"\xee\x00", b"\x02", b"\x00\x01\x00\x01\x00\x01\x00\x05")
    records = [
        Record(number / 2, way, None if hidden else (prefixes[number % 6] + data).hex(), hidden)
        for number, (way, data, hidden) in enumerate(turns)
    ]
    explain(records)
    explain_apdu(more, lambda item: None)
    is_secret(more)
    apdus(records)
    what_cannot_be_replayed(records)
    FrameReplay(records).receive(more, 0.0)
