"""`fieldtool bundle` and `fieldtool recover`: when there is no network, and when the keyring is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldtool.commands.opening import ask_passphrase, opened, opened_office, realm_of
from fieldtool.commands.output import JSON_HELP, emit, guarded, say

app = typer.Typer(
    no_args_is_help=True, help="Hand over by USB: signed, encrypted to named recipients, numbered."
)

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
RealmOption = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]


@app.command("export")
@guarded
def export(
    folder: Annotated[Path, typer.Argument(help="Folder on the stick.", file_okay=False)],
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Write what the office has not answered yet - entries and photos - into a file for the gateway.

    Tablets whose address lies in the folder (`bundle address`) may carry it there. Nothing is deleted here.
    With --json one object: {"file", "number", "entries", "blobs", "recipients": [name]}.
    """
    from fieldtool.tablet.handover import export as write

    with opened(realm) as tablet:
        path, header = write(tablet, folder)
    if json:
        emit(
            {
                "file": str(path),
                "number": header.number,
                "entries": header.entries,
                "blobs": header.blobs,
                "recipients": [recipient.name for recipient in header.recipients],
            }
        )
    else:
        others = [recipient.name for recipient in header.recipients[1:]]
        whom = f"for the gateway, by tablet {', '.join(others)} too" if others else "for the gateway only"
        say(f"{path}: {header.entries} entries, {header.blobs} photos, {whom}")


@app.command("address")
@guarded
def address(
    folder: Annotated[Path, typer.Argument(help="Folder on the stick.", file_okay=False)],
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Write this tablet's address, so that another one's hand-over can be carried by it.

    With --json one object: {"file"}.
    """
    from fieldtool.tablet.carrying import write_address

    with opened(realm) as tablet:
        path = write_address(tablet, folder)
    if json:
        emit({"file": str(path)})
    else:
        say(str(path))


@app.command("carried")
@guarded
def carried_(realm: RealmOption = None, json: Json = False) -> None:
    """What this tablet carries to the office for others, and what it delivered lately.

    With --json one object: {"carried": [{"id", "tablet", "crew", "number", "created_at", "taken_at",
    "entries", "blobs", "pushed", "verdicts", "blobs_refused", "delivered_at", "trouble", …}]}.
    """
    from fieldtool.tablet.carrying import carried

    with opened(realm) as tablet:
        found = carried(tablet.store)
    if json:
        emit({"carried": found})
        return
    for one in found:
        state = f"delivered {one.delivered_at}" if one.delivered_at else f"{one.pushed} delivered"
        trouble = f" ({one.trouble})" if one.trouble else ""
        say(
            f"tablet {one.tablet} number {one.number}: {one.entries} entries, {one.blobs} photos: "
            f"{state}{trouble}"
        )
    if not found:
        say("nothing")


@app.command("import")
@guarded
def take(
    file: Annotated[Path, typer.Argument(help="The hand-over file.")],
    database: Annotated[
        str | None, typer.Option("--database", help="The gateway's database; else FIELDTOOL_DATABASE.")
    ] = None,
    carry: Annotated[
        bool,
        typer.Option("--carry", help="On a tablet: keep the hand-over and deliver it with the next sync."),
    ] = False,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take a hand-over in at the gateway, or the office's orders on a tablet; twice changes nothing.

    A tablet with signal takes another one's hand-over with --carry, if it was written for it (`bundle
    address` first); its next sync delivers it.

    With --json one object: {"id", "number", "tablet", "entries", "verdicts": {verdict: n}, "blobs",
    "blobs_refused"}, and the tablet learns the verdicts with its next sync; of orders {"number", "tablet",
    "created_at", "pulled", "references", "keys_changed", "again", "firmware": images that were put in place,
    "firmware_coming": as of `sync`, …}; with --carry one of `bundle carried`.
    """
    from fieldtool import bundle
    from fieldtool.officebundle import take_in

    if bundle.kind_of(file) == "orders":
        _take_orders(file, realm, json)
        return
    if carry:
        _carry(file, realm, json)
        return
    with opened_office(database, realm) as (office, blobs):
        report = take_in(office, blobs, file)
    if json:
        emit(report)
    else:
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(report.verdicts.items()))
        say(f"hand-over {report.number} of tablet {report.tablet}: {report.entries} entries ({told or '—'})")
        say(f"{report.blobs} photos, {report.blobs_refused} refused")


def _carry(file: Path, realm: str | None, json: bool) -> None:
    from fieldtool.tablet.carrying import take

    with opened(realm) as tablet:
        took = take(tablet, file)
    if json:
        emit(took)
    elif took.again:
        say(f"hand-over {took.number} of tablet {took.tablet}: it is here already, nothing changed")
    else:
        what = f"{took.entries} entries, {took.blobs} photos"
        say(f"hand-over {took.number} of tablet {took.tablet}: {what}; the next sync delivers it")


def _take_orders(file: Path, realm: str | None, json: bool) -> None:
    from fieldtool.orderbundle import take_orders

    with opened(realm) as tablet:
        report = take_orders(tablet, file)
    if json:
        emit(report)
    elif report.again:
        also = f" but {report.firmware} firmware images" if report.firmware else ""
        say(f"orders {report.number}: taken in before, nothing changed{also}")
    else:
        brought = f"{report.pulled} entries, {report.references} lists"
        if report.firmware:
            brought += f", {report.firmware} firmware images"
        say(f"orders {report.number} of {report.created_at}: {brought}")


@guarded
def recover(
    url: Annotated[str, typer.Argument(help="Address of the gateway.")],
    code: Annotated[str, typer.Argument(help="Recovery code from the office (gateway recovery-code).")],
    tablet: Annotated[str, typer.Argument(help="Id of this tablet, as the office lists it.")],
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Get this tablet's database key back from the gateway, after its keyring was lost.

    The key goes into the keyring (or a passphrase vault) and opens the database that still lies here. With
    --json one object: {"recovered": true, "pending"}.
    """
    from fieldtool.security.keys import open_vault, restore_database_key
    from fieldtool.settings import Home
    from workorders.store.engine import open_store
    from workorders.sync.codes import parse_code
    from workorders.sync.enrolment import recover_key
    from workorders.sync.http import HttpTransport

    home = Home.default()
    chosen = realm_of(realm) or home.realm()
    transport = HttpTransport(url)
    try:
        key = recover_key(transport, parse_code(code), tablet)
    finally:
        transport.close()
    # It must open the database that is here before it is kept.
    open_store(home.database(chosen), key, role="tablet", create=False).close()
    restore_database_key(open_vault(home, chosen, ask_passphrase), key)
    with opened(chosen.value) as found:
        pending = found.status().pending
    if json:
        emit({"recovered": True, "pending": pending})
    else:
        say(f"recovered; {pending} entries wait to be sent")


def add_to(app_: typer.Typer) -> None:
    """Put these commands on the command line."""
    app_.add_typer(app, name="bundle")
    app_.command("recover")(recover)
