"""The network on the screens: a level with its figures, in words; devices by how the network hears them."""

from __future__ import annotations

from collections.abc import Mapping

from fieldtool.identity import normalise_serial
from fieldtool.tablet import neighbours
from fieldtool.tablet.tablet import Tablet
from ui import views
from ui.wiring.formats import Formats
from workorders.network import Node, find_nodes
from workorders.network.browse import UNHEARD, Branch, Child, Standing, browse
from workorders.network.places import Capacity, Fullness
from workorders.store import queries

_ICONS = {
    "substation": "substation",
    "feeder": "feeder",
    "transformer": "transformer",
    "concentrator": "concentrator",
    "accessPoint": "concentrator",
    "gateway": "concentrator",
    "borderRouter": "concentrator",
    "panel": "panel",
    "slot": "meter",
    "macroMeter": "meter",
    "totalizer": "meter",
}
_FULL: dict[Fullness, views.Tone] = {Fullness.WARN: "attention", Fullness.FULL: "wrong"}
_JOINS: dict[str, views.Tone] = {
    "joined": "good",
    "pending": "attention",
    "failed": "wrong",
    "orphan": "wrong",
}


def network_level(tablet: Tablet, key: str, search: str, count: int, formats: Formats) -> views.NetworkLevel:
    """A level of the network, or what a search finds in it. Raises Failure `network.unknown`."""
    if search.strip():
        return _found(tablet, search.strip(), count, formats)
    with tablet.store.read() as connection:
        branch = browse(connection, key or None, limit=count)
    if branch is None:
        raise views.Failure(
            formats.say("Ese lugar ya no está en la red"),
            formats.say("La oficina cambió la red: empiece desde arriba."),
            "network.unknown",
        )
    return level_view(branch, formats)


def level_view(branch: Branch, formats: Formats) -> views.NetworkLevel:
    """A level as the page shows it."""
    node = branch.node
    top = views.Choice(key="", title=formats.say("Red"))
    above = [views.Choice(key=one.mrid, title=one.name or one.mrid) for one in branch.above]
    rows = [_child(child, formats) for child in branch.children]
    rows += [_device(one, formats) for one in branch.standing]
    return views.NetworkLevel(
        key=node.mrid if node else "",
        title=(node.name or node.mrid) if node else formats.say("Red"),
        kind=formats.word_or(f"node.{node.kind}", node.kind) if node else "",
        path=(top, *above) if node else (),
        facts=_figures(branch, formats),
        rows=tuple(rows),
        more=branch.more,
    )


def _figures(branch: Branch, formats: Formats) -> tuple[views.Fact, ...]:
    facts = [views.Fact(label=formats.say("Equipos"), value=formats.number(str(branch.devices)))]
    joined, pending = branch.joins.get("joined", 0), branch.joins.get("pending", 0)
    lost = branch.joins.get("failed", 0) + branch.joins.get("orphan", 0)
    if joined or pending or lost:
        facts.append(views.Fact(label=formats.say("Unidos"), value=str(joined), tone="good"))
        facts.append(
            views.Fact(
                label=formats.say("Pendientes"), value=str(pending), tone="attention" if pending else ""
            )
        )
        facts.append(views.Fact(label=formats.say("Sin unir"), value=str(lost), tone="wrong" if lost else ""))
    if branch.fill is not None:
        tone = _FULL.get(branch.fill.state, "")
        value = formats.say("{used} de {all}", used=str(branch.fill.used), all=str(branch.fill.capacity))
        share = f"{branch.fill.percent} %"
        facts.append(views.Fact(label=formats.say("Ocupación"), value=value, detail=share, tone=tone))
    return tuple(facts)


def _child(child: Child, formats: Formats) -> views.NetworkRow:
    return _row(child.node, formats, child.devices, child.joins, child.fill)


def _row(
    node: Node,
    formats: Formats,
    devices: int | None = None,
    joins: Mapping[str, int] | None = None,
    fill: Capacity | None = None,
) -> views.NetworkRow:
    parts = [formats.word_or(f"node.{node.kind}", node.kind)]
    if node.name:
        parts.append(node.mrid)
    lost = sum((joins or {}).get(state, 0) for state in ("failed", "orphan"))
    tone = _FULL.get(fill.state, "") if fill is not None else ""
    verdict = ""
    if fill is not None:
        verdict = formats.say("{used} de {all}", used=str(fill.used), all=str(fill.capacity))
    elif devices:
        verdict = formats.say("{count} equipos", count=formats.number(str(devices)))
    if lost:
        tone = "wrong"
        verdict = formats.say("{count} sin unir", count=str(lost))
    return views.NetworkRow(
        key=node.mrid,
        title=node.name or node.mrid,
        detail=" · ".join(parts),
        icon=_ICONS.get(node.kind, "network"),
        verdict=verdict,
        verdict_icon={"attention": "attention", "wrong": "wrong"}.get(tone, "meter" if verdict else ""),
        tone=tone,
    )


def _device(one: Standing, formats: Formats) -> views.NetworkRow:
    parts = [one.usage_point or ""]
    if one.slot is not None:
        parts.append(formats.say("posición {slot}", slot=str(one.slot)))
    if one.phase:
        parts.append(formats.say("fase {phase}", phase=one.phase))
    state = one.join or UNHEARD
    known = state in _JOINS
    return views.NetworkRow(
        key="",
        title=one.serial,
        detail=" · ".join(part for part in parts if part),
        icon="meter",
        verdict=formats.word(f"join.state.{state}") if known else "",
        verdict_icon={"good": "join", "wrong": "joinFailed"}.get(_JOINS[state], "waiting") if known else "",
        tone=_JOINS.get(state, ""),
    )


def _named(node: Node, text: str) -> bool:
    return text.casefold() in (node.mrid.casefold(), (node.name or "").casefold())


def _found(tablet: Tablet, text: str, count: int, formats: Formats) -> views.NetworkLevel:
    serial = normalise_serial(text)
    with tablet.store.read() as connection:
        labelled = neighbours.called(connection, text)
        nodes = find_nodes(connection, search=text, limit=count + 1)
        places = queries.where_is(connection, serial) if serial else []
        join = queries.join_of(connection, serial) if serial else None
    # The last figures of a label say something only where few have them: those of a common word are no mark.
    first = labelled[:5] if len(labelled) < count else [one for one in labelled[:5] if _named(one, text)]
    known = {node.mrid: node for node in [*first, *nodes]}
    rows = [
        _device(
            Standing(
                serial=place.serial,
                usage_point=place.usage_point,
                panel=place.panel,
                slot=place.slot,
                phase=place.phase,
                since=place.since,
                join=join.state if join else None,
            ),
            formats,
        )
        for place in places
    ]
    rows += [_row(node, formats) for node in known.values()]
    return views.NetworkLevel(
        title=formats.say("Búsqueda"),
        path=(views.Choice(key="", title=formats.say("Red")),),
        rows=tuple(rows[:count]),
        searched=text,
        more=len(rows) > count,
    )
