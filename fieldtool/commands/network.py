"""`fieldtool network`: the tree, what sits where and since when, and what is wrong with either."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import emit, fail, guarded, local, say, table, usage
from fieldtool.commands.tablet import Json, RealmOption

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from workorders.network import Node
    from workorders.network.soundness import TreeProblem
    from workorders.store.queries.supply import PlacementRow

app = typer.Typer(
    no_args_is_help=True, help="The network: substation, feeder, transformer, concentrator, panel."
)

INDENT = "  "
CHILDREN_SHOWN = 200


@app.command()
@guarded
def show(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A node by mRID or name, PANEL/SLOT, or the serial of a device; nothing: the roots."
        ),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", min=0, max=6, help="How many levels below to show.")] = 1,
    history: Annotated[
        bool,
        typer.Option("--history", help="Everything that stood there (or where the device stood), by dates."),
    ] = False,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Show a node with what is above and below it and how full it is; or where a device stands.

    With --json one object. A node: {"node": {"mrid", "kind", "name", "parent", "identity", "capacity",
    "phase", "lat", "lon"}, "above": [node], "fill": null | {"used", "capacity", "percent", "state":
    ok|warn|full|unknown}, "children": [{"node", "fill", "children"}], "devices": [place], "history":
    [place]}. A device: {"serial", "places": [place], "join": null | {"state", "how", "reason", "recheck_at",
    "heard_at"}, "history": [place]}. A place: {"serial", "model", "usage_point", "transformer",
    "concentrator", "panel", "slot", "phase", "since", "until", "order_id", "disputed"}; until null: it
    stands there now.

    Example: fieldtool network show C1-P01 --depth 2
    """
    with opened(realm) as tablet, tablet.store.read() as connection:
        found = _found(connection, what, depth, history)
    if json:
        emit(found)
        return
    if "serial" in found:
        _tell_device(found)
    else:
        _tell_node(found)


def _found(connection: Connection, what: str | None, depth: int, history: bool) -> dict[str, Any]:
    from fieldtool.identity import normalise_serial
    from workorders import network

    if what is None:
        roots = network.children(connection, None)
        return {
            "node": None,
            "above": [],
            "children": [_branch(connection, node, depth - 1) for node in roots],
        }
    named, _, slot = what.partition("/")
    node = _node(connection, named)
    if node is not None:
        return _node_view(connection, node, depth, history, int(slot) if slot.isdigit() else None)
    serial = normalise_serial(what) or what
    view = _device_view(connection, serial, history)
    if view is None:
        fail(f"{what!r} is no node of the network and no device that is known here: `fieldtool network show`")
    return view


def _node(connection: Connection, what: str) -> Node | None:
    from workorders import network

    node = network.node(connection, what)
    if node is not None:
        return node
    named = [one for one in network.find_nodes(connection, search=what, limit=20) if one.name == what]
    return named[0] if len(named) == 1 else None


def _fill(connection: Connection, node: Node) -> dict[str, Any] | None:
    from workorders import network

    if node.capacity is None:
        return None
    fill = network.capacity(connection, node.mrid)
    return {"used": fill.used, "capacity": fill.capacity, "percent": fill.percent, "state": fill.state}


def _branch(connection: Connection, node: Node, depth: int) -> dict[str, Any]:
    from workorders import network

    below = network.children(connection, node.mrid, limit=CHILDREN_SHOWN) if depth > 0 else []
    return {
        "node": node,
        "fill": _fill(connection, node),
        "children": [_branch(connection, child, depth - 1) for child in below],
    }


def _node_view(
    connection: Connection, node: Node, depth: int, history: bool, slot: int | None
) -> dict[str, Any]:
    from workorders import network
    from workorders.network.standing import standing

    places = standing(connection, node.mrid, slot=slot, limit=CHILDREN_SHOWN)
    return {
        **_branch(connection, node, 0 if slot is not None else depth),
        "above": network.ancestors(connection, node.mrid)[:-1],
        "devices": [_place(row) for row in places],
        "history": [
            _place(row)
            for row in standing(connection, node.mrid, slot=slot, ended=True, limit=CHILDREN_SHOWN)
        ]
        if history
        else [],
    }


def _device_view(connection: Connection, serial: str, history: bool) -> dict[str, Any] | None:
    from workorders.store import queries

    now = queries.where_is(connection, serial)
    before = queries.placements(connection, serial=serial)
    join = queries.join_of(connection, serial)
    if not now and not before and join is None:
        return None
    told = None
    if join is not None:
        names = ("state", "how", "reason", "recheck_at", "heard_at")
        told = {name: getattr(join, name) for name in names}
    return {
        "serial": serial,
        "places": [_place(row) for row in now],
        "join": told,
        "history": [_place(row) for row in before] if history else [],
    }


def _place(row: PlacementRow) -> dict[str, Any]:
    names = (
        *("serial", "model", "usage_point", "transformer", "concentrator", "panel", "slot", "phase"),
        *("since", "until", "order_id", "disputed"),
    )
    return {name: getattr(row, name) for name in names}


def _tell_node(found: dict[str, Any]) -> None:
    node = found["node"]
    if node is not None:
        say(" › ".join(one.name or one.mrid for one in [*found["above"], node]))
        _tell_branch(found, 0)
    else:
        for branch in found["children"]:
            _tell_branch(branch, 0)
    _tell_places("stands here now", found.get("devices", []))
    _tell_places("history", found.get("history", []))


def _tell_branch(branch: dict[str, Any], level: int) -> None:
    node, fill = branch["node"], branch["fill"]
    full = f"  {fill['used']}/{fill['capacity']} {fill['state']}" if fill else ""
    say(f"{INDENT * level}{node.mrid}  {node.kind}  {node.name or ''}{full}")
    for child in branch["children"]:
        _tell_branch(child, level + 1)


def _tell_device(found: dict[str, Any]) -> None:
    say(found["serial"])
    join = found["join"]
    if join is not None:
        again = f", asked again {local(join['recheck_at'])}" if join["recheck_at"] else ""
        why = f", {join['reason']}" if join["reason"] else ""
        say(f"network: {join['state']} ({join['how']}{why}{again})")
    _tell_places("stands now", found["places"])
    if len(found["places"]) > 1:
        say("said to stand in two places at once: the office has to decide")
    _tell_places("history", found["history"])


def _tell_places(title: str, places: list[dict[str, Any]]) -> None:
    if not places:
        return
    rows = [
        [
            place["serial"],
            place["usage_point"],
            place["concentrator"] or place["transformer"],
            f"{place['panel']}/{place['slot']}" if place["panel"] else None,
            place["phase"],
            local(place["since"]),
            local(place["until"]) if place["until"] else "now",
        ]
        for place in places
    ]
    table(title, ["device", "supply point", "hangs on", "slot", "phase", "since", "until"], rows)


@app.command()
@guarded
def technologies(
    file: Annotated[
        Path | None, typer.Argument(help="A technology file of your own to check; nothing: those in use.")
    ] = None,
    json: Json = False,
) -> None:
    """List the AMI technologies that are known, or check a file of your own before it is published.

    With --json one object: {"technologies": [{"id", "version", "medium", "name", "collector", "capacity",
    "identities": [key], "proofs": [word], "recheck_minutes"}]}. A mistake in a file fails and names the line.

    Example: fieldtool network technologies my-mesh.toml
    """
    import assets
    from fieldtool.settings import Home
    from fieldtool.technologies import load_technologies, load_technology

    if file is not None and not file.is_file():
        usage(f"there is no file {file}")
    folder = assets.root() / "technologies"
    found = [load_technology(file)] if file is not None else list(load_technologies(folder).values())
    language = Home.default().settings().language
    rows = [
        {
            "id": one.id,
            "version": one.version,
            "medium": one.medium,
            "name": one.name.in_language(language),
            "collector": one.tree.collector,
            "capacity": one.capacity.default if one.capacity else None,
            "identities": [rule.key for rule in one.identity],
            "proofs": [proof.value for proof in one.join.proofs],
            "recheck_minutes": one.wait.recheck_minutes,
        }
        for one in found
    ]
    if json:
        emit({"technologies": rows})
        return
    heads = ["id", "name", "collector", "capacity", "identities", "proofs"]
    table("", heads, [[_listed(row[name]) for name in heads] for row in rows])


def _listed(value: object) -> str | None:
    return ", ".join(value) if isinstance(value, list) else None if value is None else str(value)


@app.command()
@guarded
def check(
    file: Annotated[
        Path | None,
        typer.Argument(help="A network list (CSV) before it is loaded; nothing: what this tablet holds."),
    ] = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Check a network list, or the tree and the places of this tablet. Every node at fault is named.

    A list that is no tree (a loop, a double, an unknown parent) fails; doubts are told and exit status is 0.

    With --json one object: {"nodes": n, "problems": [{"mrid", "line", "code", "error", "params"}]}. `code`
    of a list: duplicate, unknown_parent, cycle, unknown_kind, bad_mrid, bad_row (errors); rootless,
    upside_down, same_identity, no_slots, slots_beyond, bad_capacity, bad_position. Of this tablet also:
    full, nearly_full, two_places, slot_twice, unknown_node.

    Example: fieldtool network check network.csv
    """
    number, problems = _check_file(file) if file is not None else _check_store(realm)
    if json:
        emit({"nodes": number, "problems": problems})
    else:
        say(f"{number} nodes, {len(problems)} problems")
        for one in problems:
            line = f"line {one['line']}: " if one["line"] else ""
            said = "".join(f"; {name} {value}" for name, value in one["params"].items())
            say(f"{'ERROR' if one['error'] else 'doubt'}  {line}{one['mrid']}: {one['code']}{said}")
    if any(one["error"] for one in problems):
        fail("the list is no tree: mend the lines above and check again")


def _check_file(file: Path) -> tuple[int, list[dict[str, Any]]]:
    from workorders.mwm.tables import Table
    from workorders.network import Node
    from workorders.network.soundness import examine

    if not file.is_file():
        usage(f"there is no file {file}")
    rows = Table(file, Node)
    nodes, lines = [], dict[str, list[int]]()
    for row in rows.rows():
        nodes.append(row.value)
        lines.setdefault(row.value.mrid, []).append(row.line)
    problems = [
        {"mrid": "", "line": error.line, "code": "bad_row", "error": True, "params": {"why": str(error)}}
        for error in rows.report.errors
    ]
    return len(nodes), problems + [_plain(problem, lines.get(problem.mrid, [])) for problem in examine(nodes)]


def _plain(problem: TreeProblem, lines: list[int]) -> dict[str, Any]:
    # Of a double the later line is the one too many.
    line = lines[-1] if lines else None
    return {
        "mrid": problem.mrid,
        "line": line,
        "code": problem.code,
        "error": problem.error,
        "params": problem.params,
    }


def _check_store(realm: str | None) -> tuple[int, list[dict[str, Any]]]:
    from workorders.network.soundness import examine
    from workorders.network.standing import place_faults
    from workorders.network.tree import all_nodes

    with opened(realm) as tablet, tablet.store.read() as connection:
        nodes = all_nodes(connection)
        faults = place_faults(connection)
    problems = [_plain(problem, []) for problem in examine(nodes)]
    for fault in faults:
        params = {name: value for name, value in fault.params.items() if name != "node"}
        problems.append(
            {"mrid": fault.params["node"], "line": None, "code": fault.code, "error": False, "params": params}
        )
    return len(nodes), problems
