"""A utility's sheet into orders: shown first, then taken in batches; a report by cell of what is wrong."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from workorders.gateway.links import inward
from workorders.gateway.office import Office
from workorders.mwm.mapping import Mapping
from workorders.mwm.port import Change, Outcome
from workorders.mwm.sheets import RowProblem, SheetRow, read_sheet

BATCH = 200
SHOWN = 20
MAX_PROBLEMS = 200
LINK = "sheet"

_COLUMN_OF = {
    "unknown_crew": "crew",
    "no_kind": "kind",
    "no_usage_point": "usage_point",
    "order_over": "number",
}

Progress = Callable[[int], None]


class SheetReport(msgspec.Struct, kw_only=True):
    """What an import did, or a preview would do. `problems` are the first, all of them go to the report."""

    rows: int = 0
    issued: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    warnings: int = 0
    examples: list[Outcome] = []
    problems: list[RowProblem] = []


def run_sheet(
    office: Office,
    project: str,
    path: Path,
    mapping: Mapping,
    *,
    write: bool,
    problem: Callable[[RowProblem], None] | None = None,
    progress: Progress | None = None,
    actor: str | None = None,
) -> SheetReport:
    """Take a sheet's orders, or with `write` False only say what would come of them.

    Each batch is one transaction: ended in between, the same sheet goes on where it was.

    Raises:
        UnreadableFile, NotFound
    """
    report = SheetReport()
    rows = _each_once(read_sheet(path, mapping))
    while batch := list(islice(rows, BATCH)):
        changes = [row.change for row in batch if row.change is not None]
        outcomes = iter(_done(office, project, changes, write, actor))
        for row in batch:
            report.rows += 1
            found = list(row.problems)
            if row.change is not None:
                found += _count(report, row, next(outcomes))
            else:
                report.refused += 1
            for one in found:
                report.warnings += one.warning
                if len(report.problems) < MAX_PROBLEMS:
                    report.problems.append(one)
                if problem is not None:
                    problem(one)
        if progress is not None:
            progress(report.rows)
    return report


def _done(
    office: Office, project: str, changes: list[Change], write: bool, actor: str | None
) -> list[Outcome]:
    if not write:
        return inward.preview(office, project, LINK, changes)
    return inward.take(office, project, LINK, changes, actor=actor, remember=False)


def _count(report: SheetReport, row: SheetRow, outcome: Outcome) -> list[RowProblem]:
    match outcome.what:
        case "issued":
            report.issued += 1
        case "changed":
            report.changed += 1
        case "refused":
            report.refused += 1
            column = _COLUMN_OF.get(outcome.code or "")
            return [
                RowProblem(
                    line=row.line, cell=row.cells.get(column or ""), column=column,
                    code=outcome.code or "refused",
                    detail=outcome.message or "",
                )
            ]  # fmt: skip
        case _:
            report.same += 1
            return []
    if len(report.examples) < SHOWN:
        report.examples.append(outcome)
    return []


def _each_once(rows: Iterator[SheetRow]) -> Iterator[SheetRow]:
    """A number that stands twice is refused the second time; which ones were seen lies on disk, as hashes."""
    seen = sqlite3.connect("")
    try:
        seen.execute("CREATE TABLE seen (number BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        for row in rows:
            order = row.change.order if row.change is not None else None
            if order is None:
                yield row
                continue
            digest = hashlib.blake2b(order.number.encode(), digest_size=12).digest()
            before = seen.execute("SELECT line FROM seen WHERE number = ?", (digest,)).fetchone()
            if before is None:
                seen.execute("INSERT INTO seen VALUES (?, ?)", (digest, row.line))
                yield row
                continue
            twice = RowProblem(
                line=row.line, cell=row.cells.get("number"), column="number", code="number_twice",
                value=order.number, detail=str(before[0]),
            )  # fmt: skip
            yield msgspec.structs.replace(row, change=None, problems=[*row.problems, twice])
    finally:
        seen.close()
