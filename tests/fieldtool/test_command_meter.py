"""`fieldtool meter` at a virtual meter in a process of its own: what scripts and crews on a bench rely on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fieldtool.meterlog import MeterLog, counter_key
from tests.drivers.field import Meter, virtual_meter
from tests.fieldtool.test_command_faults import fieldtool

TITLE = "4654540000000001"


@pytest.fixture(scope="module")
def prime() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as meter:
        yield meter


def at(home: Path, meter: Meter, *arguments: str, managed: bool = False) -> tuple[int, str, str]:
    """A command of `meter`, with the reader's password or as management client."""
    secrets = meter.secrets
    names = {"EK": secrets["block_key"].hex(), "AK": secrets["auth_key"].hex()}
    given = ["--block-key", "env:EK", "--auth-key", "env:AK", "--client", "1", "--auth", "gmac"]
    if not managed:
        names = {"PW": secrets["password"].decode()}
        given = ["--password", "env:PW", "--client", "2", "--auth", "low"]
    words = ["meter", *arguments, "--port", meter.url, "--mode", "hdlc", *given]
    done = fieldtool(home, *words, **names)
    return done.returncode, done.stdout, done.stderr


def test_events_are_rows_with_the_names_of_the_model_file(tmp_path: Path, prime: Meter) -> None:
    status, out, _ = at(tmp_path, prime, "events", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["identity"]["serial"] == prime.serial
    assert [row["name"] for row in found["rows"]][:1] == ["Power up"]
    assert {"time", "code", "name", "status", "log", "details"} <= found["rows"][0].keys()
    status, out, _ = at(tmp_path, prime, "events", "--json", "--to", "2020-01-01T00:00:00Z")
    assert (status, json.loads(out)["rows"]) == (0, [])


def test_the_clock_is_shown_and_only_set_when_told_to(tmp_path: Path) -> None:
    with virtual_meter("prime-1ph", "--clock-offset-s", "120") as meter:
        status, out, _ = at(tmp_path, meter, "clock", "--json")
        shown = json.loads(out)
        assert (status, shown["set"]) == (0, None)
        assert abs(shown["drift_seconds"] - 120) <= 3
        status, out, _ = at(tmp_path, meter, "clock", "--set", "--json", managed=True)
        assert (status, json.loads(out)["set"]["complete"]) == (0, True)
        _, out, _ = at(tmp_path, meter, "clock", "--json")
        assert abs(json.loads(out)["drift_seconds"]) <= 3


def test_the_relay_moves_only_on_the_last_four_digits_and_leaves_a_record(
    tmp_path: Path, prime: Meter
) -> None:
    refused = [at(tmp_path, prime, "relay", "disconnect", managed=True)]
    refused.append(at(tmp_path, prime, "relay", "disconnect", "--confirm", "0000", managed=True))
    assert [status for status, _, _ in refused] == [1, 1]
    assert prime.serial not in refused[1][2]
    status, out, _ = at(
        tmp_path, prime, "relay", "disconnect", "--confirm", prime.serial[-4:], "--json", managed=True
    )
    assert (status, json.loads(out)["state"]) == (0, "verified")
    status, _, _ = at(tmp_path, prime, "relay", "reconnect", "--confirm", prime.serial[-4:], managed=True)
    assert status == 0
    with closing(sqlite3.connect(tmp_path / "meter-tool.db")) as connection:
        written = connection.execute("SELECT name, state FROM write_intent ORDER BY at").fetchall()
        counters = [name for (name,) in connection.execute("SELECT name FROM counter")]
    assert written == [("relay disconnect", "verified"), ("relay reconnect", "verified")]
    assert len(counters) == 1
    assert counters[0].startswith("ZIV")


@pytest.mark.parametrize(
    "arguments",
    [("events", "--from", "yesterday"), ("profile", "--to", "2026-01-01T00:00:00"), ("relay", "toggle")],
)
def test_what_cannot_be_meant_is_wrong_usage_before_the_line_is_touched(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = fieldtool(tmp_path, "meter", *arguments, "--port", "socket://127.0.0.1:9")
    assert done.returncode == 2


def test_counters_are_kept_by_meter_client_and_key(tmp_path: Path) -> None:
    """One counter for all meters ran every meter's counter up with the others'."""
    log = MeterLog(tmp_path / "meter-tool.db")
    one, other = (counter_key(meter, 1, TITLE, b"k" * 16) for meter in ("ZIV1", "ZIV2"))
    assert log.reserve_counter(one, 500, 64) == 500
    assert log.reserve_counter(other, 1, 64) == 1
    assert log.reserve_counter(counter_key("ZIV1", 1, TITLE, b"x" * 16), 1, 64) == 1


def test_no_value_goes_out_twice_where_one_counter_served_for_all(tmp_path: Path) -> None:
    """A nonce used twice under one key gives the key's secrets away: what the old shared counter gave, and
    what was given to a meter that did not say who it is, counts for every meter."""
    log = MeterLog(tmp_path / "meter-tool.db")
    log.reserve_counter("block_key/1", 900, 100)
    meter, unknown = (counter_key(name, 1, TITLE, b"k" * 16) for name in ("ZIV1", None))
    assert log.reserve_counter(meter, 1, 64) == 1000
    assert log.reserve_counter(unknown, 1, 64) == 1064
    assert log.reserve_counter(meter, 1, 64) == 1128
    assert log.reserve_counter(counter_key("ZIV1", 2, TITLE, b"k" * 16), 1, 64) == 1


def test_a_counters_name_does_not_give_the_key_away() -> None:
    name = counter_key("ZIV1", 1, TITLE, bytes(range(16)))
    assert len(name.rpartition("/")[2]) == 8
    assert bytes(range(16)).hex()[:8] not in name
