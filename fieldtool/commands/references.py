"""Commands about reference files: publish them at the office, see on a tablet which are in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands import gateway
from fieldtool.commands.gateway import Database
from fieldtool.commands.opening import opened, opened_office
from fieldtool.commands.output import (
    JSON_HELP,
    emit,
    explained_sync,
    fail,
    guarded,
    note,
    table,
    usage,
)

if TYPE_CHECKING:
    from workorders.gateway.published import PublishedSet

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
RealmOption = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]


@gateway.app.command("publish")
@guarded
def publish(
    project: Annotated[str, typer.Argument(help="Id of the project whose tablets get them.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="TOML files that are put into the sets in force.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Folder with procedures/, models/, programs/, labels/, technologies/: each that is there "
            "becomes the whole set of its kind.",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="What the FILES are; else their folder or their words say.")
    ] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Publish procedures, meter models, programs, label rules and technologies to the tablets of a project.

    Every file is read by the rules that a tablet reads it by; a mistake is named with file and line, and
    then nothing is published. Tablets take the new version into use with their next sync; an order that was
    begun goes on by the procedure that it was begun with. With --json one object: {"project", "sets":
    [{"name", "kind", "version", "sha256", "published_at", "files", "published"}], "doubts": [{"kind",
    "file", "line", "reason"}]}, or with mistakes {"problems": [{"kind", "file", "line", "reason"}]} and
    exit status 1.

    Example: fieldtool gateway publish prime procedures/exchange.toml
    """
    from fieldtool.reference import sources
    from fieldtool.reference.reader import Reader
    from workorders.gateway.published import FilesRefused, publish_files

    if bool(files) == (folder is not None):
        usage("give either FILES or --from DIR")
    try:
        found = sources.of_folder(folder) if folder is not None else sources.of_files(files or [], kind)
        with opened_office(database, realm) as (office, _):
            done = publish_files(office, project, found, reader=Reader(), whole=folder is not None)
    except (sources.FilesUnreadable, FilesRefused) as error:
        for problem in error.problems:
            note(str(problem))
        if json:
            emit({"problems": error.problems})
        fail(f"nothing was published: {len(error.problems)} mistake(s) in the files [files_refused]")
    for doubt in done.doubts:
        note(f"look: {doubt}")
    if json:
        emit(done)
        return
    _show(done.sets)
    if not any(item.published for item in done.sets):
        note("nothing new: the sets in force hold these very files")


@gateway.app.command("published")
@guarded
def published(
    project: Annotated[str, typer.Argument(help="Id of the project.")],
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """List the sets of files that are in force in a project.

    With --json one object: {"sets": [{"name", "kind", "version", "sha256", "published_at", "files"}]}.
    """
    from workorders.gateway.published import published_sets

    with opened_office(database, realm) as (office, _):
        found = published_sets(office, project)
    if json:
        emit({"sets": found})
        return
    _show(found)


def _show(sets: list[PublishedSet]) -> None:
    lines = [[item.kind, item.version, item.published_at, ", ".join(item.files)] for item in sets]
    table("", ["kind", "version", "published", "files"], lines)


@guarded
def references(realm: RealmOption = None, json: Json = False) -> None:
    """Say which procedures, models, programs, label rules and technologies this tablet works by.

    A kind that nothing was published of is as the program brings it. With --json one object: {"references":
    [{"kind", "state": current|outdated|refused, "version", "published_at", "received_at", "files",
    "offered_version", "code", "reason"}]}; `version` and the times are null for the program's own files,
    `offered_version` is what the office last said is in force.
    """
    with opened(realm) as tablet:
        found = tablet.references()
    if json:
        emit({"references": found})
        return
    lines = [
        [row.kind, row.version, row.published_at, row.received_at, ", ".join(row.files)] for row in found
    ]
    table("", ["kind", "version", "published", "received", "files"], lines)
    for row in found:
        if row.code is not None:
            note(f"{row.kind}, version {row.offered_version}: {explained_sync(row.code, row.reason or '')}")
        elif row.state.value == "outdated":
            note(f"{row.kind}: the office has version {row.offered_version}; sync")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("references")(references)
