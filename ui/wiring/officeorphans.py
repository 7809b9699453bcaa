"""Devices that the record and the network do not agree about, as a page: reason, age, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fieldtool.office import Answer, OfficeClient
from ui import officeviews, views
from ui.wiring.formats import DASH, Formats
from ui.wiring.officesla import Choices
from workorders.network.browse import Branch
from workorders.network.orphans import OrphanList, OrphanPage, OrphanRow

ZONES = 200
_ICONS = {
    OrphanList.HEARD_WITHOUT_SITE: "unknown",
    OrphanList.SITE_NEVER_HEARD: "joinFailed",
    OrphanList.OTHER_CONCENTRATOR: "concentrator",
    OrphanList.SILENT: "offline",
    OrphanList.OTHER_IDENTITY: "label",
    OrphanList.TWO_PLACES: "attention",
}


def orphans_view(
    client: OfficeClient,
    project: str,
    which: str,
    choices: Choices,
    zones: Mapping[str, str],
    count: int,
    now: datetime,
    formats: Formats,
) -> officeviews.Orphans:
    """The first `count` rows of a list; an unknown one is the one of what was never heard.

    Args:
        zones: names of the zones of the orders, by mRID: they may be chosen besides the uppermost nodes.
    """
    zone, crew = choices.node, choices.crew
    chosen = OrphanList(which) if which in set(OrphanList) else OrphanList.SITE_NEVER_HEARD
    answer: Answer[OrphanPage] = client.orphans(project, chosen.value, crew, zone)
    rows = list(answer.value.rows)
    while len(rows) < min(count, answer.value.total):
        page = client.orphans(project, chosen.value, crew, zone, len(rows)).value.rows
        if not page:
            break
        rows += page
    return officeviews.Orphans(
        which=chosen.value,
        lists=tuple(views.Choice(key=one, title=formats.word(f"orphans.{one}")) for one in OrphanList),
        todo=formats.word(f"orphans.{chosen}.do"),
        zone=zone,
        zones=_all(formats.say("Toda la red"), _nodes(client, project, zone, zones)),
        crew=crew,
        crews=_all(
            formats.say("Todas"), [(one, one) for one in sorted({*answer.value.crews, *_named(crew)})]
        ),
        detail=formats.say("{count} equipos", count=formats.number(str(answer.value.total))),
        rows=tuple(_row(one, at, chosen, now, formats) for at, one in enumerate(rows)),
        more=len(rows) < answer.value.total,
        at=formats.when(answer.at, now),
        fresh=answer.fresh,
    )


def _nodes(
    client: OfficeClient, project: str, chosen: str, zones: Mapping[str, str]
) -> list[tuple[str, str]]:
    """mRID and name of what the network may be narrowed to; what is chosen is among it, whatever it is."""
    nodes = dict(_uppermost(client, project))
    others = {key: name for key, name in {chosen: chosen, **zones}.items() if key and key not in nodes}
    return [*nodes.items(), *sorted(others.items(), key=lambda one: one[1].casefold())]


def _uppermost(client: OfficeClient, project: str) -> list[tuple[str, str]]:
    """The uppermost nodes that tell anything apart."""
    branch: Branch = client.network(project, None, ZONES).value
    if len(branch.children) == 1:
        branch = client.network(project, branch.children[0].node.mrid, ZONES).value
    return [(child.node.mrid, child.node.name or child.node.mrid) for child in branch.children]


def _age(since: str | None, now: datetime, formats: Formats) -> str:
    moment = formats.local(since)
    return formats.duration(int((now - moment).total_seconds())) if moment is not None else ""


def _named(crew: str) -> list[str]:
    return [crew] if crew else []


def _all(word: str, named: list[tuple[str, str]]) -> tuple[views.Choice, ...]:
    return (views.Choice(key="", title=word), *(views.Choice(key=key, title=name) for key, name in named))


def _row(
    row: OrphanRow, at: int, which: OrphanList, now: datetime, formats: Formats
) -> officeviews.OrphanView:
    since = row.heard_at if which in (OrphanList.SILENT, OrphanList.HEARD_WITHOUT_SITE) else row.placed_at
    parts = (row.usage_point, row.expected or row.heard_by, row.crew)
    return officeviews.OrphanView(
        key=f"{at} {row.serial}",
        serial=row.serial,
        detail=" · ".join(part for part in parts if part),
        age=_age(since, now, formats),
        icon=_ICONS[which],
        order_id=row.order_id or "",
        facts=(
            views.Fact(label=formats.say("Debe colgar de"), value=row.expected or DASH),
            views.Fact(
                label=formats.say("Lo oye"),
                value=row.heard_by or DASH,
                tone="attention" if row.heard_by and row.expected and row.heard_by != row.expected else "",
            ),
            views.Fact(
                label=formats.say("Oído por última vez"), value=formats.when(row.heard_at, now) or DASH
            ),
            views.Fact(label=formats.say("Montado"), value=formats.when(row.placed_at, now) or DASH),
            views.Fact(label=formats.say("Suministro"), value=row.usage_point or DASH),
            views.Fact(label=formats.say("Cuadrilla"), value=row.crew or DASH),
        ),
    )
