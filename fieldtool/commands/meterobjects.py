"""`fieldtool meter network|objects`: how a meter stands in its network, and what its objects hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.meteroptions import MeterOptions, at_meter
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import emit, note, say, table, usage

if TYPE_CHECKING:
    from drivers.reading import JoinEvidence, ObjectsResult

_OBJECT = re.compile(r"\d{1,5}:\d{1,3}(?:\.\d{1,3}){5}")


@at_meter(client=2, auth="low")
def network(
    meter: MeterOptions,
    base_node: Annotated[
        str | None,
        typer.Option("--base-node", help="PRIME: EUI-48 of the concentrator that the meter should hang on."),
    ] = None,
) -> None:
    """Say whether the meter has joined its network, and how we know.

    With --json one object: {"state": joined|searching|denied|unknown, "technology":
    prime|g3|gsm|wisun|lorawan|none, "evidence": {word: text}, "sources": {word: CLASS:OBIS:ATTR}, "children":
    [{"channel", "item", "state", "evidence"}], "base_node": null | {"expected", "heard", "same"}}. `sources`
    are what decided; `children` are meters behind this one (M-Bus).

    Exit status 1 with --base-node if the meter hangs on another one.

    Example: fieldtool meter network --port COM3 --password env:METER_PASSWORD --base-node 40:40:22:00:00:01
    """
    expected = _plain(base_node) if base_node is not None else None
    if expected is not None and not re.fullmatch(r"[0-9A-F]{12}", expected):
        usage(f"--base-node {base_node}: an EUI-48 has 12 hex digits")
    with session_of(meter) as (session, _):
        found = session.network()
    heard = _plain(found.evidence.get("sna", "")) or None
    same = None if expected is None or heard is None else heard == expected
    if meter.json:
        import msgspec

        compared = None if expected is None else {"expected": expected, "heard": heard, "same": same}
        emit(msgspec.to_builtins(found) | {"base_node": compared})
    else:
        _show_network(found)
    if same is False:
        note(f"fieldtool: the meter hangs on {heard}, not on {expected}: another transformer, or crosstalk")
        raise typer.Exit(1)


def _plain(address: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", address).upper()


def _show_network(found: JoinEvidence) -> None:
    say(f"{found.state.value} ({found.technology})")
    rows = [[word, text, found.sources.get(word)] for word, text in found.evidence.items()]
    table("", ["evidence", "value", "decided by"], rows)
    for child in found.children:
        who = " ".join(child.evidence.get(word, "") for word in ("manufacturer", "number", "type"))
        say(f"channel {child.channel}: {child.state.value} {who}".rstrip())


@at_meter(client=2, auth="low")
def objects(
    meter: MeterOptions,
    name: Annotated[
        str | None, typer.Argument(help="CLASS:OBIS of one object to read whole, as 111:0.0.19.0.0.255.")
    ] = None,
) -> None:
    """List the meter's objects, or read one with every attribute named and decoded.

    Keys, passwords and tokens are never asked for. With --json one object: {"identity": {…}, "objects":
    [{"class_id", "version", "obis", "name", "attributes": [{"index", "name", "value", "unit", "status",
    "fields": {path: text}}]}], "exchanges", "bytes": {"tx", "rx"}, "seconds"}; `attributes` is empty in the
    list.

    Example: fieldtool meter objects 83:0.0.28.3.0.255 --port COM3 --password env:METER_PASSWORD
    """
    if name is not None and not _OBJECT.fullmatch(name):
        usage(f"{name!r}: an object is CLASS:OBIS, like 83:0.0.28.3.0.255")
    with session_of(meter) as (session, _):
        found = session.objects(name)
    if meter.json:
        emit(found)
        return
    _show_objects(found)


def _show_objects(found: ObjectsResult) -> None:
    for thing in found.objects:
        if not thing.attributes:
            continue
        version = "" if thing.version is None else f", version {thing.version}"
        say(f"{thing.name} (class {thing.class_id}{version}) {thing.obis}")
        rows = []
        for part in thing.attributes:
            shown = " ".join(text for text in (part.value, part.unit) if text)
            fields = list(part.fields.items()) or [("", shown or part.status)]
            rows += [[part.index, _path(part.name, path), text] for path, text in fields]
        table("", ["", "attribute", "value"], rows)
    if all(not thing.attributes for thing in found.objects):
        rows = [[f"{t.class_id}:{t.obis}", t.name, t.version] for t in found.objects]
        table("", ["object", "class", "version"], rows)
    note(f"{found.exchanges} exchanges, {found.bytes.tx} + {found.bytes.rx} bytes, {found.seconds:.1f} s")


def _path(name: str, path: str) -> str:
    return name + path if not path or path.startswith("[") else f"{name}.{path}"


def add_to(app: typer.Typer) -> None:
    """Hang the commands on `fieldtool meter`."""
    app.command("network")(network)
    app.command("objects")(objects)
