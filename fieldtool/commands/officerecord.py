"""`fieldtool gateway audit|quarantine`: what was done in the office, and what it keeps without effect."""

from __future__ import annotations

from typing import Annotated

import typer

from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import JSON_HELP, emit, guarded, local, note, say, table

Database = Annotated[str | None, typer.Option("--database", help="As of `gateway load`.")]
RealmName = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Number = Annotated[int, typer.Argument(help="Number that `quarantine list` shows.", min=1)]

quarantine_app = typer.Typer(no_args_is_help=True, help="What is kept without effect, with its bytes.")


def add_to(app: typer.Typer) -> None:
    """Put the commands into the group of the office."""
    app.command("audit")(audit)
    quarantine_app.command("list")(listed)
    quarantine_app.command("show")(show)
    quarantine_app.command("retry")(retry)
    app.add_typer(quarantine_app, name="quarantine")


@guarded
def audit(
    who: Annotated[str | None, typer.Option("--who", help="Only what this person did.")] = None,
    before: Annotated[int | None, typer.Option("--before", help="Only numbers below it.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 100,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """List what was done in the office, newest first: who, when, what, from where, and what came of it.

    With --json one object: {"acts": [{"number", "at", "who", "role", "act", "object", "source", "outcome",
    "ended_at"}]}; an act without an outcome was cut, or runs.
    """
    from workorders.gateway.audit import acts

    with opened_office(database, realm) as (office, _):
        found = acts(office, before=before, who=who, limit=limit)
    if json:
        emit({"acts": found})
        return
    lines = [
        [a.number, local(a.at), a.who, a.role, a.act, a.object, a.source, a.outcome or "?"] for a in found
    ]
    table("", ["", "when", "who", "role", "what", "of", "from", "outcome"], lines)


@guarded
def listed(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what was not taken in since.")] = False,
    after: Annotated[int, typer.Option("--after", min=0, help="Only numbers above it.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 100,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """List what is kept without effect, oldest first.

    With --json one object: {"kept": [{"number", "entry_id", "hash", "chain_id", "seq", "verdict", "code",
    "reason", "source", "received_at", "size", "retried_at", "retried_verdict"}]}.
    """
    from workorders.gateway.quarantine import kept

    with opened_office(database, realm) as (office, _):
        found = kept(office, after=after, limit=limit, waiting=waiting)
    if json:
        emit({"kept": found})
        return
    lines = [
        [k.number, local(k.received_at), k.source, k.verdict, k.code, k.reason, k.size, k.retried_verdict]
        for k in found
    ]
    table("", ["", "received", "from", "verdict", "code", "why", "bytes", "tried again"], lines)


@guarded
def show(number: Number, database: Database = None, realm: RealmName = None, json: Json = False) -> None:
    """Show one thing with its bytes as they came.

    With --json one object: {"kept": {…}, "body": Base64, "text": text or null, "signature": Base64 or null}.
    """
    from workorders.gateway.quarantine import kept_bytes

    with opened_office(database, realm) as (office, _):
        found = kept_bytes(office, number)
    if json:
        emit(found)
        return
    one = found.kept
    say(f"{one.number}: {one.verdict}, {one.code}: {one.reason}")
    say(f"from {one.source or '-'}, {local(one.received_at)}; chain {one.chain_id or '-'}, {one.seq or '-'}")
    say(found.text if found.text is not None else found.body.hex())


@guarded
def retry(number: Number, database: Database = None, realm: RealmName = None, json: Json = False) -> None:
    """Judge kept bytes anew, as after an update; its tablet learns the verdict with its next sync.

    With --json one object: {"number", "verdicts": [{"id", "hash", "verdict", "code", "reason"}]}.
    """
    from workorders.gateway import quarantine

    with opened_office(database, realm) as (office, _):
        done = quarantine.retry(office, number)
    if json:
        emit(done)
        return
    for verdict in done.verdicts:
        note(f"{verdict.id or verdict.hash}: {verdict.verdict} {verdict.code} {verdict.reason}".rstrip())
