"""`fieldtool network orphans`: devices that the record and the network do not agree about, at the office."""

from __future__ import annotations

from typing import Annotated

import typer

from fieldtool.commands.gateway import Database, Json, RealmOption
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import emit, guarded, local, say, table, usage

WHAT_TO_DO = {
    "heard_without_site": "The network hears it and nobody mounted it: an order not sent yet, or a stranger.",
    "site_never_heard": "Mounted and never heard: check identity, module, antenna or phase.",
    "other_concentrator": "Another concentrator hears it: crosstalk, or the tree is wrong.",
    "silent": "Heard once, then silent: check supply and concentrator first; many of one are one fault.",
    "other_identity": "The network names another module than the label: swapped labels, or a module changed.",
    "two_places": "Said to stand in two places: decide the case under Exceptions, or send a crew to look.",
}


def orphans(
    which: Annotated[
        str | None, typer.Argument(help=f"One list: {', '.join(WHAT_TO_DO)}; nothing: all of them.")
    ] = None,
    project: Annotated[str | None, typer.Option("--project")] = None,
    never_after: Annotated[
        int, typer.Option("--never-after", min=1, help="Hours after mounting until unheard counts.")
    ] = 72,
    silent_after: Annotated[
        int, typer.Option("--silent-after", min=1, help="Hours without a word until silent.")
    ] = 24,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0)] = 0,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """List devices without a site, never heard, heard elsewhere, silent, otherwise named, or in two places.

    It asks the gateway's database. With --json one object: {"lists": [{"which", "total", "rows": [{"serial",
    "order_id", "usage_point", "expected", "heard_by", "heard_at", "placed_at"}]}]}.

    Example: fieldtool network orphans site_never_heard --project prime --never-after 24
    """
    from workorders.clock import utc_text
    from workorders.network.orphans import OrphanList, orphan_page

    if which is not None and which not in WHAT_TO_DO:
        usage(f"{which!r}: it is one of {', '.join(WHAT_TO_DO)}")
    with opened_office(database, realm) as (office, _), office.store.read() as connection:
        pages = [
            orphan_page(
                connection,
                one,
                now=utc_text(office.now()),
                project=project,
                never_after_hours=never_after,
                silent_after_hours=silent_after,
                limit=limit,
                offset=offset,
            )
            for one in OrphanList
            if which in (None, one)
        ]
    if json:
        emit({"lists": pages})
        return
    for page in pages:
        say(f"{page.which}: {page.total}")
        if not page.rows:
            continue
        say(f"  {WHAT_TO_DO[page.which]}")
        rows = [
            [
                row.serial,
                row.usage_point,
                row.expected,
                row.heard_by,
                local(row.heard_at),
                local(row.placed_at),
            ]
            for row in page.rows
        ]
        table("", ["device", "supply point", "expected", "heard by", "heard", "mounted"], rows)


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool network`."""
    app.command("orphans")(guarded(orphans))
