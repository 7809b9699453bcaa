"""`fieldtool gateway`: the office side - serve it, people, codes, and take trust away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import (
    JSON_HELP,
    emit,
    guarded,
    local,
    note,
    say,
    table,
    usage,
)

if TYPE_CHECKING:
    from workorders.gateway.office import Office

app = typer.Typer(no_args_is_help=True, help="The office side: what tablets sync with.")
users_app = typer.Typer(no_args_is_help=True, help="People: who may sign in, on which tablets, as what.")
app.add_typer(users_app, name="users")

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME; else FIELDTOOL_DATABASE, else below "
        "FIELDTOOL_HOME.",
    ),
]
RealmOption = Annotated[
    str | None, typer.Option("--realm", help="live | training | demo; fixed when the database is made.")
]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


@app.command("serve")
@guarded
def serve(
    database: Database = None,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT; port 0 picks one.")] = "127.0.0.1:8443",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="PEM for TLS; without one only loopback is served.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="PEM of the certificate's key.")] = None,
    blobs: Annotated[
        str | None,
        typer.Option(
            "--blobs",
            help="A folder, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME; else FIELDTOOL_BLOBS, else "
            "beside the database.",
        ),
    ] = None,
    requests_per_second: Annotated[
        float,
        typer.Option(
            "--requests-per-second",
            min=0,
            help="What one tablet or user may ask on the average (an address ten times that); 0: no limits.",
        ),
    ] = 40,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy", help="Address or network of a balancer that is believed when it says who asked."
        ),
    ] = None,
    proofs: Annotated[
        Path | None,
        typer.Option(
            "--proofs",
            help="TOML of whom to ask who was heard, as `gateway proof poll` does: [[project]] id, in it "
            "[[project.concentrator]] node, url and [[project.lookup]] name, url, token.",
        ),
    ] = None,
    realm: RealmOption = None,
) -> None:
    """Serve tablets and supervisors until SIGTERM or Ctrl-C.

    Prints one JSON line when ready: {"ready": true, "url", "realm", "schema"}; OpenAPI is at
    /schema/openapi.json. On PostgreSQL any number may serve one database; they share the master key
    (FIELDTOOL_DATABASE_KEY=file:PATH or env:NAME, 64 hex digits) and the blobs. With --proofs one of them
    asks for each project.

    Example: fieldtool gateway serve --listen 127.0.0.1:0
    """
    import signal

    import assets
    from fieldtool.reference.reader import Reader
    from workorders.gateway.app import serve as run
    from workorders.gateway.service.rates import Limits

    # The server raises the signal that stopped it again when it is down; SIGTERM then ends us as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    limits = Limits.of(requests_per_second) if requests_per_second else None
    asking = _asking(proofs)
    with opened_office(database, realm, blobs) as (office, files), asking(office):
        status = run(
            office,
            listen,
            blobs=files,
            certificate=certificate,
            key=key,
            reader=Reader(),
            limits=limits,
            proxies=proxy or (),
            schemas=assets.root() / "schemas",
        )
    raise typer.Exit(status)


def _asking(file: Path | None) -> Callable[[Office], AbstractContextManager[object]]:
    """What asks the networks beside a serving gateway; a mistake in the file is told before anything runs."""
    if file is None:
        return lambda office: nullcontext()
    import assets
    from fieldtool.commands.secrets import resolve
    from fieldtool.proofkeeping import ProofKeeping, read_projects
    from fieldtool.technologies import load_technologies

    wanted, technologies = read_projects(file), load_technologies(assets.root() / "technologies")
    return lambda office: ProofKeeping(
        office, wanted, technologies, lambda name: resolve(name, "token") or ""
    )


@users_app.command("add")
@guarded
def users_add(
    name: Annotated[str, typer.Argument(help="Name as the sign-in page shows it.")],
    role: Annotated[
        str,
        typer.Option("--role", help="installer | lead | supervisor | engineer | integrator | administrator."),
    ],
    id: Annotated[str | None, typer.Option("--id", help="Opaque id; else one is made.")] = None,
    crew: Annotated[str | None, typer.Option("--crew")] = None,
    project: Annotated[str | None, typer.Option("--project")] = None,
    pin: Annotated[
        str | None, typer.Option("--pin", help="env:NAME or file:PATH; else a random one is shown, once.")
    ] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Add a person, or give one with this id a new name, role or PIN.

    With --json one object: {"id", "name", "role", "crew", "project", "pin"}; `pin` only where it was made
    here.
    """
    from fieldtool.commands.secrets import resolve
    from workorders.gateway.persons import add_user
    from workorders.people import Role

    try:
        chosen = Role(role)
    except ValueError:
        usage(f"--role {role!r}: it is one of {', '.join(Role)}")
    with opened_office(database, realm) as (office, _):
        user = add_user(
            office,
            name=name,
            role=chosen,
            person_id=id,
            crew=crew,
            project=project,
            pin=resolve(pin, "--pin"),
        )
    if json:
        emit(user)
        return
    say(f"{user.id}: {user.name}, {user.role.value}")
    if user.pin is not None:
        say(f"PIN, shown only now: {user.pin}")


@users_app.command("list")
@guarded
def users_list(
    project: Annotated[str | None, typer.Option("--project")] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """List people. With --json one object: {"users": [{"id", "name", "role", "crew", "project",
    "revoked_at"}]}."""
    from workorders.gateway.persons import users

    with opened_office(database, realm) as (office, _):
        found = users(office, project)
    if json:
        emit({"users": found})
        return
    lines = [[u.id, u.name, u.role.value, u.crew, u.project, u.revoked_at] for u in found]
    table("", ["id", "name", "role", "crew", "project", "revoked"], lines)


@users_app.command("revoke")
@guarded
def users_revoke(
    person: Annotated[str, typer.Argument(help="Id of the person.")],
    database: Database = None,
    realm: RealmOption = None,
) -> None:
    """End a person's grants; tablets learn it with their next sync."""
    from workorders.gateway.persons import revoke_user

    with opened_office(database, realm) as (office, _):
        revoke_user(office, person)
    say(f"revoked: {person}")


@app.command("enrol")
@guarded
def enrol(
    crew: Annotated[str | None, typer.Option("--crew", help="Crew whose orders the tablet gets.")] = None,
    project: Annotated[str | None, typer.Option("--project")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address of this gateway, for the QR.")] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Make a code that lets one tablet in, once, within 24 hours.

    With --json one object: {"code", "expires_at", "root_sha256", "url", "qr", "crew", "project"}.
    """
    from workorders.gateway.enrolment import create_enrolment_code

    with opened_office(database, realm) as (office, _):
        code = create_enrolment_code(office, crew=crew, project=project, url=url)
    if json:
        emit(code)
        return
    say(f"code {code.code}, good until {local(code.expires_at)}")
    if code.qr:
        _show_qr(code.qr)


def _show_qr(text: str) -> None:
    import sys

    import qrcode

    picture = qrcode.QRCode(border=2)
    picture.add_data(text)
    if sys.stdout.isatty():
        picture.print_ascii(out=sys.stdout)
    say(text)


@app.command("tablets")
@guarded
def tablets(database: Database = None, realm: RealmOption = None, json: Json = False) -> None:
    """List tablets. With --json one object: {"tablets": [{"id", "name", "crew", "enrolled_at", "seen_at",
    …}]}."""
    from workorders.gateway.admin import tablets as known

    with opened_office(database, realm) as (office, _):
        found = known(office)
    if json:
        emit({"tablets": found})
        return
    lines = [[t.id, t.name, t.crew, t.enrolled_at, t.seen_at, t.revoked_at] for t in found]
    table("", ["id", "name", "crew", "enrolled", "seen", "revoked"], lines)


@app.command("revoke")
@guarded
def revoke(
    tablet: Annotated[str, typer.Argument(help="Id of the tablet.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    database: Database = None,
    realm: RealmOption = None,
) -> None:
    """Take a tablet's trust away: what it wrote stays, what comes after is kept and rejected.

    At its next contact it hands over what it holds and stops work (see `wipe` for more).
    """
    from workorders.gateway.admin import revoke_tablet

    with opened_office(database, realm) as (office, _):
        revoke_tablet(office, tablet, reason)
    say(f"revoked: {tablet}")


@app.command("wipe")
@guarded
def wipe(
    tablet: Annotated[str, typer.Argument(help="Id of a revoked tablet.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; it is kept.")] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Order it, knowing what is lost; without it only that is told.")
    ] = False,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Name what a wipe of a tablet would end; with --confirm order it for the tablet's next contact.

    Revoke the tablet first: it then hands over what it holds. What it could not send it leaves in a file on
    it, sealed to the recovery key (`bundle import` reads it). With --json one object: {"tablet", "name",
    "crew", "seen_at", "revoked_at", "ordered_at", "wiped_at", "entries_held", "orders_begun",
    "files_missing", "entries_kept"}.
    """
    from workorders.gateway.wiping import order_wipe, wipe_losses

    if confirm and not (reason or "").strip():
        usage("--confirm needs --reason")
    with opened_office(database, realm) as (opened, _):
        losses = order_wipe(opened, tablet, reason or "") if confirm else wipe_losses(opened, tablet)
    if json:
        emit(losses)
        return
    say(f"{losses.name} ({losses.tablet}), crew {losses.crew or '-'}, last seen {losses.seen_at or 'never'}")
    say(f"held here: {losses.entries_held} entries; written since it was seen: only on the tablet")
    if losses.entries_kept:
        say(f"handed over since it was revoked: {losses.entries_kept} entries (gateway accept)")
    say(f"begun and not ended: {', '.join(losses.orders_begun) or 'none'}")
    say(f"photos and documents not here: {losses.files_missing}")
    if losses.ordered_at:
        say(f"wipe ordered at {losses.ordered_at}; done: {losses.wiped_at or 'not yet'}")
    else:
        note("nothing was ordered; repeat with --confirm --reason TEXT")


@app.command("recovery-code")
@guarded
def recovery_code(
    tablet: Annotated[str, typer.Argument(help="Id of the tablet whose database key was lost.")],
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Approve that a tablet gets its database key back (`fieldtool recover`): once, within 24 hours.

    With --json one object: {"code", "expires_at", "root_sha256", "tablet"}.
    """
    from workorders.gateway.enrolment import create_recovery_code

    with opened_office(database, realm) as (office, _):
        code = create_recovery_code(office, tablet)
    if json:
        emit(code)
    else:
        say(f"code {code.code}, good until {local(code.expires_at)}")


@app.command("heard")
@guarded
def heard(
    project: Annotated[str, typer.Argument(help="Id of the project.")],
    file: Annotated[Path, typer.Argument(help="CSV of the head-end: serial;heard_at;concentrator.")],
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take in a list of whom the head-end heard. With --json: {"heard", "refused", "reported", "errors":
    [text]}."""
    from workorders.gateway.heard import take_heard

    with opened_office(database, realm) as (office, _):
        report = take_heard(office, project, file.read_bytes())
    if json:
        emit(report)
        return
    say(f"{report.heard} lines, {report.reported} devices with news, {report.refused} refused")
    for line in report.errors[:20]:
        note(line)


@app.command("root")
@guarded
def root(database: Database = None, realm: RealmOption = None) -> None:
    """Print the root certificate (PEM), with which `journal verify --record` checks a record anywhere."""
    from workorders.certificates import pem

    with opened_office(database, realm) as (office, _):
        text = pem(office.root)
    say(text.strip())
