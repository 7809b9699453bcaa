"""`fieldtool gateway erase|kept|accept|orders`: what the office keeps, takes in, or hands on by USB."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldtool.commands.output import JSON_HELP, emit, guarded, say, usage

Database = Annotated[str | None, typer.Option("--database", help="As of `gateway load`.")]
RealmName = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def add_to(app: typer.Typer) -> None:
    """Put the commands into the group of the office."""
    app.command("erase")(erase)
    app.command("kept")(kept)
    app.command("accept")(accept)
    app.command("orders")(orders)


@guarded
def erase(
    order: Annotated[
        str | None, typer.Argument(help="Id of the order (or of an exception or tablet without one).")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Expiry or the request; it is kept.")] = "",
    expired: Annotated[
        bool,
        typer.Option("--expired", help="Of every order that was closed longer ago than `retention_days`."),
    ] = False,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """Destroy the keys of an order's personal data, here and on every tablet; the record still verifies.

    A serving gateway does `--expired` every hour by itself, for projects that name `retention_days`.

    With --json one object: {"key_ids": […]}, or with --expired {"orders": n}.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.gateway.erasing import erase_expired, erase_order

    if expired == (order is not None):
        usage("name an order and a --reason, or say --expired")
    if order is not None and not reason.strip():
        usage("say --reason: it is kept")
    with opened_office(database, realm) as (office, _):
        if order is None:
            number = erase_expired(office)
        else:
            keys = erase_order(office, order, reason)
    if order is None:
        emit({"orders": number}) if json else say(f"erased: {number} order(s)")
    elif json:
        emit({"key_ids": keys})
    else:
        say(f"erased: {len(keys)} key(s) of order {order}")


@guarded
def kept(database: Database = None, realm: RealmName = None, json: Json = False) -> None:
    """Revoked tablets that have handed over entries which count for nothing so far.

    With --json one object: {"tablets": [{"tablet", "name", "revoked_at", "entries", "crew",
    "revoke_reason", "first_at", "last_at"}]}.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.gateway.kept import kept_entries

    with opened_office(database, realm) as (office, _):
        found = kept_entries(office)
    if json:
        emit({"tablets": found})
        return
    for item in found:
        say(f"{item.tablet}  {item.name}: {item.entries} entries kept, revoked {item.revoked_at}")
    if not found:
        say("nothing is kept")


@guarded
def accept(
    tablet: Annotated[str, typer.Argument(help="Id of a revoked tablet (see `gateway kept`).")],
    reason: Annotated[str, typer.Option("--reason", help="Why it counts after all; it is kept, sealed.")],
    user: Annotated[str | None, typer.Option("--user", help="Id of the supervisor whose act it is.")] = None,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """Take in what a revoked tablet has handed over, as if it had not been revoked; it stays revoked.

    The device hears of the verdicts with its next sync, once it is enrolled again.

    With --json one object: {"tablet", "entries", "verdicts": {verdict: n}}.
    """
    from fieldtool.commands.opening import opened_office
    from workorders.gateway.pardon import accept_kept

    with opened_office(database, realm) as (office, _):
        report = accept_kept(office, tablet, reason, actor=user)
    if json:
        emit(report)
    else:
        told = ", ".join(f"{number} {name}" for name, number in sorted(report.verdicts.items()))
        say(f"{report.entries} entries: {told}")


@guarded
def orders(
    tablet: Annotated[str, typer.Argument(help="Id of the tablet it is for.")],
    folder: Annotated[Path, typer.Argument(help="Folder on the stick.", file_okay=False)],
    firmware: Annotated[
        list[str] | None,
        typer.Option(
            "--firmware", help="Image that goes with them (see `gateway firmware list`); repeatable."
        ),
    ] = None,
    blobs: Annotated[
        str | None, typer.Option("--blobs", help="As of `gateway serve`; else FIELDTOOL_BLOBS.")
    ] = None,
    database: Database = None,
    realm: RealmName = None,
    json: Json = False,
) -> None:
    """Write a tablet's orders, lists and keys into a file for it; `fieldtool bundle import` takes it in.

    Firmware images go with it only where --firmware names them, up to 128 MiB together.

    With --json one object: {"file", "number", "entries", "recipients": [id]}.
    """
    from fieldtool.commands.opening import opened_office
    from fieldtool.orderbundle import write_orders

    with opened_office(database, realm, blobs) as (office, files):
        path, header = write_orders(office, tablet, folder, files=files, images=firmware or [])
    if json:
        names = [recipient.name for recipient in header.recipients]
        emit({"file": str(path), "number": header.number, "entries": header.entries, "recipients": names})
    else:
        say(f"{path}: {header.entries} entries, for tablet {tablet} only")
