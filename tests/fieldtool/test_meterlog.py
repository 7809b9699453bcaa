"""The meter tool's own record: no write without it, no counter twice, one title for this machine."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from drivers.changes import OutcomeState, WriteIntent, WriteOutcome
from fieldtool.commands import secrets
from fieldtool.errors import JobError
from fieldtool.meterlog import MeterLog


def intent(number: str) -> WriteIntent:
    return WriteIntent(number, "ZIV0045670000", "8:0.0.1.0.0.255:2", "clock", "10:00", "10:04", "residential")


def test_what_a_cut_left_open_is_found_again_until_it_is_settled(tmp_path: Path) -> None:
    log = MeterLog(tmp_path / "meter-tool.db")
    log.record_intent(intent("a"))
    log.record_intent(intent("b"))
    log.record_outcome(WriteOutcome("a", OutcomeState.VERIFIED, "10:04"))
    log.record_outcome(WriteOutcome("b", OutcomeState.INTENDED))
    again = MeterLog(tmp_path / "meter-tool.db")
    assert [one.id for one in again.open_intents("ZIV0045670000")] == ["b"]
    assert again.open_intents("ZIV0000000000") == []


def test_a_counter_is_never_given_twice_even_to_several_programs_at_once(tmp_path: Path) -> None:
    path, given, lock = tmp_path / "meter-tool.db", [], threading.Lock()
    MeterLog(path)

    def take() -> None:
        log = MeterLog(path)
        for _ in range(10):
            first = log.reserve_counter("meter/1", 100, 3)
            with lock:
                given.extend(range(first, first + 3))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 120
    assert min(given) == 100
    assert MeterLog(path).reserve_counter("meter/1", 5000, 1) == 5000


def test_the_system_title_is_drawn_once(tmp_path: Path) -> None:
    title = MeterLog(tmp_path / "a.db").system_title()
    assert MeterLog(tmp_path / "a.db").system_title() == title
    assert len(bytes.fromhex(title)) == 8
    assert MeterLog(tmp_path / "b.db").system_title() != title


def test_secrets_are_named_and_a_literal_warns_without_being_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METER_PASSWORD", "12345678")
    (tmp_path / "key").write_text("00F26803DDD4CE83BE6A0528461123A8\n")
    assert secrets.resolve("env:METER_PASSWORD", "--password") == "12345678"
    key = secrets.resolve(f"file:{tmp_path / 'key'}", "--block-key")
    assert secrets.key_bytes(key, "--block-key") == bytes.fromhex("00F26803DDD4CE83BE6A0528461123A8")
    assert capsys.readouterr().err == ""
    assert secrets.resolve("87654321", "--password") == "87654321"
    warned = capsys.readouterr().err
    assert "warning" in warned
    assert "87654321" not in warned
    with pytest.raises(JobError, match="NOT_SET"):
        secrets.resolve("env:NOT_SET", "--password")
    with pytest.raises(JobError) as caught:
        secrets.key_bytes("00F268", "--auth-key")
    assert "00F268" not in str(caught.value)
