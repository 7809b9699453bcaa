"""Runs the demo: office and crews side by side, and both sides' counts held against each other at the end."""

from __future__ import annotations

import json as stdjson
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import assets
from fieldtool.demo import processes, stories
from fieldtool.demo.crew import Crew
from fieldtool.demo.office import Office, installer, prime_with_concentrator
from fieldtool.demo.processes import DemoError, Service, drivers_command
from fieldtool.demo.stage import Count, Stage, concentrators

Story = Callable[[Stage, Crew], None]

CONCENTRATOR = "CT-28101-DC"
LANES: dict[str, tuple[str, tuple[Story, ...]]] = {
    "cusco": ("CUS-01", (stories.clean, stories.battery_dies, stories.nobody_home)),
    "pucallpa": ("PUC-01", (stories.clean, stories.cut_line)),
    "santacruz": ("SCZ-01", (stories.locked_meter, stories.clean)),
    "prime": ("PRM-01", (stories.clean, stories.swapped_labels, stories.cancelled_too_late)),
}
"""Project → crew and what happens to it."""


def run_headless(*, json: bool) -> int:
    """Run the whole job without a screen; 0 where both sides say the same.

    With `json` standard output gets the one object of results and nothing else; progress goes to standard
    error, the table of stories too.
    """
    began = time.monotonic()
    processes.end_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="fieldtool-demo-", ignore_cleanup_errors=True) as name:
        try:
            with progress() as say:
                result, told = perform(Path(name), say)
        except DemoError as error:
            sys.stderr.write(f"fieldtool demo: {error}\n")
            return 1
    result["seconds"] = round(time.monotonic() - began, 1)
    show_table(told, result)
    if json:
        sys.stdout.write(stdjson.dumps(result) + "\n")
    different = differences(result)
    for line in different:
        sys.stderr.write(f"fieldtool demo: {line}\n")
    return 1 if different else 0


def perform(
    folder: Path, say: Callable[[str, str], None], lanes: Iterable[str] = tuple(LANES)
) -> tuple[dict[str, Any], Count]:
    """Play the lanes of these projects in `folder`; returns the results without the time, and what was told.

    Raises:
        DemoError: a story did not go as it should; every program of the demo has ended by then.
    """
    processes.begin()
    folder.mkdir(parents=True, exist_ok=True)
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    say("office", "opens")
    mac = concentrators(assets.project("prime"))[CONCENTRATOR]["mac"]
    command = [*drivers_command(), "virtual-concentrator", "--listen", "127.0.0.1:0", "--mac", mac]
    with Service("concentrator", command, {}, logs / "concentrator.log") as concentrator:
        prime = prime_with_concentrator(folder / "prime", CONCENTRATOR, concentrator.ready()["url"])
        projects = {name: prime if name == "prime" else assets.project(name) for name in lanes}
        office = Office(folder / "office", projects)
        try:
            office.open(logs)
            stage = Stage(folder, office, say)
            with crews_of(stage) as crews:
                side_by_side(lambda crew: lane(stage, crew), crews)
                return close_the_day(stage, crews), stage.count
        finally:
            office.close()


@contextmanager
def crews_of(stage: Stage) -> Iterator[list[Crew]]:
    """The crews of the projects that are played; their tablets are off afterwards."""
    crews = [
        Crew(name, crew, installer(name), stage.office.pins[installer(name)], stage.folder / name)
        for name, (crew, _) in LANES.items()
        if name in stage.office.projects
    ]
    try:
        yield crews
    finally:
        for crew in crews:
            crew.tablet.end()


def side_by_side(job: Callable[[Crew], Any], crews: list[Crew]) -> list[Any]:
    """Run a job for every crew at once; the first error ends the waiting."""
    with ThreadPoolExecutor(max_workers=len(crews)) as pool:
        futures = [pool.submit(job, crew) for crew in crews]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            # The first failure is the one to hear of; what the others were doing is stopped.
            failed = next((error for future in done if (error := future.exception())), None)
            if failed is not None:
                raise failed
            return [future.result() for future in futures]
        except BaseException:
            processes.stop_everything()
            raise


def lane(stage: Stage, crew: Crew) -> None:
    """A project's day: import it; enrol a crew, fetch its orders, work without signal, bring all back."""
    with crew.switch_gps_on(stage.logs):
        day(stage, crew)


def day(stage: Stage, crew: Crew) -> None:
    """What a lane does while its receiver is on."""
    stage.say(crew.project, "imports the project")
    stage.office.load(crew.project)
    stage.say(crew.project, "enrols the tablet")
    crew.enrol(stage.office)
    stage.say(crew.project, "fetches its orders")
    stage.sync(crew, first=True)
    for story in LANES[crew.project][1]:
        story(stage, crew)
    stage.say(crew.project, "syncs")
    stage.sync(crew)


def close_the_day(stage: Stage, crews: list[Crew]) -> dict[str, Any]:
    """The head-end reports, the supervisors decide, the tablets learn it, and both sides count and prove."""
    stage.say("office", "hears the head-end, decides, approves")
    rounds = side_by_side(lambda crew: decide_and_tell(stage, crew), crews)
    stage.say("office", "proves the journals and a record")
    with ThreadPoolExecutor(max_workers=2) as pool:
        more = [pool.submit(stage.office.proof), pool.submit(record_proof, stage, crews[0])]
        proofs = side_by_side(lambda crew: crew.proof(), crews)
        proofs += [future.result() for future in more]
    return results(stage, rounds, proofs)


def decide_and_tell(stage: Stage, crew: Crew) -> dict[str, Any]:
    """The supervisor decides, and the crew's tablet learns it; returns what its round said."""
    decide(stage, crew.project)
    return stage.sync(crew)


def record_proof(stage: Stage, crew: Crew) -> dict[str, Any]:
    """An installation record checked alone, with nothing but the office's root certificate."""
    told = next(
        told for told in stage.count.told if told.project == crew.project and told.result == "completed"
    )
    record = crew.home / "acta.pdf"
    record.write_bytes(stage.office.record(crew.project, told.order_id))
    root = crew.home / "root.pem"
    root.write_text(stage.office.root(), encoding="ascii")
    command = ["journal", "verify", "--record", str(record), "--root", str(root), "--json"]
    found: dict[str, Any] = crew.tool(*command).json
    return found


def decide(stage: Stage, project: str) -> None:
    """A supervisor's evening: the head-end's list, the queue, the records."""
    office = stage.office
    office.head_end_heard(project, [(serial, at) for name, serial, at in stage.placed if name == project])
    for item in office.exceptions(project):
        office.decide(project, item["exception_id"], "accepted", "Revisado en la demostración")
    for told in stage.count.told:
        if told.project == project and told.result == "completed":
            office.approve(project, told.order_id)


def results(stage: Stage, rounds: list[dict[str, Any]], proofs: list[dict[str, Any]]) -> dict[str, Any]:
    """The one object that `--json` prints, without the time."""
    count, pending = stage.count, sum(int(report["pending"]) for report in rounds)
    return {
        "orders": {
            "downloaded": count.downloaded,
            "completed": count.completed,
            "not_done": count.not_done,
            "flagged": len(count.flagged),
        },
        "meters": {"read": count.read, "configured": count.configured, "resumed": count.resumed},
        "match": {"stopped": count.stopped, "overridden": count.overridden},
        "placements": len(stage.placed),
        "entries": {"written": count.pushed + pending, "applied": count.taken, "pending": pending},
        "blobs": {"sent": count.blobs},
        "journal": {
            "verified": all(proof["ok"] for proof in proofs),
            "projection_equal": all(proof.get("projection_equal", True) for proof in proofs),
        },
        "gateway": stage.office.figures(),
    }


def differences(result: dict[str, Any]) -> list[str]:
    """Where tablets and gateway do not say the same, or something is unproven; empty when all is well."""
    found = []
    for part in ("orders", "placements", "entries", "blobs"):
        if result[part] != result["gateway"][part]:
            found.append(f"{part}: tablets say {result[part]}, the gateway {result['gateway'][part]}")
    if not (result["journal"]["verified"] and result["journal"]["projection_equal"]):
        found.append(f"journal: {result['journal']}")
    return found


@contextmanager
def progress() -> Iterator[Callable[[str, str], None]]:
    """A line for each lane on standard error with what it does; plain lines where there is no terminal."""
    if not sys.stderr.isatty():
        lock = threading.Lock()
        began = time.monotonic()

        def line(lane: str, what: str) -> None:
            with lock:
                sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {lane:10} {what}\n")
                sys.stderr.flush()

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.fields[lane]:10}"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks = {name: bars.add_task("…", lane=name, total=None) for name in ("office", *LANES)}

        def show(lane: str, what: str) -> None:
            bars.update(tasks[lane], description=what)

        yield show


def show_table(count: Count, result: dict[str, Any]) -> None:
    """What happened, story by story."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"fieldtool demo: {result['seconds']} s", title_justify="left")
    for column in ("project", "what happened", "order", "result", "s"):
        table.add_column(column, justify="right" if column == "s" else "left")
    for told in sorted(count.told, key=lambda told: told.project):
        table.add_row(told.project, told.story, told.order, told.result, f"{told.seconds:.1f}")
    Console(stderr=True, highlight=False).print(table)
