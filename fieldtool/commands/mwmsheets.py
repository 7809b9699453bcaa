"""`fieldtool gateway mwm preview|import` of sheets, and `fieldtool gateway export …` to CIS, GIS and ADMS."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldtool.commands.gateway import Database, Json, RealmOption
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import emit, fail, guarded, note, progress_bar, say, table, usage

if TYPE_CHECKING:
    from workorders.gateway.office import Office
    from workorders.mwm.sheets import RowProblem

SheetArgument = Annotated[Path, typer.Argument(help="CSV or .xlsx with orders.")]
MapOption = Annotated[Path, typer.Option("--map", help="TOML file: which column is what.")]
ProjectOption = Annotated[str, typer.Option("--project", help="Id of the project.")]
ErrorsOption = Annotated[
    Path | None,
    typer.Option("--errors", help="CSV to write: cell, what is wrong, what to do, for every row."),
]


@guarded
def preview(
    sheet: SheetArgument,
    map: MapOption,
    project: ProjectOption,
    errors: ErrorsOption = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Say what a sheet would create, change and leave, and what is wrong in it; nothing is written.

    With --json one object: {"rows", "issued", "changed", "same", "refused", "warnings", "examples":
    [{"number", "what", "changes"}], "problems": [{"line", "cell", "column", "code", "value",
    "detail", "warning"}]}.
    """
    _sheet(sheet, map, project, errors, database, realm, json, write=False)


@guarded
def import_sheet(
    sheet: SheetArgument,
    map: MapOption,
    project: ProjectOption,
    errors: ErrorsOption = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take a sheet's orders; the good rows are taken, the others reported. The same again changes nothing.

    May be ended at any instant and repeated. Exit status 1 where rows were refused. JSON as of `preview`.
    """
    refused = _sheet(sheet, map, project, errors, database, realm, json, write=True)
    raise typer.Exit(int(refused > 0))


def _sheet(
    sheet: Path, map: Path, project: str, errors: Path | None, database: str | None, realm: str | None,
    json: bool, *, write: bool,
) -> int:  # fmt: skip
    from workorders.gateway.links.sheetimport import run_sheet
    from workorders.mwm.mapping import read_mapping

    mapping = read_mapping(map)
    with (
        opened_office(database, realm) as (office, _),
        _error_file(errors) as keep,
        progress_bar(json) as progress,
    ):
        report = run_sheet(
            office, project, sheet, mapping, write=write, problem=keep,
            progress=lambda rows: progress(f"{rows} rows", rows, 0, None),
        )  # fmt: skip
    if json:
        emit(report)
        return report.refused
    word = "" if write else "would be "
    say(
        f"{report.rows} rows: {report.issued} {word}issued, {report.changed} {word}changed, "
        f"{report.same} as before, {report.refused} refused, {report.warnings} warnings"
    )
    if report.examples and not write:
        lines = [[one.number, one.what, ", ".join(one.changes)] for one in report.examples]
        table("", ["order", "what", "fields"], lines)
    if report.problems:
        told = [[p.cell or p.line, p.column, p.value, *_words(p)] for p in report.problems[:40]]
        table("", ["cell", "column", "value", "what is wrong", "what to do"], told)
    if errors is not None:
        note(f"all of them: {errors}")
    return report.refused


def _words(problem: RowProblem) -> tuple[str, str]:
    """What is wrong and what to do, in the user's language."""
    from fieldtool import words
    from fieldtool.settings import Home

    language = Home.default().settings().language
    key = f"row.{problem.code}"
    if not words.has(key, language):
        return problem.detail or problem.code, ""
    params = {"value": problem.value, "detail": problem.detail}
    return words.text(key, language, **params), words.text(f"{key}.hint", language, **params)


@contextmanager
def _error_file(path: Path | None) -> Iterator[Callable[[RowProblem], None] | None]:
    from workorders.mwm.cells import harmless

    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(["line", "cell", "column", "value", "code", "what", "do"])

        def keep(problem: RowProblem) -> None:
            cells = [
                problem.line,
                problem.cell,
                problem.column,
                problem.value,
                problem.code,
                *_words(problem),
            ]
            writer.writerow([harmless(cell) for cell in cells])

        yield keep


@guarded
def export(
    kind: Annotated[str, typer.Argument(help="readings | placements | phases")],
    project: ProjectOption,
    format: Annotated[
        str, typer.Option("--format", help="csv | geojson (placements) | xml (readings)")
    ] = "csv",
    since: Annotated[
        int, typer.Option("--since", min=0, help="Only after this number of an export before.")
    ] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="File; else standard output.")] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="With positions; needs --user, of a role that may.")
    ] = False,
    user: Annotated[str | None, typer.Option("--user", help="Who asks; PIN in FIELDTOOL_PIN.")] = None,
    database: Database = None,
    realm: RealmOption = None,
) -> None:
    """Write what billing, maps and network control need: readings, placements, phase and rotation.

    The last line on standard error is one JSON object: {"rows", "last"}; `last` is the --since of the next
    export. Rows keep their `entry`, so one that comes again is known.

    Example: fieldtool gateway export readings --project prime --out readings.csv
    """
    from workorders.gateway import handback

    if kind not in handback.KINDS:
        usage(f"{kind!r}: it is one of {', '.join(handback.KINDS)}")
    forms = {"csv", "geojson"} if kind == "placements" else {"csv", "xml"} if kind == "readings" else {"csv"}
    if format not in forms:
        usage(f"--format {format!r}: {kind} are written as {' or '.join(sorted(forms))}")
    with opened_office(database, realm) as (office, _):
        if personal:
            _may_see(office, project, user)
        rows, last = _write(office, kind, project, format, since, out, personal)
    import json

    note(json.dumps({"rows": rows, "last": last if last is not None else since}))


def _may_see(office: Office, project: str, user: str | None) -> None:
    """Positions are told to people whose role may see customers, and who prove who they are."""
    from fieldtool.commands.opening import pin_of_user
    from workorders.gateway import persons
    from workorders.people import Role

    if user is None:
        usage("--personal needs --user")
    signed = persons.sign_in(office, user, pin_of_user())
    persons.sign_out(office, signed.token)
    if signed.user.role not in {Role.SUPERVISOR, Role.INTEGRATOR}:
        fail(f"a {signed.user.role} may not take positions out")
    if signed.user.project not in {None, project}:
        fail(f"your access is to the project {signed.user.project}")


def _write(
    office: Office, kind: str, project: str, format: str, since: int, out: Path | None, personal: bool
) -> tuple[int, int | None]:
    from workorders.gateway import handback

    count = 0

    def counted() -> Iterator[Any]:
        nonlocal count
        for row in handback.rows(office, kind, project, since, personal=personal):
            count += 1
            yield row

    stream = sys.stdout if out is None else out.open("w", encoding="utf-8", newline="")
    try:
        if format == "geojson":
            last = handback.write_geojson(counted(), stream)
        elif format == "xml":
            from workorders.mwm.cim.readings import write_readings

            last = write_readings(counted(), stream)
        else:
            last = handback.write_csv(counted(), kind, stream)
    finally:
        if out is not None:
            stream.close()
    return count, last


def add_to(mwm: typer.Typer, gateway: typer.Typer) -> None:
    """Hang the commands on those of the links and of the gateway."""
    mwm.command("preview")(preview)
    mwm.command("import")(import_sheet)
    gateway.command("export")(export)
