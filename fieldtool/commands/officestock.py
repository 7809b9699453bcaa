"""`fieldtool gateway stock|stock-move`: what the office knows of trucks and store, and moving it."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated

import typer

from fieldtool.commands.output import JSON_HELP, emit, guarded, say, table, usage

Project = Annotated[str | None, typer.Option("--project", help="Only this project.")]
Database = Annotated[str | None, typer.Option("--database", help="As of `gateway load`.")]
RealmName = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


class Move(StrEnum):
    """What the office may do with devices, as a person types it."""

    HAND_OUT = "hand-out"
    TRANSFER = "transfer"
    RETURN = "return"
    CORRECT = "correct"
    WRITE_OFF = "write-off"


def add_to(app: typer.Typer) -> None:
    """Put the commands into the group of the office."""
    app.command("stock")(stock)
    app.command("stock-move")(move)


@guarded
def stock(
    project: Project = None,
    serial: Annotated[
        str | None, typer.Option("--serial", help="List devices with this part in their serial.")
    ] = None,
    crew: Annotated[str | None, typer.Option("--crew", help="List what lies on this crew's truck.")] = None,
    store: Annotated[bool, typer.Option("--store", help="List what lies in the store.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Devices of a list.")] = 100,
    offset: Annotated[int, typer.Option("--offset", min=0, help="From which on.")] = 0,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """How many devices of each model lie where, and the last count of each truck and of the store.

    With --json one object: {"figures": [{"crew", "model", "state", "number"}], "counts": [{"crew", "found",
    "missing", "unexpected", "actor", "at"}]}; crew null is the store.

    With --serial, --crew or --store (and --project) the devices themselves, a page of them; with --json
    {"total", "devices": [{"serial", "model", "state", "crew", "movement", "moved_at", "moved_by", "reason"}],
    "places": [{"crew", "number"}], "crews": {id: name}}.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.gateway.stock import stock_page
    from workorders.store import queries

    if serial or crew or store:
        if project is None:
            usage("name the --project whose devices are listed")
        wanted = queries.StockFilter(serial=serial, crew=crew, store=store)
        with opened_office(database, realm) as (office, _):
            page = stock_page(office, project, wanted, limit=limit, offset=offset)
        if json:
            emit(page)
            return
        table(
            project,
            ["serial", "model", "state", "crew", "moved"],
            [
                [one.serial, one.model, one.state, one.crew or "—", one.moved_at or "—"]
                for one in page.devices
            ],
        )
        say(f"{len(page.devices)} of {page.total}")
        return
    with opened_office(database, realm) as (office, _), office.store.read() as connection:
        figures = queries.stock_figures(connection, project=project)
        counts = queries.last_counts(connection, project=project)
    if json:
        emit({"figures": figures, "counts": counts})
        return
    table(
        "stock",
        ["crew", "model", "state", "number"],
        [[row.crew or "store", row.model, row.state, row.number] for row in figures],
    )
    for row in counts:
        say(
            f"{row.crew or 'store'}: counted {row.at}, {row.found} found, {len(row.missing)} missing, "
            f"{len(row.unexpected)} not expected"
        )


@guarded
def move(
    what: Annotated[Move, typer.Argument(help="What is done.")],
    serials: Annotated[list[str], typer.Argument(help="Serials, as on the labels.")],
    project: Annotated[str, typer.Option("--project", help="The project whose stock it is.")],
    to: Annotated[
        str | None, typer.Option("--to", help="The crew whose truck it goes to; without: the store.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; needed to correct and to write off. It is kept, sealed.")
    ] = "",
    user: Annotated[str | None, typer.Option("--user", help="Id of the supervisor whose act it is.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Given again, the same movement is not done again.")
    ] = None,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """Move devices of the stock in the office's name: all of them, or none where one does not fit.

    With --json one object: {"entries": {serial: id of the entry}}.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.gateway.stock import StockMove, move_stock
    from workorders.journal.words import StockMovement

    movement = {
        Move.HAND_OUT: StockMovement.HANDED_OUT,
        Move.TRANSFER: StockMovement.TRANSFERRED,
        Move.RETURN: StockMovement.RETURNED,
        Move.CORRECT: StockMovement.CORRECTED,
        Move.WRITE_OFF: StockMovement.WRITTEN_OFF,
    }[what]
    asked = StockMove(key=key or uuid.uuid4().hex, movement=movement, serials=serials, crew=to, reason=reason)
    with opened_office(database, realm) as (office, _):
        done = move_stock(office, project, asked, actor=user)
    if json:
        emit(done)
        return
    for serial in done.entries:
        say(f"{serial}: {to or ('out of the stock' if what is Move.WRITE_OFF else 'store')}")
