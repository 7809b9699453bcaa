"""`fieldtool gateway proof`: what the network says of mounted devices, taken in, asked for, or received."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.gateway import Database, Json, RealmOption
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import emit, fail, guarded, note, say, usage

if TYPE_CHECKING:
    from fieldtool.proofs import Round
    from fieldtool.technologies import Technology
    from workorders.gateway.office import Office

app = typer.Typer(no_args_is_help=True, help="Proof of place: whom the network hears, asked at the office.")
Project = Annotated[str, typer.Argument(help="Id of the project.")]
LOOK_SECONDS = 15.0


@app.command("import")
@guarded
def import_list(
    project: Project,
    file: Annotated[Path, typer.Argument(help="CSV of a head-end: whom it heard, when, through what.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="TOML: how this head-end writes its list (columns, encoding, times)."),
    ] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take in a head-end's list of devices heard. Rows with mistakes are refused one by one, with their line.

    What waiting decides by the newest word of the list is written too: a device that was not heard within the
    technology's time has failed, one that is silent for long is an orphan ("settled").

    A mapping file: `encoding = "cp1252"`, `time_format = "%d/%m/%Y %H:%M"`, `time_zone = "America/Lima"`, and
    `[columns]` with serial or identity, heard_at, concentrator, status = the head-end's own names. With
    --json
    one object: {"seen", "known", "foreign", "early", "unwell", "silent", "doubtful", "reported", "refused",
    "errors": [text], "settled": {"failed", "silent"}}.

    Example: fieldtool gateway proof import cusco seen.csv --mapping headend.toml
    """
    from fieldtool.prooflist import read_list, read_mapping
    from fieldtool.proofs import waits_of
    from fieldtool.proofsettling import settle_list
    from workorders.gateway.board import projects
    from workorders.gateway.proof import take_sightings

    how = read_mapping(mapping)
    with opened_office(database, realm) as (office, _):
        known = {one.id: one for one in projects(office)}
        if project not in known:
            fail(f"there is no project {project!r}; there are {', '.join(sorted(known)) or 'none'}")
        rows, errors = read_list(file, how, known[project].time_zone)
        report = take_sightings(office, project, rows, how.source)
        settled = settle_list(office, project, rows, waits_of(_technology(office, project)))
    if json:
        from msgspec.structs import asdict

        emit({**asdict(report), "refused": len(errors), "errors": errors[:200], "settled": settled})
    else:
        say(f"{report.seen} rows, {report.known} of mounted devices, {report.reported} with news")
        say(f"{report.foreign} nobody mounted, {report.early} heard before they were mounted")
        say(f"{report.unwell} with errors, {report.silent} never heard, {report.doubtful} doubtful")
        say(f"by waiting: {settled['failed']} failed, {settled['silent']} silent")
        for line in errors[:20]:
            note(line)
    if errors and not rows:
        fail("no row could be read")


@app.command("poll")
@guarded
def poll(
    project: Project,
    sources: Annotated[
        Path | None,
        typer.Option(
            "--sources", help="TOML with [[concentrator]] node, url and [[lookup]] name, url, token."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One round of whoever is due, then end.")] = False,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Ask concentrators and network servers who was heard, again and again, without the crew.

    Concentrators of the network file with `url=` are asked too. What is due stands in the database: any
    number
    of these may run on one, each source is asked by one. With --json one line a round: {"asked": [{"source",
    "report": null | {…}, "error": null | text, "more": bool}], "failed": n, "silent": n}; both "report" and
    "error" where some devices of a source could not be asked for. Ends cleanly (status 0) on SIGTERM and
    Ctrl-C.

    Example: fieldtool gateway proof poll prime --sources sources.toml --once --json
    """
    import signal

    from fieldtool.commands.secrets import resolve
    from fieldtool.proofs import Sources, read_sources, waits_of, with_tree
    from fieldtool.proofs import poll as ask

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = read_sources(sources) if sources else Sources()

    def secret(name: str) -> str:
        return resolve(name, "token") or ""

    with opened_office(database, realm) as (office, _):
        waits = waits_of(_technology(office, project))
        asked = with_tree(office, project, given)
        if not asked.concentrator and not asked.lookup:
            usage("nobody to ask: give --sources, or url= among the identities of concentrators")
        try:
            found = _rounds(lambda: ask(office, project, asked, waits, secret, _told, whole=once), once, json)
        except KeyboardInterrupt:
            return  # what was asked is written, and who was being asked is due again
    _tell(found, json)


def _rounds(ask: Callable[[], Round], once: bool, json: bool) -> Round:
    """One round, or rounds for ever."""
    from workorders.store.errors import StoreError

    while True:
        try:
            found = ask()
        except StoreError as error:
            if once:
                raise
            note(f"the database is away or busy, the next round will do: {error}")
        else:
            if json and (found.asked or once):
                emit(found)
            if once:
                return found
        time.sleep(LOOK_SECONDS)


def _told(source: str, line: str) -> None:
    note(f"{source}: {line}")


def _tell(found: Round, json: bool) -> None:
    if not json:
        say(f"{len(found.asked)} asked, {found.failed} failed, {found.silent} silent")
    if found.asked and all(one.report is None for one in found.asked):
        fail("no source could be asked")


def _technology(office: Office, project: str) -> Technology | None:
    import assets
    from fieldtool.technologies import load_technologies
    from workorders.gateway.board import projects

    known = {one.id: one for one in projects(office)}
    if project not in known:
        fail(f"there is no project {project!r}; there are {', '.join(sorted(known)) or 'none'}")
    return load_technologies(assets.root() / "technologies").get(known[project].technology)


@app.command("serve")
@guarded
def serve(
    project: Project,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT; port 0 picks one.")] = "127.0.0.1:8480",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="PEM for TLS; without one only loopback is served.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="PEM of the certificate's key.")] = None,
    plain: Annotated[
        bool,
        typer.Option("--plain", help="Serve without TLS beyond this machine too: behind a tunnel or proxy."),
    ] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder for bodies that could not be understood.")
    ] = None,
    database: Database = None,
    realm: RealmOption = None,
) -> None:
    """Receive what PRIME concentrators push (SOAP Report, UpdateRequestStatus, UpdateMetersStatus).

    Prints one JSON line when ready: {"ready": true, "url"}. Only concentrators of the project's network are
    listened to, and what they say is matched like any other list. What waiting decides of devices behind a
    concentrator that has just spoken is written too.
    """
    import signal

    from fieldtool.proofs import waits_of
    from fieldtool.proofserver import serve as run

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with opened_office(database, realm) as (office, _):
        waits = waits_of(_technology(office, project))

        def ready(url: str) -> None:
            emit({"ready": True, "url": url})

        run(
            office,
            project,
            listen,
            waits=waits,
            plain=plain,
            certificate=certificate,
            key=key,
            keep=keep,
            ready=ready,
        )


def add_to(gateway: typer.Typer) -> None:
    """Hang the commands on `fieldtool gateway`."""
    gateway.add_typer(app, name="proof")
