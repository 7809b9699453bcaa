"""Hundreds of visits under faults: ``python -m tests.campaign.visits [--visits N --seconds S --json]``.

Whole visits of the driver to the virtual meters on simulated time: a clock that moves only when somebody
waits, characters that take the time they take at the baud rate. First a cut at every frame boundary of each
kind of meter; of each program a power loss and the tablet's death at every frame, around every write and
every durable act; then mixtures drawn from the seed: echo, bit errors from 1e-5 to 1e-3, several cuts,
wrong secrets. Last a small sample with real processes and real time.

Exit status 1 if any wrong value was accepted, any meter left in a state nobody was told of, any counter used
twice, any password retried, or anything but the driver's own errors came out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing import get_context
from unittest.mock import patch

from drivers.errors import DriverError
from drivers.models import MeterModel, load_models
from drivers.virtual.faults import WriteFaults
from tests.campaign.checks import Nonces, Truth, unreported
from tests.campaign.line import Fault, Field, Stopwatch, Stuck, TabletDied
from tests.campaign.line import Kind as FaultKind
from tests.campaign.meters import KINDS, NOW, Kind, WatchedMeter, standing_clock
from tests.campaign.real import real_time
from tests.campaign.tablet import Durable, Host, Taken, Work, do, settle
from tests.drivers.field import MODELS

VISITS, SECONDS, SEED, WORKERS = 1000, 140.0, 1, 2
_TRIES = 4
_MANY = 200
_OTHERS = (FaultKind.VANISH, None, FaultKind.KILL, None, FaultKind.POWER, None, None)
_CLOCK_OFFSETS = (0, 120, -300)
_MUST_BE_ZERO = ("wrong_values", "unreported", "counters_reused", "passwords_retried", "crashes", "stuck")


@dataclass(frozen=True)
class Spec:
    """One visit to be made. `dies_at`: the durable act at which the tablet dies, `keeps`: after it; `strips`:
    the adapter does not deliver parity bits."""

    kind: Kind
    seed: int
    faults: tuple[Fault, ...] = ()
    error_rate: float = 0.0
    echo: bool = False
    reaction: float = 0.02
    clock_offset: int = 120
    power_loss: int | None = None
    dies_at: int = 0
    keeps: bool = True
    wrong_secret: bool = False
    boot: float = 2.0
    in_program: bool = False
    strips: bool = False

    @property
    def cause(self) -> str:
        """The chief fault, for the table."""
        if self.in_program:
            dies = self.dies_at or (self.faults and self.faults[0].kind is FaultKind.KILL)
            where = "a frame" if self.faults else "a write"
            return f"program: {'tablet dies' if dies else 'power loss'} at {where}"
        if self.wrong_secret:
            return "wrong secret"
        if self.error_rate:
            return "mixture"
        if self.power_loss:
            return "power loss in a write"
        if self.dies_at:
            return "tablet dies at a durable act"
        return {
            FaultKind.SLIP: "head lifted",
            FaultKind.VANISH: "port vanishes",
            FaultKind.POWER: "power loss",
            FaultKind.KILL: "tablet dies",
        }[self.faults[0].kind]


@dataclass
class Visit:
    """What became of one."""

    spec: Spec
    completed: bool = False
    errors: list[str] = field(default_factory=list)
    deaths: int = 0
    missing: int = 0
    seconds: float = 0.0
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Completed without a person's help."""
        return self.completed and not self.errors


class Campaign:
    """Makes visits and judges them."""

    def __init__(self, models: dict[str, MeterModel]) -> None:
        self._models = models
        self._truths: dict[tuple[str, int], Truth] = {}

    def clean(
        self, kind: Kind, reaction: float = 0.02, clock_offset: int = 120
    ) -> tuple[Field, Durable, Taken]:
        """A visit on a good line."""
        meter = self.meter(kind, reaction, clock_offset)
        line, durable, taken = Field(meter.line), Durable(meter.secrets), Taken()
        do(self.work(kind, meter), line, Host(durable, line), taken)
        return line, durable, taken

    def meter(self, kind: Kind, reaction: float = 0.02, clock_offset: int = 120) -> WatchedMeter:
        """A meter with nothing wrong about it."""
        return WatchedMeter(kind, reaction=reaction, echo=False, faults=WriteFaults(), offset=clock_offset)

    def codec_share(self, kind: Kind) -> float:
        """Processor time of our side in a visit on a good line, as a part of the time on the line."""
        watch, began = Stopwatch(), time.process_time()
        with watch.running():
            line, _, _ = self.clean(kind)
        spent = time.process_time() - began - watch.inside
        return spent / (line.clock.now() - 1000.0)

    def _truth(self, kind: Kind, clock_offset: int) -> Truth:
        key = (kind.name, clock_offset)
        if key not in self._truths:
            self._truths[key] = Truth.of(self.clean(kind, clock_offset=clock_offset)[2])
        return self._truths[key]

    def work(self, kind: Kind, meter: WatchedMeter) -> Work:
        """What is done at it."""
        return Work(
            kind.connection, meter.serial, kind.program, kind.values, self._models, kind.has_profile, NOW
        )

    def visit(self, spec: Spec) -> Visit:
        """Makes one visit and checks what must hold."""
        truth = self._truth(spec.kind, spec.clock_offset)
        faults = WriteFaults(power_loss=spec.power_loss)
        meter = WatchedMeter(
            spec.kind, reaction=spec.reaction, echo=spec.echo, faults=faults, offset=spec.clock_offset
        )
        line = Field(
            meter.line,
            spec.faults,
            boot=spec.boot,
            error_rate=spec.error_rate,
            seed=spec.seed,
            strips=spec.strips,
        )
        durable, taken, visit = Durable(_secrets(meter, spec)), Taken(), Visit(spec)
        meter.watch(durable, visit.problems)
        before, nonces = meter.held(), Nonces()
        draw = random.Random(spec.seed)
        with nonces.watched(), patch.object(os, "urandom", draw.randbytes):
            self._crew(spec, self.work(spec.kind, meter), line, durable, taken, visit, meter)
        visit.seconds = line.clock.now() - 1000.0
        visit.missing = truth.missing_in(taken)
        visit.problems += [("wrong_values", text) for text in truth.wrong_in(taken)]
        visit.problems += [("unreported", text) for text in unreported(meter, before, durable)]
        visit.problems += [("counters_reused", "a key and a nonce twice")] * nonces.reused
        return visit

    def _crew(
        self,
        spec: Spec,
        work: Work,
        line: Field,
        durable: Durable,
        taken: Taken,
        visit: Visit,
        meter: WatchedMeter,
    ) -> None:
        """Tries as a crew does: again after an error, but never with a secret that was refused."""
        host = Host(durable, line, dies_at=spec.dies_at, keeps=spec.keeps)
        try:
            while not visit.completed and len(visit.errors) < _TRIES:
                meter.begin_attempt()
                try:
                    do(work, line, host, taken)
                    visit.completed = True
                except TabletDied:
                    visit.deaths += 1
                    host = Host(durable, line)
                    line.revive()
                except DriverError as error:
                    visit.errors.append(error.code)
                    if spec.wrong_secret:
                        return
                    line.clock.sleep(5.0)
            if durable.open_intents:  # the next visit, on a good line
                line.calm()
                meter.begin_attempt()
                settle(work, line, Host(durable, line))
        except Stuck as error:
            visit.problems.append(("stuck", str(error)))
        except DriverError as error:
            visit.problems.append(("unreported", f"cannot be settled on a good line: {error.code}"))
        except Exception as error:  # that is what is looked for
            visit.problems.append(("crashes", _place(error)))


def _secrets(meter: WatchedMeter, spec: Spec) -> dict[str, bytes]:
    if not spec.wrong_secret:
        return meter.secrets
    return {
        name: bytes(len(value)) if "key" in name else b"00000000" for name, value in meter.secrets.items()
    }


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} {error} at {where}"


# ---- which visits


def systematic(campaign: Campaign, seed: int) -> Iterator[Spec]:
    """A cut of each sort at every frame boundary; deaths and power losses around each write."""
    draw = random.Random(seed)
    for kind in KINDS:
        line, durable, taken = campaign.clean(kind)
        boundaries = [*sorted({at for at in line.boundaries if at}), line.characters - 1]
        if len(boundaries) > _MANY:  # single reads, one like the other
            boundaries = boundaries[:: len(boundaries) // _MANY + 1]
        base = Spec(kind, seed)
        for number, at in enumerate(boundaries):
            yield replace(base, faults=(Fault(at, FaultKind.SLIP, draw.choice((0.2, 1.0, 4.0))),))
            other = _OTHERS[number % len(_OTHERS)]
            if other is not None:
                yield replace(base, faults=(Fault(at, other, draw.choice((0.2, 2.0, 6.0))),))
        cut = replace(base, in_program=bool(durable.intents))
        for at in line.boundaries:
            if taken.program_began < at <= taken.program_ended:
                yield replace(cut, faults=(Fault(at, FaultKind.POWER, draw.choice((2.0, 6.0))),))
                yield replace(cut, faults=(Fault(at, FaultKind.KILL),))
        for write in range(1, 3 * len(durable.intents) + 2) if durable.intents else ():
            yield replace(cut, power_loss=write)
        acts = 2 * len(durable.intents) + 2
        for act in range(1, acts + 1):
            yield replace(cut, dies_at=act)
            yield replace(cut, dies_at=act, keeps=False)


def mixtures(campaign: Campaign, seed: int) -> Iterator[Spec]:
    """Without end: everything together, drawn from the seed."""
    lengths = {kind.name: campaign.clean(kind)[0].characters for kind in KINDS}
    number = 0
    while True:
        number += 1
        draw = random.Random(seed * 1_000_003 + number)
        kind = draw.choice(KINDS)
        length = lengths[kind.name]
        kinds = draw.choices(list(FaultKind), weights=(5, 3, 1, 1), k=draw.choice((0, 0, 1, 1, 2, 3)))
        yield Spec(
            kind,
            draw.getrandbits(48),
            tuple(Fault(draw.randrange(length), one, draw.choice((0.1, 0.5, 2.0, 8.0))) for one in kinds),
            error_rate=10 ** draw.uniform(-5, -3),
            echo=draw.random() < 0.4,
            reaction=draw.choice((0.02, 0.05, 0.2)),
            clock_offset=draw.choice(_CLOCK_OFFSETS),
            power_loss=draw.randrange(1, 12) if draw.random() < 0.2 else None,
            dies_at=draw.randrange(1, 10) if draw.random() < 0.15 else 0,
            keeps=draw.random() < 0.5,
            wrong_secret=draw.random() < 0.06 and kind.has_secret,
            boot=draw.choice((1.0, 3.0, 8.0)),
        )


def interleaved(campaign: Campaign, visits: int, seed: int) -> Iterator[Spec]:
    """Half of the visits systematic (all of them where there is room, else evenly spread), the rest
    mixtures."""
    ordered = list(systematic(campaign, seed))
    most = max(visits // 2, visits - len(ordered) if visits > 2 * len(ordered) else visits // 2)
    room = visits - most
    if room < len(ordered):
        ordered = [ordered[number * len(ordered) // room] for number in range(room)]
    mixed = mixtures(campaign, seed)
    both = [*ordered, *islice(mixed, visits - len(ordered))]
    random.Random(seed).shuffle(both)  # so that a run cut short has seen some of everything
    yield from both


# ---- the report


@dataclass
class Report:
    """Counts over all visits."""

    visits: list[Visit]
    real_seconds: float
    planned: int
    codec: dict[str, float]

    def counts(self) -> dict[str, object]:
        """One JSON object; `must be zero` counts visits' findings."""
        kinds = Counter(problem for visit in self.visits for problem, _ in visit.problems)
        fair = [visit for visit in self.visits if not visit.spec.wrong_secret]
        return {
            "visits": len(self.visits),
            "planned": self.planned,
            **{name: kinds.get(name, 0) for name in _MUST_BE_ZERO},
            "completed": sum(visit.completed for visit in fair),
            "completed_without_help": sum(visit.alone for visit in fair),
            "of": len(fair),
            "tablet_deaths": sum(visit.deaths for visit in self.visits),
            "values_not_obtained": sum(visit.missing for visit in self.visits),
            "simulated_hours": round(sum(visit.seconds for visit in self.visits) / 3600, 2),
            "seconds": round(self.real_seconds, 1),
            "by_cause": self._table(lambda visit: visit.spec.cause),
            "by_meter": self._table(lambda visit: visit.spec.kind.name),
            "codec_share_of_line_time": self.codec,
            "errors_shown": dict(Counter(code for visit in fair for code in visit.errors).most_common()),
        }

    def _table(self, key: Callable[[Visit], str]) -> dict[str, dict[str, int]]:
        rows: dict[str, dict[str, int]] = {}
        for visit in self.visits:
            row = rows.setdefault(key(visit), {"visits": 0, "completed": 0, "without_help": 0})
            row["visits"] += 1
            row["completed"] += visit.completed
            row["without_help"] += visit.alone
        return rows

    @property
    def problems(self) -> list[tuple[Visit, str, str]]:
        return [(visit, kind, text) for visit in self.visits for kind, text in visit.problems]


_worker: list[tuple[Campaign, ExitStack]] = []


def _begin_worker() -> None:
    """Once in each process: the models, and the wall clock that stands still."""
    kept = ExitStack()
    kept.enter_context(standing_clock())
    _worker.append((Campaign(load_models(MODELS)), kept))


def _visit(spec: Spec) -> Visit:
    return _worker[0][0].visit(spec)


def run(visits: int, seconds: float, seed: int, workers: int = WORKERS) -> Report:
    """As many visits as fit: at most `visits`, at most `seconds` of real time."""
    began = time.monotonic()
    with standing_clock():
        campaign = Campaign(load_models(MODELS))
        specs = list(interleaved(campaign, visits, seed))
        codec = {kind.name: round(campaign.codec_share(kind), 4) for kind in KINDS}
    made: list[Visit] = []
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker) as pool:
        waiting = [pool.submit(_visit, spec) for spec in specs]
        for future in waiting:
            left = seconds - (time.monotonic() - began)
            try:
                made.append(future.result(timeout=max(0.0, left)))
            except FutureTimeout:
                break
        for future in waiting:
            future.cancel()
    return Report(made, time.monotonic() - began, len(specs), codec)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.visits", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help=f"how many (default {VISITS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"at most so long (default {SECONDS})")
    parser.add_argument("--seed", type=int, default=SEED, help="of the mixtures")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"processes (default {WORKERS})")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    report = run(options.visits, options.seconds, options.seed, options.workers)
    sample = real_time()
    counts = report.counts() | {"real_time": sample.counts()}
    counts["wrong_values"] = int(str(counts["wrong_values"])) + len(sample.wrong)
    for visit, kind, text in report.problems[:20]:
        print(f"{kind}: {text}\n    {visit.spec}", file=sys.stderr)
    print(json.dumps(counts) if options.json else json.dumps(counts, indent=2))
    return int(any(counts[name] for name in _MUST_BE_ZERO))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
