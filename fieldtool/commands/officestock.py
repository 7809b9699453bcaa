"""`fieldtool gateway stock`: what the office knows of trucks and store."""

from __future__ import annotations

from typing import Annotated

import typer

from fieldtool.commands.output import JSON_HELP, emit, guarded, say, table


def add_to(app: typer.Typer) -> None:
    """Put the command into the group of the office."""
    app.command("stock")(stock)


@guarded
def stock(
    project: Annotated[str | None, typer.Option("--project", help="Only this project.")] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", help="As of `gateway load`."),
    ] = None,
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """How many devices of each model lie where, and the last count of each truck and of the store.

    With --json one object: {"figures": [{"crew", "model", "state", "number"}], "counts": [{"crew", "found",
    "missing", "unexpected", "actor", "at"}]}; crew null is the store.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.store import queries

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
