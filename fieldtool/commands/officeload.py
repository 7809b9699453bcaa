"""`fieldtool gateway load`: a project as the utility delivers it becomes the office's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from fieldtool.commands.gateway import Database, Json, RealmOption
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import emit, fail, guarded, note, progress_bar, say, table, usage

if TYPE_CHECKING:
    from workorders.gateway.load import LoadReport, Progress


@guarded
def load(
    project: Annotated[str, typer.Argument(help="Folder with project.toml, or the name of a demo project.")],
    today: Annotated[
        str | None,
        typer.Option(
            "--today", help="YYYY-MM-DD (or 'now'): move every date so that the day of export is this."
        ),
    ] = None,
    pins: Annotated[
        Path | None, typer.Option("--pins", help="JSON file {person: PIN} for the people of the project.")
    ] = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="One row with a mistake refuses everything.")
    ] = False,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Import a project as the utility delivers it: network, supply points, meters, stock, people, orders.

    Loading again takes changes over and leaves the rest. The files are judged whole before anything is
    written, and rows with mistakes are refused one by one; with --all-or-nothing one of them refuses
    everything, and the exit status is 1. It may be ended with Ctrl-C, or by anything else, at any time: the
    same files loaded again go on from there, and tablets get nothing of a half. With --json one object:
    {"project", "counts": {table: n}, "issued", "changed", "same", "absent", "refused", "errors": [text],
    "taken", "resumed"}.

    Example: fieldtool gateway load prime --today now
    """
    import datetime

    import assets
    from workorders.gateway.load import load_project

    folder = Path(project)
    if not (folder / "project.toml").is_file():
        try:
            folder = assets.project(project)
        except FileNotFoundError as error:
            fail(str(error))
    day = None
    if today is not None:
        now = datetime.datetime.now(datetime.UTC).date()
        try:
            day = now if today == "now" else datetime.date.fromisoformat(today)
        except ValueError:
            usage(f"--today {today!r}: it is YYYY-MM-DD or 'now'")
    given = _pins(pins)
    with opened_office(database, realm) as (office, _):
        report = _run(
            json,
            lambda progress: load_project(
                office, folder, today=day, pins=given, progress=progress, all_or_nothing=all_or_nothing
            ),
        )
        if not report.taken:
            _refused(report, json)
    if json:
        emit(report)
        return
    say(f"{report.project}: {report.issued} orders issued, {report.changed} changed, {report.same} as before")
    table("", ["table", "rows"], [[name, number] for name, number in report.counts.items()])
    _tell_errors(report.errors)
    if report.refused:
        note(f"{report.refused} rows were refused")


def _run(quiet: bool, work: Callable[[Progress], LoadReport]) -> LoadReport:
    """Import with a bar; who ends it is told where it was and how to go on."""
    at = ("", 0, 0)
    try:
        with progress_bar(quiet) as bar:

            def show(what: str, done: int, total: int) -> None:
                nonlocal at
                at = what, done, total
                bar(f"{what} {done:,} / {total:,}", done, total, None)

            return work(show)
    except KeyboardInterrupt:
        note(f"stopped at {at[0]}, {at[1]:,} of {at[2]:,}; loaded again, the same files go on from there")
        raise


_ERRORS_SHOWN = 20


def _tell_errors(errors: list[str]) -> None:
    for line in errors[:_ERRORS_SHOWN]:
        note(line)
    if len(errors) > _ERRORS_SHOWN:
        note("… (--json names more)")


def _refused(report: LoadReport, json: bool) -> NoReturn:
    """Nothing was taken: say which rows, and leave."""
    if json:
        emit(report)
    else:
        _tell_errors(report.errors)
    fail(f"{report.refused} rows have mistakes; nothing was taken")


def _pins(path: Path | None) -> dict[str, str]:
    import msgspec

    from fieldtool.errors import JobError

    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        raise JobError("pins_file", f"{path.name} is no JSON object of person and PIN") from None


def add_to(app: typer.Typer) -> None:
    """Register the command of this module."""
    app.command("load")(load)
