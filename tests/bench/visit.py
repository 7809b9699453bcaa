"""A visit over the optical port against what the line allows: ``python -m tests.bench.visit --json``.

The visit: sign-on, HLS-GMAC association (suite 0), 30 attributes, one day of 15 minute profile with 4
columns, clock compared; what needs the association view finds it cached from another meter of the type (what
checking it adds is told apart). At 9600 and 19200 baud, with 20, 50 and 200 ms reaction. And a program of 10
items: what holds now, each written and read back; its limit writes with-list, one request for each kind of
danger (``limit_single_seconds``: item by item).

``limit_seconds`` is computed from a fixed trace of other clients and servers (`visit_reference.toml`): no
octet of ours enters it. The usual way is the whole association view, single reads, frames of 128 bytes.
``seconds`` is the time on a line with computed pacing (each character takes its time, the meter answers after
its reaction, a clock moves when somebody waits) plus the processor time of our side. ``real`` is the same at
9600 baud and 50 ms by the watch: session program, virtual meter and sockets; ``--real``: at all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import msgspec

from drivers.connection import Connection
from drivers.dlms.view import TypeCache
from drivers.models import MeterModel, load_models
from drivers.session.client import OpticalSession
from drivers.virtual.faults import WriteFaults
from tests.campaign import tablet
from tests.campaign.line import Field, Stopwatch
from tests.campaign.meters import KINDS, NOW, WatchedMeter, standing_clock
from tests.campaign.tablet import Durable, Session
from tests.drivers.field import MANAGEMENT, MODELS, Host, virtual_meter

BAUDS, REACTIONS_MS = (9600, 19200), (20, 50, 200)
CHIEF = (9600, 50)
_PROCESSING = 0.002
_HERE = Path(__file__).parent
_PROGRAM = str(_HERE / "ten_items.toml")
_KIND = next(kind for kind in KINDS if kind.model == "idis-3ph-ct" and kind.program)
_USUAL = msgspec.structs.replace(MANAGEMENT, info_field=128, window=1)
_START = NOW.replace(minute=0, second=0) - timedelta(days=1) + timedelta(minutes=15)
_DAY = timedelta(days=1) - timedelta(minutes=15)
ITEMS = [
    "1:0.0.96.1.0.255:2",
    "8:0.0.1.0.0.255:2",
    *[f"3:1.0.{c}.8.{e}.255:2" for c, e in ((1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (3, 0), (4, 0))],
    *[f"3:1.0.{c}.7.0.255:2" for c in (1, 32, 31, 52, 51, 72, 71)],
]
"""Two without scaler, fourteen registers with value and scaler_unit: 30 attributes."""


@dataclass(frozen=True)
class Line:
    """One cell of the table."""

    baud: int
    reaction_ms: int

    @property
    def reaction(self) -> float:
        return self.reaction_ms / 1000


@dataclass(frozen=True)
class Run:
    """What one visit took: seconds on the line, processor seconds of our side, requests and octets."""

    line_seconds: float
    processor_seconds: float
    exchanges: int
    octets: int

    @property
    def seconds(self) -> float:
        return self.line_seconds + self.processor_seconds


def limit(what: str, line: Line) -> float:
    """Seconds that the line itself takes for the fixed trace; ``what``: visit, program, program_single."""
    trace = tomllib.loads((_HERE / "visit_reference.toml").read_text(encoding="utf-8"))
    total = 10 * trace["sign_on"]["characters"] / 300 + 3 * line.reaction
    for step in trace[what]:
        total += 10 * (step["tx"] + step["rx"]) / line.baud + step["requests"] * (line.reaction + _PROCESSING)
    return float(total)


# ---- on computed pacing


def simulated(
    steps: Callable[[Session], None],
    line: Line,
    connection: Connection,
    models: dict[str, MeterModel],
    cache: Path,
) -> Run:
    """One visit; the cache of types is that of the folder."""
    meter = WatchedMeter(
        _KIND, reaction=line.reaction, echo=False, faults=WriteFaults(), offset=120, baud=line.baud
    )
    field = Field(meter.line, fine=True)
    durable, watch = Durable(meter.secrets), Stopwatch()
    began, processor = field.clock.now(), time.process_time()
    with watch.running(), patch.object(tablet, "TypeCache", lambda folder: TypeCache(cache)):
        session = Session(field, connection, tablet.Host(durable, field), models)
        steps(session)
        taken = field.clock.now() - began
        spent = time.process_time() - processor - watch.inside
        exchanges = session.exchanges
        session.close()
    return Run(taken, spent, exchanges, field.characters)


def visit(session: Session) -> None:
    """What the visit reads."""
    readings = session.read_items(ITEMS)
    rows = session.profile(_START, _START + _DAY).rows
    if any(reading.value is None for reading in readings.readings) or len(rows) != 96:
        raise SystemExit("the visit did not read what it should")


def visit_with_view(session: Session) -> None:
    """The same with the association view: whole, or from the cache of its type and checked."""
    session.view()
    visit(session)


def program(session: Session) -> None:
    """Ten items: what holds, the writes, what holds then."""
    plan = session.plan(_PROGRAM, {})
    if len(plan.open_changes) != 10 or not session.apply_all(plan):
        raise SystemExit("the program was not written")


def usual_models(models: dict[str, MeterModel]) -> dict[str, MeterModel]:
    """The same model for a client that reads one attribute a request."""
    model = models[_KIND.model]
    quirks = msgspec.structs.replace(model.quirks, list_limit=1)
    return models | {model.name: msgspec.structs.replace(model, quirks=quirks)}


def cell(line: Line, models: dict[str, MeterModel], cache: Path) -> dict[str, object]:
    """Both ways and the program at one rate and reaction time."""
    single = usual_models(models)
    simulated(lambda session: session.view(), line, MANAGEMENT, models, cache)  # another meter of the type
    ours = simulated(visit, line, MANAGEMENT, models, cache)
    checked = simulated(visit_with_view, line, MANAGEMENT, models, cache)
    usual = simulated(visit_with_view, line, _USUAL, single, cache / "usual")
    wrote = simulated(program, line, MANAGEMENT, models, cache)
    wrote_usual = simulated(program, line, _USUAL, single, cache / "usual")
    least, least_program = limit("visit", line), limit("program", line)
    return {
        "baud": line.baud,
        "reaction_ms": line.reaction_ms,
        "seconds": round(ours.seconds, 2),
        "limit_seconds": round(least, 2),
        "ratio": round(ours.seconds / least, 3),
        "with_view_checked_seconds": round(checked.seconds, 2),
        "usual_seconds": round(usual.seconds, 2),
        "times_faster": round(usual.seconds / ours.seconds, 2),
        "exchanges": ours.exchanges,
        "bytes": ours.octets,
        "processor_seconds": round(ours.processor_seconds, 3),
        "processor_share": round(ours.processor_seconds / ours.line_seconds, 4),
        "program": {
            "items": 10,
            "seconds": round(wrote.seconds, 2),
            "limit_seconds": round(least_program, 2),
            "ratio": round(wrote.seconds / least_program, 3),
            "limit_single_seconds": round(limit("program_single", line), 2),
            "usual_seconds": round(wrote_usual.seconds, 2),
            "times_faster": round(wrote_usual.seconds / wrote.seconds, 2),
            "exchanges": wrote.exchanges,
        },
    }


# ---- by the watch


def real(line: Line, cache: Path) -> dict[str, object]:
    """The visit of two processes on a paced line; the time of starting the session program is told apart."""
    options = ("--paced", "--reaction-ms", str(line.reaction_ms), "--baud", str(line.baud), "--days", "2")
    end = (time.time() // 3600) * 3600
    with virtual_meter(_KIND.model, *options) as meter:
        began = time.monotonic()
        with OpticalSession(
            meter.url, MANAGEMENT, Host(meter.secrets), models=MODELS, cache=cache
        ) as session:
            ready = time.monotonic()
            session.read(ITEMS)
            rows = session.profile(None, _utc(end - 86400 + 900), _utc(end)).rows
            done = time.monotonic()
    if len(rows) != 96:
        raise SystemExit("the visit did not read what it should")
    seconds = done - ready
    return {
        "baud": line.baud,
        "reaction_ms": line.reaction_ms,
        "seconds": round(seconds, 2),
        "ratio": round(seconds / limit("visit", line), 3),
        "session_start_seconds": round(ready - began, 2),
    }


def _utc(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(moment))


def measure(*, all_real: bool = False) -> dict[str, object]:
    """Every cell; the chief one, 9600 baud and 50 ms, also on top."""
    models = load_models(MODELS)
    lines = [Line(baud, reaction) for baud in BAUDS for reaction in REACTIONS_MS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with standing_clock():
            cells = [cell(line, models, folder / f"{line.baud}-{line.reaction_ms}") for line in lines]
        watched = [real(line, folder / "real") for line in (lines if all_real else [Line(*CHIEF)])]
    chief = next(one for one in cells if (one["baud"], one["reaction_ms"]) == CHIEF)
    return chief | {"cells": cells, "real": watched}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.visit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--real", action="store_true", help="every line by the watch, too (a minute)")
    options = parser.parse_args(arguments)
    result = measure(all_real=options.real)
    if options.json:
        print(json.dumps(result))
        return 0
    print(" baud  Ta ms  seconds  limit  ratio  usual  faster  codec  | program  limit  ratio  usual")
    cells: list[dict[str, object]] = result["cells"]  # type: ignore[assignment]  # written above
    for one in cells:
        wrote: dict[str, object] = one["program"]  # type: ignore[assignment]  # written above
        print(
            f"{one['baud']:>5}  {one['reaction_ms']:>5}  {one['seconds']:>7}  {one['limit_seconds']:>5}"
            f"  {one['ratio']:>5}  {one['usual_seconds']:>5}  {one['times_faster']:>6}"
            f"  {100 * float(str(one['processor_share'])):>4.1f}%"
            f"  | {wrote['seconds']:>7}  {wrote['limit_seconds']:>5}  {wrote['ratio']:>5}"
            f"  {wrote['usual_seconds']:>5}"
        )
    for watched in result["real"]:  # type: ignore[attr-defined]  # written above
        print("by the watch:", watched)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
