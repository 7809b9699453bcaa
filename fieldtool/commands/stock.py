"""`fieldtool stock`: what lies on the truck and in the store, and how it changes hands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import emit, guarded, note, say, table, usage
from fieldtool.commands.tablet import Json, RealmOption, User

if TYPE_CHECKING:
    from fieldtool.tablet.stockroom import MovedRow

app = typer.Typer(no_args_is_help=True, help="Devices on the truck and in the store.")

Serials = Annotated[list[str] | None, typer.Argument(help="Serials, as on the labels.")]
File = Annotated[
    Path | None, typer.Option("--file", help="Text file with one serial a line, as a scanner leaves it.")
]


def _given(serials: list[str] | None, file: Path | None) -> list[str]:
    found = list(serials or [])
    if file is not None:
        try:
            found += file.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            usage(f"{file}: {error}")
    return [one.strip() for one in found if one.strip()]


@app.command("list")
@guarded
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="The store and other trucks too, as far as they are known here.")
    ] = False,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """What lies on this truck.

    With --json one object: {"crew", "items": [{"serial", "model", "state", "crew", "moved_at"}],
    "figures": {state: n}}; states are in_store, on_truck, installed, removed, returned.
    """
    with opened(realm) as tablet:
        room = tablet.stockroom
        items, crew = room.items(everything=everything), room.crew
    figures = dict(sorted(Counter(item.state for item in items).items()))
    if json:
        lines = [
            {"serial": i.serial, "model": i.model, "state": i.state, "crew": i.crew, "moved_at": i.moved_at}
            for i in items
        ]
        emit({"crew": crew, "items": lines, "figures": figures})
        return
    table(
        crew or "",
        ["serial", "model", "state", "crew"],
        [[item.serial, item.model, item.state, item.crew or "—"] for item in items],
    )
    say(", ".join(f"{number} {state}" for state, number in figures.items()) or "nothing")


@app.command()
@guarded
def receive(
    serials: Serials = None,
    file: File = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Take devices over onto this truck.

    With --json one object, as of `return`, `transfer` and `hand-out` too: {"moved": [{"serial", "model",
    "was", "crew", "doubt"}]}; doubt: not_listed, other_crew, installed, not_on_truck, or null. A doubtful one
    is moved all the same: it happened, and the office sees it.

    Example: fieldtool stock receive ZIV0045670000 ZIV0045670023 --user t01
    """
    with opened(realm, user=user) as tablet:
        _tell(tablet.stockroom.receive(_given(serials, file)), json)


@app.command("return")
@guarded
def return_(
    serials: Serials = None,
    file: File = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Bring devices back to the store: new ones that were not needed, and removed ones."""
    with opened(realm, user=user) as tablet:
        _tell(tablet.stockroom.give_back(_given(serials, file)), json)


@app.command()
@guarded
def transfer(
    crew: Annotated[str, typer.Option("--to", help="The crew that takes them over.")],
    serials: Serials = None,
    file: File = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Hand devices from this truck to another crew's."""
    with opened(realm, user=user) as tablet:
        _tell(tablet.stockroom.transfer(_given(serials, file), crew), json)


@app.command("hand-out")
@guarded
def hand_out(
    crew: Annotated[str, typer.Option("--to", help="The crew that takes them.")],
    serials: Serials = None,
    file: File = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Give devices out of the store to a crew; whoever keeps the store does."""
    with opened(realm, user=user) as tablet:
        _tell(tablet.stockroom.hand_out(_given(serials, file), crew), json)


@app.command()
@guarded
def count(
    serials: Serials = None,
    file: File = None,
    store: Annotated[bool, typer.Option("--store", help="The store, not this truck.")] = False,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Compare what lies here with what should; the difference is kept and a supervisor sees it.

    With --json one object: {"crew", "found": [serial], "missing": [serial], "unexpected": [serial]}. A
    difference is a result, not a failure: exit status 0. An empty truck is counted by an empty file.
    """
    if not serials and file is None:
        usage("give the serials that were found, or --file")
    with opened(realm, user=user) as tablet:
        result = tablet.stockroom.count(_given(serials, file), store=store)
    if json:
        emit(result)
        return
    say(f"{len(result.found)} found, {len(result.missing)} missing, {len(result.unexpected)} not expected")
    for serial in result.missing:
        note(f"missing: {serial}")
    for serial in result.unexpected:
        note(f"not expected here: {serial}")


def _tell(rows: list[MovedRow], json: bool) -> None:
    if json:
        emit({"moved": rows})
        return
    for row in rows:
        say(f"{row.serial} {row.model}: {row.crew or 'store'}" + (f" ({row.doubt})" if row.doubt else ""))
