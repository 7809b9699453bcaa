"""A visit over the optical port against what the line allows: ``python -m tests.bench.visit --json``.

The visit: sign-on, HLS-GMAC association, 30 attributes and one day of load profile, on the
virtual meter's line paced at 9600 baud with 50 ms reaction. It is set against the published limit (6.1 s),
against the same formula on the bytes that this run sent itself, and against the usual client way: whole
association view, single reads, 128 byte frames. Identity and scalers are read on top of the 30 attributes;
the limit does not count them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from drivers.connection import Connection
from drivers.models import load_model
from drivers.reading import ByteCount
from drivers.session.client import OpticalSession
from tests.drivers.field import MANAGEMENT, MODELS, Host, Meter, virtual_meter

PUBLISHED_LIMIT = 6.1
"""Seconds at 9600 baud and 50 ms: a trace of other clients and servers, in which our bytes have no part."""
BAUD = 9600
REACTION = 0.05
_PROCESSING = 0.002
_MODEL = "idis-3ph-ct"


@dataclass(frozen=True)
class Run:
    """One visit: seconds from the first byte's preparation to the last row, and what it took."""

    seconds: float
    start_seconds: float
    exchanges: int
    traffic: ByteCount
    attributes: int
    rows: int

    @property
    def own_limit(self) -> float:
        """What the line takes for these bytes: 10 bits each, a reaction a request; sign-on at 300 baud."""
        sign_on = 5 + 6 + 6 + 16
        moved = self.traffic.tx + self.traffic.rx - sign_on
        line = 10 * moved / BAUD + (self.exchanges - 2) * (REACTION + _PROCESSING)
        return line + 10 * sign_on / 300 + 3 * REACTION


def visit(meter: Meter, connection: Connection, models: Path, cache: Path, *, whole_view: bool) -> Run:
    """One visit by a fresh session program."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=1) + timedelta(minutes=15)
    began = time.monotonic()
    with OpticalSession(meter.url, connection, Host(meter.secrets), models=models, cache=cache) as session:
        ready = time.monotonic()
        session.identify()
        if whole_view:
            session.read(["15:0.0.40.0.0.255:2"])
        readings = session.read()
        profile = session.profile(None, start.isoformat(), end.isoformat())
        done = time.monotonic()
    if any(reading.status for reading in readings.readings) or len(profile.rows) != 96:
        raise SystemExit("the visit did not read what it should")
    return Run(
        done - ready,
        ready - began,
        profile.exchanges,
        profile.bytes,
        len(readings.readings),
        len(profile.rows),
    )


def usual_models(folder: Path) -> Path:
    """The same model files for a client that reads one attribute a request."""
    models = folder / "models"
    shutil.copytree(MODELS, models)
    path = models / f"{_MODEL}.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("[[readings]]", "[quirks]\nlist_limit = 1\n\n[[readings]]", 1), encoding="utf-8"
    )
    load_model(path)
    return models


def measure(scheme: str) -> dict[str, object]:
    """Both ways, one after the other, each on its own meter of the type."""
    line = ("--paced", "--reaction-ms", str(int(REACTION * 1000)), "--baud", str(BAUD))
    listen = f"{scheme}://127.0.0.1:0"
    usual_way = msgspec.structs.replace(MANAGEMENT, info_field=128, window=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with virtual_meter(_MODEL, *line, listen=listen) as meter:
            ours = visit(meter, MANAGEMENT, MODELS, folder / "cache", whole_view=False)
        with virtual_meter(_MODEL, *line, listen=listen) as meter:
            usual = visit(meter, usual_way, usual_models(folder), folder / "usual", whole_view=True)
    return {
        "baud": BAUD,
        "reaction_ms": int(REACTION * 1000),
        "port": scheme,
        "attributes": ours.attributes,
        "profile_rows": ours.rows,
        "seconds": round(ours.seconds, 2),
        "session_start_seconds": round(ours.start_seconds, 2),
        "limit_seconds": PUBLISHED_LIMIT,
        "ratio": round(ours.seconds / PUBLISHED_LIMIT, 3),
        "own_limit_seconds": round(ours.own_limit, 2),
        "own_ratio": round(ours.seconds / ours.own_limit, 3),
        "exchanges": ours.exchanges,
        "bytes": {"tx": ours.traffic.tx, "rx": ours.traffic.rx},
        "usual_seconds": round(usual.seconds, 2),
        "usual_exchanges": usual.exchanges,
        "usual_bytes": {"tx": usual.traffic.tx, "rx": usual.traffic.rx},
        "times_faster": round(usual.seconds / ours.seconds, 2),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.visit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--port", choices=["socket", "rfc2217"], default="socket", help="kind of port")
    options = parser.parse_args(arguments)
    result = measure(options.port)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
