"""`fieldtool journal`: prove, rebuild and hand out the record; check an installation record alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.opening import opened, opened_office
from fieldtool.commands.output import JSON_HELP, emit, fail, guarded, note, progress_bar, say, usage

if TYPE_CHECKING:
    from workorders.journal.entry import Realm
    from workorders.store.engine import Store

app = typer.Typer(no_args_is_help=True, help="The record: proven, folded again, handed out.")

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
RealmOption = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]
Gateway = Annotated[bool, typer.Option("--gateway", help="The gateway's record instead of this tablet's.")]
Database = Annotated[
    str | None,
    typer.Option("--database", help="The gateway's database; else FIELDTOOL_DATABASE. Implies --gateway."),
]


@contextmanager
def _store(
    realm: str | None, gateway: bool, database: str | None
) -> Iterator[tuple[Store, bytes | None, Realm]]:
    """The store to look at, the root that certified its authors, and its realm."""
    if gateway or database is not None:
        with opened_office(database, realm) as (office, _):
            yield office.store, office.root, office.realm
        return
    with opened(realm) as tablet:
        yield tablet.store, tablet.identity.root_der(), tablet.realm


@app.command("verify")
@guarded
def verify(
    record: Annotated[
        Path | None,
        typer.Option("--record", help="PDF of an installation record to check alone, without any database."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="The gateway's root certificate (PEM or DER), for --record.")
    ] = None,
    realm: RealmOption = None,
    gateway: Gateway = False,
    database: Database = None,
    json: Json = False,
) -> None:
    """Prove hashes, signatures and continuity of every chain, and that the tables equal a fold from nothing.

    With --json one object: {"ok", "entries", "chains", "heads", "projection_equal", "digest", "problems":
    [{"chain_id", "seq", "code", "detail"}], "quarantined"}. With --record: {"ok", "findings": [{"code",
    "where",
    "detail"}], "record_hash", "number"}; any changed field or photo is found, without a server.

    Example: fieldtool journal verify --record acta.pdf --root root.pem
    """
    if record is not None:
        _verify_record(record, root, json)
        return
    if root is not None:
        usage("--root goes with --record")
    from workorders.store.verify import verify_store

    with _store(realm, gateway, database) as (store, der, of_realm), progress_bar(json) as progress:
        report = verify_store(
            store, der, realm=of_realm, progress=lambda done, total: progress("chains", done, total, None)
        )
    if json:
        emit(report)
    else:
        state = "equal to" if report.projection_equal else "DIFFERENT from"
        say(f"{report.entries} entries in {report.chains} chains; tables {state} a fold from nothing")
        for problem in report.problems:
            say(f"{problem.chain_id}:{problem.seq} {problem.code} {problem.detail}")
    if not report.ok:
        fail(f"{len(report.problems)} problem(s) in the record")


def _verify_record(record: Path, root: Path | None, json: bool) -> None:
    from fieldtool.documents.verify import verify_record

    if root is None:
        usage("--record needs --root, the gateway's root certificate (`fieldtool gateway root`)")
    check = verify_record(record, root)
    if json:
        emit(check.to_json())
    else:
        number = check.record.number if check.record else "—"
        say(f"record {number}: {'as issued' if check.ok else 'NOT as issued'}")
        for finding in check.findings:
            say(f"{finding.code} {finding.where} {finding.detail}".rstrip())
    if not check.ok:
        fail("the record is not as it was issued")


@app.command("rebuild")
@guarded
def rebuild(
    realm: RealmOption = None, gateway: Gateway = False, database: Database = None, json: Json = False
) -> None:
    """Fold the tables from nothing out of the entries; they must come out as they were.

    With --json one object: {"before", "after", "equal"}. Exit status 1 where they differed (they are right
    now).
    """
    from workorders.store import projection

    with _store(realm, gateway, database) as (store, _, _realm), progress_bar(json) as progress:
        before = projection.digest(store)
        projection.rebuild(store, lambda done, total: progress("fold", done, total, None))
        after = projection.digest(store)
    if json:
        emit({"before": before, "after": after, "equal": before == after})
    else:
        say(f"{'equal' if before == after else 'different'}: {after}")
    if before != after:
        fail("the tables differed from what the entries say; they are right now, and this should be reported")


@app.command("export")
@guarded
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file; else to standard output.")
    ] = None,
    realm: RealmOption = None,
    gateway: Gateway = False,
    database: Database = None,
) -> None:
    """Write every entry as one line of canonical JSON: its signed body with `hash` and `signature`.

    Personal data stands there only sealed; no key is in it.
    """
    from workorders.store.verify import export_lines

    with _store(realm, gateway, database) as (store, _, _realm), store.read() as connection:
        count = 0
        if out is None:
            for line in export_lines(connection):
                sys.stdout.buffer.write(line + b"\n")
                count += 1
            sys.stdout.buffer.flush()
        else:
            with out.open("wb") as file:
                for line in export_lines(connection):
                    file.write(line + b"\n")
                    count += 1
    note(f"{count} entries")
