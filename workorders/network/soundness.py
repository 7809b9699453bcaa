"""What is wrong with a network list although it may be a tree: nodes that nobody could work with, each named.

Errors keep a list from being taken (`workorders.network.tree.NetworkError`); doubts are told and taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from workorders.network.tree import NetworkError, Node, NodeKind, paths

_RANK = {
    NodeKind.SUBSTATION: 0,
    NodeKind.BUS: 1,
    NodeKind.FEEDER: 2,
    NodeKind.TRANSFORMER: 4,
    NodeKind.OUTPUT: 5,
    NodeKind.PANEL: 6,
    NodeKind.SLOT: 7,
    NodeKind.USAGE_POINT: 8,
}
"""How far from the source the nodes of the grid itself stand. Devices on it (a recloser, a concentrator) may
stand at any level, also between two of these."""
_UNIQUE = ("mac", "serial", "ip", "imei", "iccid", "rpma")
"""Names in `identity` that are one node's own."""


class TreeProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with one node. `error`: the list is no tree and is refused; else a doubt.

    `code`: duplicate, unknown_parent, cycle, unknown_kind, bad_mrid (errors); upside_down, rootless,
    same_identity, no_slots, slots_beyond, bad_capacity, bad_position (doubts).
    """

    mrid: str
    code: str
    error: bool
    params: dict[str, str] = {}


def examine(nodes: Sequence[Node]) -> list[TreeProblem]:
    """Everything wrong with a list of nodes, errors first."""
    try:
        paths(nodes)
    except NetworkError as error:
        errors = [TreeProblem(mrid=mrid, code=code, error=True) for mrid, code in error.problems]
    else:
        errors = []
    known = {node.mrid: node for node in nodes}
    doubts = [problem for node in nodes for problem in _doubts(node, known)]
    return [*errors, *doubts, *_same_identities(nodes), *_slots(nodes)]


def _doubts(node: Node, known: Mapping[str, Node]) -> Iterable[TreeProblem]:
    def doubt(code: str, **params: str) -> TreeProblem:
        return TreeProblem(mrid=node.mrid, code=code, error=False, params=params)

    above = known.get(node.parent or "")
    if node.parent is None and node.kind != NodeKind.SUBSTATION:
        yield doubt("rootless", kind=node.kind)
    higher, own = (_rank(above) if above is not None else None), _rank(node)
    if above is not None and higher is not None and own is not None and own <= higher:
        yield doubt("upside_down", kind=node.kind, parent=above.mrid, parent_kind=above.kind)
    if node.capacity is not None and node.capacity < 1:
        yield doubt("bad_capacity", capacity=str(node.capacity))
    if (node.lat or node.lon) and not _on_earth(node):
        yield doubt("bad_position", lat=node.lat or "", lon=node.lon or "")


def _rank(node: Node) -> int | None:
    try:
        return _RANK.get(NodeKind(node.kind))
    except ValueError:
        return None


def _on_earth(node: Node) -> bool:
    try:
        return abs(Decimal(node.lat or "x")) <= 90 and abs(Decimal(node.lon or "x")) <= 180
    except InvalidOperation:
        return False


def _same_identities(nodes: Sequence[Node]) -> Iterable[TreeProblem]:
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for node in nodes:
        for part in (node.identity or "").split(";"):
            name, equals, value = part.partition("=")
            if equals and name.strip() in _UNIQUE and value.strip():
                holders[name.strip(), value.strip().upper()].append(node.mrid)
    for (name, value), found in holders.items():
        for mrid in found[1:]:
            params = {"name": name, "value": value, "other": found[0]}
            yield TreeProblem(mrid=mrid, code="same_identity", error=False, params=params)


def _slots(nodes: Sequence[Node]) -> Iterable[TreeProblem]:
    """Panels of which nobody knows how many slots they have, and slots beyond what their panel has."""
    below: dict[str, int] = defaultdict(int)
    for node in nodes:
        if node.kind == NodeKind.SLOT and node.parent is not None:
            below[node.parent] += 1
    for node in nodes:
        if node.kind != NodeKind.PANEL:
            continue
        if node.capacity is None and not below[node.mrid]:
            yield TreeProblem(mrid=node.mrid, code="no_slots", error=False)
        if node.capacity is not None and below[node.mrid] > node.capacity:
            params = {"slots": str(below[node.mrid]), "capacity": str(node.capacity)}
            yield TreeProblem(mrid=node.mrid, code="slots_beyond", error=False, params=params)
