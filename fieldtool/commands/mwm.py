"""`fieldtool gateway mwm …`: links to other systems, and `fieldtool virtual-mwm`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.gateway import Database, Json, RealmOption
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import emit, fail, guarded, note, say, table, usage

if TYPE_CHECKING:
    from workorders.gateway.links.loop import Link, RoundReport

app = typer.Typer(no_args_is_help=True, help="Links to MWM, CIS, GIS and others, as a TOML file names them.")

LinksArgument = Annotated[Path, typer.Argument(help="TOML file with the links of a project.")]
LinkOption = Annotated[str | None, typer.Option("--link", help="Only the link of this name.")]


@contextmanager
def _links(
    file: Path, only: str | None, database: str | None, realm: str | None, blobs: str | None = None
) -> Iterator[list[Link]]:
    import assets
    from fieldtool.commands.secrets import resolve
    from workorders.gateway.links.ledger import Keeper, link_key
    from workorders.gateway.links.loop import Link
    from workorders.mwm.links import open_link
    from workorders.mwm.settings import read_links

    found = read_links(file)
    wanted = [link for link in found.link if only in (None, link.name)]
    if not wanted:
        fail(f"{file.name} has no link {only!r}; it has {', '.join(link.name for link in found.link)}")
    with opened_office(database, realm, blobs) as (office, files):
        opened: list[Link] = []
        try:
            for settings in wanted:
                port = open_link(
                    found,
                    settings,
                    base=file.resolve().parent,
                    schemas=assets.root() / "schemas",
                    kept=Keeper(office, link_key(found.project, settings.name)),
                    secret=lambda name: resolve(name, name.partition(":")[2]) or "",
                )
                opened.append(Link(office, files, found.project, settings, port))
            yield opened
        finally:
            for link in opened:
                link.port.close()


@app.command("run")
@guarded
def run(
    file: LinksArgument,
    link: LinkOption = None,
    once: Annotated[bool, typer.Option("--once", help="One round of each link, then end.")] = False,
    blobs: Annotated[str | None, typer.Option("--blobs", help="As for `gateway serve`.")] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take orders in and tell what happened, until SIGTERM or Ctrl-C; may be ended at any instant.

    With --json one line for each round that did something (with --once: for each): {"link", "busy", "issued",
    "changed", "cancelled", "same", "refused", "queued", "sent", "put_off", "dead", "trouble", "rests"}. Exit
    status 1 where a link was not let in (401, 403), or with --once had trouble.

    Example: fieldtool gateway mwm run mwm.toml
    """
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _links(file, link, database, realm, blobs) as links:
        if once:
            reports = [one.round() for one in links]
            for report in reports:
                _told(report, json)
            raise typer.Exit(int(any(report.trouble for report in reports)))
        raise typer.Exit(_run_all(links, json))


def _run_all(links: list[Link], json: bool) -> int:
    import threading

    rested: list[str] = []

    def told(report: RoundReport) -> None:
        if report.rests:
            rested.append(report.link)
        done = report.issued + report.changed + report.cancelled + report.refused + report.sent + report.dead
        if done or report.trouble:
            _told(report, json)

    threads = [threading.Thread(target=link.run, args=(told,), name=link.name) for link in links]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        for link in links:
            link.stop()
        for thread in threads:
            thread.join()
    return int(bool(rested))


def _told(report: RoundReport, json: bool) -> None:
    if json:
        emit(report)
        return
    say(
        f"{report.link}: {report.issued} issued, {report.changed} changed, {report.cancelled} cancelled, "
        f"{report.refused} refused; {report.sent} sent, {report.put_off} put off, {report.dead} dead"
    )
    if report.busy:
        note(f"{report.link}: another process works on this link")
    if report.trouble:
        note(
            f"{report.link}: {report.trouble}"
            + ("; the link rests until it is started again" if report.rests else "")
        )


@app.command("status")
@guarded
def status(
    file: LinksArgument, database: Database = None, realm: RealmOption = None, json: Json = False
) -> None:
    """How the links stand, and what somebody must look at.

    With --json one object: {"links": [{"link", "taken", "dead_in", "waiting", "sent", "dead_out", "oldest"}],
    "dead": [{"link", "way", "key", "number", "code", "reason", "attempts", "at"}]}.
    """
    from workorders.gateway.links.ledger import dead_letters, link_key, state_of
    from workorders.mwm.settings import read_links

    found = read_links(file)
    keys = [link_key(found.project, link.name) for link in found.link]
    with opened_office(database, realm) as (office, _), office.store.read() as connection:
        states = [state_of(connection, key) for key in keys]
        dead = [letter for key in keys for letter in dead_letters(connection, key)]
    if json:
        emit({"links": states, "dead": dead})
        return
    rows = [[s.link, s.taken, s.dead_in, s.waiting, s.sent, s.dead_out, s.oldest] for s in states]
    table("", ["link", "taken", "dead in", "waiting", "sent", "dead out", "oldest"], rows)
    if dead:
        table("", ["link", "way", "key", "number", "code", "reason"],
              [[d.link, d.way, d.key, d.number, d.code, d.reason] for d in dead])  # fmt: skip


@app.command("retry")
@guarded
def retry(
    file: LinksArgument,
    link: Annotated[str, typer.Argument(help="Name of the link.")],
    key: Annotated[str | None, typer.Option("--key", help="One dead letter; else all of the link.")] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Bring dead letters back for the next round. With --json one object: {"out", "in"}, how many of them."""
    from workorders.gateway.links import ledger
    from workorders.mwm.settings import read_links

    found = read_links(file)
    if link not in {one.name for one in found.link}:
        fail(f"{file.name} has no link {link!r}")
    with opened_office(database, realm) as (office, _):
        out, back = ledger.retry(office, ledger.link_key(found.project, link), key)
    if json:
        emit({"out": out, "in": back})
    else:
        say(f"{out} to be sent again, {back} to be read again")


@app.command("verify")
@guarded
def verify(
    file: LinksArgument,
    link: Annotated[str, typer.Argument(help="Name of the link.")],
    serial: Annotated[str, typer.Argument(help="Serial of the device.")],
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Ask the other system for a device. With --json one object: {"serial", "known", "status", "model"}."""
    with _links(file, link, database, realm) as links:
        found = links[0].port.verify_device(serial)
    if json:
        emit(found)
    else:
        told = ["known" if found.known else "not known", found.status, found.model]
        say(f"{serial}: {' '.join(part for part in told if part)}")


@guarded
def virtual_mwm(
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT; port 0 picks one.")] = "127.0.0.1:0",
    orders: Annotated[
        Path | None, typer.Option("--orders", help="JSON list of orders: number, kind, usage_point, crew, …")
    ] = None,
    stock: Annotated[
        Path | None, typer.Option("--stock", help="JSON object: resource → list of serials on its truck.")
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", help="429=RATE,500=RATE,lost=RATE,duplicate=RATE,reorder=RATE,slow=MS")
    ] = "",
    seed: Annotated[int | None, typer.Option("--seed", help="For the same faults again.")] = None,
    client: Annotated[str, typer.Option("--client", help="Who may sign in.")] = "fieldtool",
    secret: Annotated[
        str | None, typer.Option("--secret", help="env:NAME or file:PATH; else one for training is shown.")
    ] = None,
    webhook_secret: Annotated[
        str | None, typer.Option("--webhook-secret", help="env:NAME or file:PATH of whsec_…")
    ] = None,
) -> None:
    """An MWM that is not there: CIM messages at /cim/…, a field service at /rest/ofscCore/v1, /webhooks.

    Prints one JSON line when ready: {"ready", "url", "client", "secret"}, `secret` only where it was made
    here. POST /_orders plans, POST /_cancel withdraws, GET /_state shows everything. Only loopback is served.
    """
    from fieldtool.commands.secrets import resolve
    from workorders.mwm.virtual.run import VirtualOptions, serve

    given, hook = resolve(secret, "--secret"), resolve(webhook_secret, "--webhook-secret")
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        usage(f"--listen {listen!r} is not HOST:PORT")
    serve(
        VirtualOptions(
            host=host or "127.0.0.1", port=int(port), orders=orders, stock=stock, faults=faults, seed=seed,
            client=client, secret=given, hook_secret=hook,
        )
    )  # fmt: skip


def add_to(root: typer.Typer, gateway: typer.Typer) -> None:
    """Hang the commands on those of the gateway and on the program."""
    gateway.add_typer(app, name="mwm")
    root.command("virtual-mwm")(virtual_mwm)
