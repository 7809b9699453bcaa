"""Reads a project's files once, judges them whole, and says of every bad row where it stands and why.

Nothing is written to the office here. What is good lies in the staging afterwards.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from workorders.gateway.errors import InvalidInput
from workorders.gateway.load.staging import KINDS, PAGE, Staged, Staging
from workorders.gateway.rows import Calendar, ProjectFile
from workorders.mwm.tables import MAX_ERRORS, Row, RowError, Table, TableReport
from workorders.network import NodeKind
from workorders.rollout.rules import RulesError, find_line, read_rules

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it and of how much: rows, while a file is read bytes."""


class LoadReport(msgspec.Struct, kw_only=True):
    """What an import did. `errors` are `file:line [column]: reason`, the first few hundred of `refused`.

    Attributes:
        taken: whether the good rows were taken; False where a row was refused and all had to be good.
        resumed: whether this went on where an import of the same files was cut; the numbers are of both.
    """

    project: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    issued: int = 0
    changed: int = 0
    same: int = 0
    absent: int = 0
    refused: int = 0
    errors: list[str] = msgspec.field(default_factory=list)
    taken: bool = True
    resumed: bool = False


@dataclass
class Files:
    """The files of one import, and what is wrong with them.

    Attributes:
        whole: whether every file that the project names was read to its end. If not, a row may lack what it
            stands on, or be missing: what is new is taken, and what the office has stays as it is.
    """

    folder: Path
    project: ProjectFile
    source: str
    calendar: Calendar
    staging: Staging
    report: LoadReport
    progress: Progress
    whole: bool = True

    def refuse(self, name: str, line: int, code: str, message: str) -> None:
        """Report a row that is well formed but names what does not exist."""
        file = self.project.files.get(name, name)
        self.report.refused += 1
        if len(self.report.errors) < MAX_ERRORS:
            self.report.errors.append(str(RowError(file, line, None, code, message)))

    def take_report(self, report: TableReport) -> None:
        """Add a table's errors to ours."""
        self.report.refused += report.refused
        room = max(0, MAX_ERRORS - len(self.report.errors))
        self.report.errors += [str(error) for error in report.errors[:room]]


def read_project(folder: Path) -> tuple[ProjectFile, str]:
    """Read and check `project.toml`; returns it with its text.

    Raises:
        InvalidInput: `bad_project_file`, with what is wrong.
    """
    path = folder / "project.toml"
    source = ""
    try:
        source = path.read_text("utf-8")
        project = msgspec.convert(tomllib.loads(source), ProjectFile)
        ZoneInfo(project.time_zone)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", code="bad_project_file") from None
    except (ValueError, KeyError) as error:
        at = re.search(r"`\$\.?(.*)`$", str(error))  # where msgspec says that it stands
        line = find_line(source, at.group(1)) if at and at.group(1) else None
        where = path.name if line is None else f"{path.name}, line {line}"
        raise InvalidInput(f"{where}: {error}", code="bad_project_file") from None
    return project, source


def read_files(files: Files) -> None:
    """Lay the rows of every file aside, and report those that are none."""
    try:
        read_rules(files.source, "project.toml")
    except RulesError as error:
        files.report.refused += 1
        files.report.errors.append(str(error))
    files.staging.mark(f"{files.source}\n{files.calendar.shift.days}")
    for name in KINDS:
        _read(files, name)


def judge_rows(files: Files) -> None:
    """Hold the rows against each other; what contradicts is reported and taken out again."""
    files.staging.keep_last("usage_points")
    files.staging.keep_last("customers")
    _judge_network(files)
    _judge(files, "meters", _meter_fault)
    _judge(files, "stock", _nothing)
    _judge(files, "orders", _OrderFaults(files))


def _read(files: Files, name: str) -> None:
    file = files.project.files.get(name)
    if file is None:
        return
    table: Table[Any] = Table(
        files.folder / Path(file).name, KINDS[name].row, files.project.columns.get(name, {})
    )
    rows, number = table.rows(), 0
    while page := _some(rows):
        files.staging.put(name, page)
        number += len(page)
        files.progress(f"reading {name}", *table.position())
    files.whole &= table.whole
    files.take_report(table.report)
    files.report.counts[name] = number


def _some(rows: Iterator[Row[Any]]) -> list[tuple[int, msgspec.Struct]]:
    return [(row.line, row.value) for row in islice(rows, PAGE)]


# --- rows against each other --------------------------------------------------------------------

Fault = Callable[[Files, Any], tuple[str, str] | None]


def _nothing(_: Files, __: Any) -> None:
    """No fault of its own."""


def _judge(files: Files, name: str, fault: Fault) -> None:
    """Refuse what has a fault, and of what is left what stands twice in the list."""
    staging, done, total = files.staging, 0, files.staging.count(name)
    for page in staging.pages(name):
        bad = []
        for row in page:
            found = fault(files, row.value)
            if found is not None:
                files.refuse(name, row.line, *found)
                bad.append(row.number)
        staging.drop(name, bad)
        done += len(page)
        files.progress(f"checking {name}", done, total)
    what, code = ("order", "number_twice") if name == "orders" else ("serial", "serial_twice")
    for page in staging.later_ones(name):
        for row in page:
            known = row.value.number if name == "orders" else row.key
            files.refuse(name, row.line, code, f"the {what} {known} stands twice in the list")
        staging.drop(name, [row.number for row in page])


def _meter_fault(files: Files, row: Any) -> tuple[str, str] | None:
    if row.place is not None and files.staging.tree.nodes.get(row.place) is None:
        return "unknown_place", f"{row.serial}: no node {row.place} in the network"
    return None


class _OrderFaults:
    """What is wrong with orders; of the good ones it notes which part of the network their crews need."""

    def __init__(self, files: Files) -> None:
        self._crews = {crew.id for crew in files.project.crew}

    def __call__(self, files: Files, row: Any) -> tuple[str, str] | None:
        staging = files.staging
        point = staging.points.get(row.usage_point) if row.usage_point else None
        if point is None and (row.usage_point is not None or row.node is None):
            told = f"order {row.number}: no supply point {row.usage_point or ''} in the project"
            return "unknown_usage_point", told
        if point is None and staging.tree.nodes.get(row.node) is None:
            return "unknown_node", f"order {row.number}: no node {row.node} in the project's tree"
        if row.crew is not None and self._crews and row.crew not in self._crews:
            return "unknown_crew", f"order {row.number}: no crew {row.crew}"
        meter = staging.meter_at(point.mrid) if point else None
        tree = staging.tree
        place = tree.place(point, meter.place if meter else None) if point else tree.place_of(row.node)
        if row.crew and place.transformer:
            staging.change("INSERT OR IGNORE INTO going VALUES (?, ?)", row.crew, place.transformer)
        return None


# --- the tree -----------------------------------------------------------------------------------

_ROOTS = """
INSERT INTO way (mrid, path, depth) SELECT key, '/' || key || '/', 0 FROM network WHERE ref IS NULL
"""
_BELOW = """
INSERT INTO way (mrid, path, depth)
SELECT node.key, way.path || node.key || '/', way.depth + 1
FROM way JOIN network AS node ON node.ref = way.mrid
WHERE way.number > ? AND way.number <= ?
"""
_LOOSE = "key NOT IN (SELECT mrid FROM way)"
_ORPHANS = """
SELECT line, key, 'unknown_parent' FROM network
WHERE ref IS NOT NULL AND ref NOT IN (SELECT key FROM network) ORDER BY number
"""
_ROUND = "SELECT line, key, 'cycle' FROM network WHERE key IN (SELECT mrid FROM ring) ORDER BY number"
_PRUNE = "DELETE FROM ring WHERE mrid NOT IN (SELECT parent FROM ring)"
_WHY = {
    "duplicate": "stands twice in the list",
    "bad_mrid": "has a slash in its mRID",
    "unknown_kind": "is of a kind that nobody knows",
    "unknown_parent": "hangs on a node that is not in the list",
    "cycle": "hangs below itself",
}


def _judge_network(files: Files) -> None:
    """Find the way to each node from its root; a list that is no tree is refused whole, each fault named."""
    staging = files.staging
    faults = 0
    for page in staging.later_ones("network"):
        faults += _refuse_nodes(files, ((row.line, row.key, "duplicate") for row in page))
    staging.keep_last("network")
    kinds = set(NodeKind)
    for nodes in staging.pages("network"):
        slashes: list[Staged[Any]] = [row for row in nodes if "/" in row.key]
        faults += _refuse_nodes(files, ((row.line, row.key, "bad_mrid") for row in slashes))
        unknown: list[Staged[Any]] = [row for row in nodes if row.value.kind not in kinds]
        faults += _refuse_nodes(files, ((row.line, row.key, "unknown_kind") for row in unknown))
    staging.change(_ROOTS)
    upto = 0
    while (last := min(upto + PAGE, staging.count("way"))) > upto:
        staging.change(_BELOW, upto, last)
        upto = last
    if staging.ask(f"SELECT count(*) FROM network WHERE {_LOOSE}")[0][0]:
        loose = _refuse_nodes(files, staging.walk(_ORPHANS))
        # What hangs on nothing is taken away from below; what is left goes round.
        staging.change("CREATE TABLE ring (mrid TEXT PRIMARY KEY, parent TEXT)")
        staging.change("CREATE INDEX ring_parent ON ring (parent)")
        staging.change(f"INSERT INTO ring SELECT key, ref FROM network WHERE {_LOOSE}")
        while staging.change(_PRUNE) > 0:
            continue
        faults += loose + _refuse_nodes(files, staging.walk(_ROUND))
    if faults:
        staging.change("DELETE FROM way")  # nothing of it is written


def _refuse_nodes(files: Files, faults: Iterable[tuple[int, str, str]]) -> int:
    number = 0
    for line, mrid, code in faults:
        number += 1
        told = f"the network list does not make a tree: {mrid}: {code} (it {_WHY[code]})"
        files.refuse("network", line, code, told)
    return number
