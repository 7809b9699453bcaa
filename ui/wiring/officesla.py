"""Orders on time, at risk and late as a table with filters; choices stay over pages and restarts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import msgspec

from fieldtool.office import Answer
from ui import officeviews, views
from ui.wiring.formats import DASH, Formats
from workorders.gateway.board import ProjectInfo
from workorders.rollout.board import Board
from workorders.rollout.sla import Dimension, SlaChoice, SlaFilter, SlaRow
from workorders.store.engine import Store
from workorders.store.settings import set_setting, setting

KEPT_AS = "office.choices"
GROUP_BY = "group_by"
FILTERS = SlaFilter.__struct_fields__
VALUE = "="
"""Stands before the value of a filter, which may be empty: orders without a crew, zone, …"""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen for a project.

    Attributes:
        filters: by name, only those that are set.
        under: a node of the network that is no zone of the orders and narrows the orphans alone; with the
            filter by zone it excludes the other.
    """

    group_by: Dimension = Dimension.CREW
    filters: dict[str, str] = {}
    under: str = ""

    def with_(self, name: str, key: str) -> Choices:
        """The same with one changed: a filter's key is empty for all, else `VALUE` and the value. An empty
        name takes all filters away."""
        if not name:
            return msgspec.structs.replace(self, filters={}, under="")
        if name == GROUP_BY:
            return msgspec.structs.replace(self, group_by=Dimension(key))
        if name not in FILTERS:
            return self
        others = {one: value for one, value in self.filters.items() if one != name}
        set_ = {name: key.removeprefix(VALUE)} if key else {}
        under = "" if name == Dimension.ZONE else self.under
        return msgspec.structs.replace(self, filters=others | set_, under=under)

    def below(self, node: str, *, zone: bool) -> Choices:
        """The same with the network narrowed to a node (empty: all of it), which may be one of the zones."""
        freed = self.with_(Dimension.ZONE, VALUE + node if zone and node else "")
        return freed if zone else msgspec.structs.replace(freed, under=node)

    @property
    def node(self) -> str:
        """Below which node of the network; empty: anywhere, as for orders without a zone."""
        return self.under or self.filters.get(Dimension.ZONE, "")

    @property
    def crew(self) -> str:
        """Which crew's devices; empty: all, as for orders without a crew."""
        return self.filters.get(Dimension.CREW, "")


class AllChoices(msgspec.Struct, frozen=True, kw_only=True):
    """The project that is looked at, and what is chosen for each."""

    project: str = ""
    by_project: dict[str, Choices] = {}

    def of(self, project: str) -> Choices:
        """What is chosen for a project."""
        return self.by_project.get(project, Choices())


class KeptChoices:
    """`AllChoices` in the settings of this machine's encrypted store; else until the program ends."""

    def __init__(self, store: Callable[[], Store] | None = None) -> None:
        self._store = store
        self._now: AllChoices | None = None

    def get(self) -> AllChoices:
        """What is chosen; what an older program left and nobody can read any more is nothing."""
        if self._now is None:
            self._now = AllChoices()
            if self._store is not None:
                with self._store().read() as connection:
                    kept = setting(connection, KEPT_AS)
                with contextlib.suppress(msgspec.ValidationError):
                    self._now = msgspec.convert(kept, AllChoices)
        return self._now

    def put(self, choices: AllChoices) -> None:
        """Keeps it; nothing is written where nothing changed."""
        if choices == self.get():
            return
        self._now = choices
        if self._store is not None:
            with self._store().write() as connection:
                set_setting(connection, KEPT_AS, msgspec.to_builtins(choices))

    def keep(self, project: str, choices: Choices) -> None:
        """What is chosen for a project, which from now on is the one that is looked at."""
        by_project = {**self.get().by_project, project: choices}
        self.put(AllChoices(project=project, by_project=by_project))


def sla_view(
    answer: Answer[Board],
    project: str,
    projects: list[ProjectInfo],
    choices: Choices,
    at: str,
    formats: Formats,
) -> officeviews.Sla:
    """The table. An office of before has none: then there is nothing to show."""
    table = answer.value.sla
    titles = {Dimension.PROJECT: _project_names(projects, formats), Dimension.TECHNOLOGY: _Upper()}
    rows: tuple[officeviews.SlaRow, ...] = ()
    filters: tuple[officeviews.Filter, ...] = ()
    total = None
    if table is not None:
        rows = tuple(_row(row, choices.group_by, titles, formats) for row in table.rows)
        total = _row(table.total, None, titles, formats) if table.total.total else None
        filters = tuple(
            _filter(name, choices.filters.get(name), table.choices.get(name, []), titles, formats)
            for name in FILTERS
        )
    return officeviews.Sla(
        project=project,
        group_by=choices.group_by,
        dimensions=tuple(views.Choice(key=one, title=dimension_word(one, formats)) for one in Dimension),
        filters=filters,
        filtered=bool(choices.filters),
        rows=rows,
        total=total,
        at=at,
        fresh=answer.fresh,
    )


def dimension_word(name: str, formats: Formats) -> str:
    """What a dimension is called."""
    return {
        "crew": formats.say("Cuadrilla"),
        "zone": formats.say("Zona"),
        "technology": formats.say("Tecnología"),
        "contractor": formats.say("Contratista"),
        "project": formats.say("Proyecto"),
    }[name]


def set_filters(choices: Choices, names: Mapping[str, str], formats: Formats) -> tuple[views.Choice, ...]:
    """The filters that are set, in words, to be taken away one by one.

    Args:
        names: of zones and crews, by filter and key (`crew/A`).
    """
    return tuple(
        views.Choice(
            key=name,
            title=f"{dimension_word(name, formats)}: "
            + (names.get(f"{name}/{value}") or _plain(name, value, formats)),
        )
        for name in FILTERS
        if (value := choices.filters.get(name)) is not None
    )


class _Upper(dict[str, str]):
    """Technologies are known by their capitals: PRIME, TWACS."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def _project_names(projects: list[ProjectInfo], formats: Formats) -> dict[str, str]:
    language = formats.language.value
    return {one.id: one.name.get(language) or one.name.get("es") or one.id for one in projects}


def _plain(name: str, value: str, formats: Formats) -> str:
    if not value:
        return formats.say("(sin dato)")
    return value.upper() if name == Dimension.TECHNOLOGY else value


def _title(
    name: str, key: str, known: str | None, titles: Mapping[Dimension, Mapping[str, str]], formats: Formats
) -> str:
    if not key:
        return formats.say("(sin dato)")
    named = titles.get(Dimension(name))
    return known or (named[key] if named is not None and (key in named or isinstance(named, _Upper)) else key)


def _filter(
    name: str,
    now: str | None,
    choices: list[SlaChoice],
    titles: Mapping[Dimension, Mapping[str, str]],
    formats: Formats,
) -> officeviews.Filter:
    values = sorted(
        (
            views.Choice(key=VALUE + one.key, title=_title(name, one.key, one.name, titles, formats))
            for one in choices
        ),
        key=lambda choice: choice.title.casefold(),
    )
    return officeviews.Filter(
        name=name,
        label=dimension_word(name, formats),
        current="" if now is None else VALUE + now,
        options=(views.Choice(key="", title=formats.say("Todas")), *values),
    )


def _row(
    row: SlaRow,
    group_by: Dimension | None,
    titles: Mapping[Dimension, Mapping[str, str]],
    formats: Formats,
) -> officeviews.SlaRow:
    still = formats.number(str(row.late_open))
    return officeviews.SlaRow(
        key=VALUE + row.key,
        title=formats.say("En total")
        if group_by is None
        else _title(group_by, row.key, row.name, titles, formats),
        percent=f"{formats.number(row.percent)} %" if row.percent is not None else DASH,
        on_time=formats.number(str(row.on_time)),
        at_risk=formats.number(str(row.at_risk)),
        late=formats.number(str(row.late)),
        still=formats.say("{count} abiertas", count=still) if row.late_open else "",
        parts=tuple(part / row.total if row.total else 0.0 for part in (row.on_time, row.at_risk, row.late)),
        opens=row.late_open > 0,
    )
