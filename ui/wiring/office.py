"""The gateway's answers as the supervisor's pages: figures, plots, evidence, in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import ParamSpec, TypeVar

import msgspec
import pypdfium2 as pdfium
from PIL import Image

from fieldtool.errors import JobError
from fieldtool.office import Answer, OfficeClient
from fieldtool.problems import explain
from ui import officeviews, views
from ui.wiring.formats import DASH, Formats
from ui.wiring.network import level_view
from ui.wiring.officecases import case_of, case_row, order_case_of
from ui.wiring.officekept import accepted_text, kept_view
from ui.wiring.officeorphans import orphans_view
from ui.wiring.officesla import VALUE, KeptChoices, set_filters, sla_view
from workorders.gateway.board import ProjectInfo
from workorders.rollout.board import Board, JoinFigure, Share
from workorders.rollout.listing import Listing
from workorders.rollout.sla import Dimension
from workorders.store.queries import OrderRow

P = ParamSpec("P")
T = TypeVar("T")
PERIODS = (10, 14, 30)
ON_BOARD = 8
PAGE_SCALE = 2.0
MAX_PAGES = 12
IMAGE_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PN": "image/png", b"RIF": "image/webp"}


def worded(method: Callable[P, T]) -> Callable[P, T]:
    """Any foreseen error becomes a `Failure` in words."""

    @wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except views.Failure:
            raise
        except Exception as error:
            office = args[0]
            if not isinstance(office, WiredOffice):
                raise
            found = explain(error, office.formats().language)
            if not found.expected:
                raise
            raise views.Failure(" ".join([found.what, *found.problems]), found.hint, found.code) from error

    return told


class WiredOffice:
    """See `ui.officebackend.OfficeBackend`; called in the sync lane.

    Args:
        client: gives the session of the supervisor who signed in, or None.
        choices: where project and filters are kept.
    """

    def __init__(
        self,
        client: Callable[[], OfficeClient | None],
        formats: Callable[[], Formats],
        now: Callable[[], datetime],
        choices: KeptChoices | None = None,
    ) -> None:
        self._client = client
        self._choices = choices or KeptChoices()
        self._names: dict[str, str] = {}  # what the office calls crews and zones, by filter and key
        self.formats = formats
        self._now = now
        self._project = ""

    @worded
    def board(self, project: str, days: int) -> officeviews.Board:
        """Figures of a project."""
        client, formats = self._office(), self.formats()
        projects = client.projects().value
        known = [one.id for one in projects]
        kept = self._choices.get()
        wanted = (project, self._project, kept.project)
        chosen = next((one for one in wanted if one in known), known[0] if known else "")
        if not chosen:
            return officeviews.Board()
        self._project = chosen
        self._choices.put(msgspec.structs.replace(kept, project=chosen))
        info = next(one for one in projects if one.id == chosen)
        answer = client.board(chosen, days)
        waiting = client.exceptions(chosen).value.exceptions
        rows = tuple(case_row(row, self._now(), formats) for row in waiting)
        return board_view(answer, info, projects, days, rows, self._now(), formats)

    @worded
    def sla(self) -> officeviews.Sla:
        """Orders on time and late."""
        client, formats = self._office(), self.formats()
        project, projects = self._chosen(client), client.projects().value
        if not project:
            return officeviews.Sla()
        choices = self._choices.get().of(project)
        answer = client.sla(project, choices.group_by, choices.filters)
        table = answer.value.sla
        for name, values in (table.choices if table is not None else {}).items():
            self._names |= {f"{name}/{one.key}": one.name for one in values if one.name}
        return sla_view(answer, project, projects, choices, formats.when(answer.at, self._now()), formats)

    @worded
    def choose(self, name: str, key: str) -> None:
        """Sets a filter, or by what the table is."""
        client = self._office()
        if name == Dimension.PROJECT:
            self._project = key.removeprefix(VALUE)
            self._choices.put(msgspec.structs.replace(self._choices.get(), project=self._project))
        else:
            self._choices.choose(self._chosen(client), name, key)

    @worded
    def queue(self) -> officeviews.Queue:
        """Exceptions of the project."""
        client, formats = self._office(), self.formats()
        answer = client.exceptions(self._chosen(client))
        rows = tuple(case_row(row, self._now(), formats) for row in answer.value.exceptions)
        detail = formats.say("{count}, por daño", count=str(len(rows))) if rows else ""
        at = formats.when(answer.at, self._now())
        return officeviews.Queue(rows=rows, detail=detail, at=at, fresh=answer.fresh)

    @worded
    def case(self, exception_id: str) -> officeviews.Case:
        """One exception."""
        client, formats = self._office(), self.formats()
        waiting = client.exceptions(self._chosen(client)).value.exceptions
        row = next((one for one in waiting if one.exception_id == exception_id), None)
        if row is None:
            raise views.Failure(
                formats.say("Esta excepción ya está decidida"), formats.say("La lista se actualiza sola.")
            )
        answer = client.order(row.order_id) if row.order_id else None
        return case_of(row, answer, self._now(), formats)

    @worded
    def order_case(self, order_id: str) -> officeviews.Case:
        """One order."""
        return order_case_of(self._office().order(order_id), self._now(), self.formats())

    @worded
    def decide(self, case: officeviews.Case, decision: str, reason: str) -> None:
        """Posts a decision."""
        client = self._office()
        given = reason or self.formats().word(f"decision.{decision}")
        if case.kind == "exception":
            client.decide(case.id, decision, given)
        elif decision == "approve":
            client.approve(case.order_id, reason or None)
        else:
            client.send_back(case.order_id, given)

    @worded
    def network(self, key: str, count: int) -> views.NetworkLevel:
        """A level of the network."""
        client, formats = self._office(), self.formats()
        answer = client.network(self._chosen(client), key or None, count)
        level = level_view(answer.value, formats)
        if answer.fresh:
            return level
        old = formats.say("Sin conexión: así estaba {when}", when=formats.when(answer.at, self._now()))
        return msgspec.structs.replace(level, old=old)

    @worded
    def listed(self, name: str, count: int) -> officeviews.OrderList:
        """Orders behind a figure."""
        client, formats = self._office(), self.formats()
        which = name if name in set(Listing) else Listing.WAITING_APPROVAL.value
        project = self._chosen(client)
        choices = self._choices.get().of(project)
        if choices.filters and not self._names:
            self.sla()  # for the names of what is set
        answer = client.listed(project, which, filters=choices.filters)
        rows = list(answer.value.orders)
        while len(rows) < min(count, answer.value.total):
            page = client.listed(project, which, len(rows), choices.filters).value.orders
            if not page:
                break
            rows += page
        total = answer.value.total
        return officeviews.OrderList(
            key=which,
            title=formats.word(f"list.{which}"),
            detail=formats.say("{count} órdenes", count=str(total)) if total else "",
            lists=tuple(views.Choice(key=one, title=formats.word(f"list.{one}")) for one in Listing),
            filters=set_filters(choices, self._names, formats),
            rows=tuple(_order(row, self._now(), formats) for row in rows),
            more=len(rows) < total,
            at=formats.when(answer.at, self._now()),
            fresh=answer.fresh,
        )

    @worded
    def orphans(self, which: str, zone: str, crew: str, count: int) -> officeviews.Orphans:
        """Devices that the record and the network do not agree about."""
        client = self._office()
        project = self._chosen(client)
        return orphans_view(client, project, which, zone, crew, count, self._now(), self.formats())

    @worded
    def kept(self, tablet: str) -> officeviews.Kept:
        """Revoked tablets whose entries wait."""
        return kept_view(self._office(), tablet, self._now(), self.formats())

    @worded
    def accept_kept(self, tablet: str, reason: str) -> str:
        """Has the office take in what a revoked tablet handed over."""
        return accepted_text(self._office().accept_kept(tablet, reason), self.formats())

    @worded
    def photo(self, order_id: str, key: str) -> str:
        """A photo, or the pages of a document under each other, as a data URL: no file in clear is made."""
        content = self._office().blob(order_id, key)
        kind = IMAGE_TYPES.get(content[:3])
        if kind is None:
            kind, content = "image/png", page_pictures(content)
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    def _office(self) -> OfficeClient:
        client = self._client()
        if client is None:
            raise JobError("office_not_signed_in", "sign in with contact to the office")
        return client

    def _chosen(self, client: OfficeClient) -> str:
        if not self._project:
            known, kept = [one.id for one in client.projects().value], self._choices.get().project
            self._project = kept if kept in known else next(iter(known), "")
        return self._project


def page_pictures(pdf: bytes) -> bytes:
    """The pages of a PDF under each other as one PNG."""
    document = pdfium.PdfDocument(pdf)
    pages = [document[at].render(scale=PAGE_SCALE).to_pil() for at in range(min(len(document), MAX_PAGES))]
    sheet = Image.new("RGB", (max(page.width for page in pages), sum(page.height for page in pages)), "white")
    top = 0
    for page in pages:
        sheet.paste(page, (0, top))
        top += page.height
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _order(row: OrderRow, now: datetime, formats: Formats) -> officeviews.OfficeOrder:
    parts = [row.number or row.order_id, row.crew or "", formats.word(f"order.status.{row.status}")]
    return officeviews.OfficeOrder(
        id=row.order_id,
        title=row.address or row.supply_number or row.number or row.order_id,
        detail=" · ".join(part for part in parts if part),
        state=formats.when(row.completed_at or row.due, now),
        icon=row.kind or "exchange",
    )


# --- the board ----------------------------------------------------------------------------------


def board_view(
    answer: Answer[Board],
    info: ProjectInfo,
    projects: list[ProjectInfo],
    days: int,
    cases: tuple[officeviews.CaseRow, ...],
    now: datetime,
    formats: Formats,
) -> officeviews.Board:
    """The whole board."""
    board, language = answer.value, formats.language.value
    since = now.astimezone(formats.zone).date() - timedelta(days=days - 1)
    crews = crew_charts(board, since, days)
    return officeviews.Board(
        project=info.id,
        projects=tuple(
            views.Choice(key=one.id, title=one.name.get(language) or one.name.get("es") or one.id)
            for one in projects
        ),
        period=str(days),
        periods=tuple(
            views.Choice(key=str(one), title=formats.say("{count} días", count=str(one))) for one in PERIODS
        ),
        contractor=info.contractor,
        technology=info.technology.upper(),
        at=formats.when(answer.at, now),
        fresh=answer.fresh,
        tiles=tiles(board, formats),
        curve=curve(board, formats),
        joins=tuple(join_bar(one, formats) for one in board.join),
        crews=crews,
        crews_detail=formats.say("hechas por día, {count} días", count=str(days)),
        crews_plan=_crew_plan(board, len(crews), formats),
        cases=cases[:ON_BOARD],
        cases_detail=formats.say("{count}, por daño", count=str(len(cases))) if cases else "",
        open_cases=len(cases),
    )


def tiles(board: Board, formats: Formats) -> tuple[officeviews.Tile, ...]:
    """The six figures."""
    left = max(0, board.planned_today - board.done_today)
    missing = [one.placed - one.joined for one in board.join]
    unjoined = " · ".join(
        f"{_age(one.hours, formats)}: {short}"
        for one, short in zip(board.join, missing, strict=True)
        if short
    )
    by_plan = formats.say("de {count}", count=str(board.planned_today)) if board.planned_today else ""

    def tile(key: str, value: int, detail: str, *, share: str = "", bad: str = "") -> officeviews.Tile:
        return officeviews.Tile(
            key=key,
            label=formats.word(f"list.{key}"),
            value=formats.number(str(value)),
            share=share,
            detail=detail,
            icon=bad,
            tone="attention" if bad else "",
        )

    soon = formats.say("{count} vencen pronto", count=str(board.warning)) if board.warning else ""
    return (
        tile(
            "done_today",
            board.done_today,
            formats.say("Faltan {count}", count=str(left)) if left else "",
            share=by_plan,
        ),
        tile("late", board.late, soon, bad="clock" if board.late else ""),
        tile("unjoined", missing[0] if missing else 0, unjoined, bad="joinFailed" if any(missing) else ""),
        _share_tile(tile, "orphans", board.orphan_share, formats),
        _share_tile(tile, "rework", board.rework, formats),
        tile("waiting_approval", board.waiting_approval, ""),
    )


def _share_tile(
    tile: Callable[..., officeviews.Tile], key: str, share: Share, formats: Formats
) -> officeviews.Tile:
    percent = f"{formats.number(share.percent)} %" if share.percent is not None else ""
    target = formats.say("Meta: {value} %", value=formats.number(share.target))
    return tile(key, share.number, target, share=percent, bad="attention" if share.met is False else "")


def _age(hours: int, formats: Formats) -> str:
    return f"{hours} h" if hours < 100 else formats.say("{count} días", count=str(hours // 24))


def join_bar(figure: JoinFigure, formats: Formats) -> officeviews.JoinBar:
    """One age."""
    target = float(Decimal(figure.target) / 100)
    if figure.percent is None:
        return officeviews.JoinBar(
            label=_age(figure.hours, formats), value=DASH, share=-1, target=target, verdict=""
        )
    return officeviews.JoinBar(
        label=_age(figure.hours, formats),
        value=f"{formats.number(figure.percent)} %",
        share=float(Decimal(figure.percent) / 100),
        target=target,
        verdict=formats.say("Cumple") if figure.met else formats.say("Bajo la meta"),
        tone="good" if figure.met else "attention",
    )


def crew_charts(board: Board, since: date, days: int) -> tuple[officeviews.CrewChart, ...]:
    """Crews by name; a day under half the plan is marked, today too once it is the only one looked at."""
    crews = sorted({row.crew for row in board.crews})
    done = {(row.crew, row.day): row.done for row in board.crews}
    dates = [(since + timedelta(days=at)).isoformat() for at in range(days)]
    plan = board.planned_today / len(crews) if crews else 0.0
    highest = max([plan, *(done.values() or [0]), 1.0])
    charts = []
    for crew in crews:
        counts = [done.get((crew, day), 0) for day in dates]
        low = tuple(bool(plan) and 0 < count < plan / 2 for count in counts)
        charts.append(
            officeviews.CrewChart(
                crew=crew,
                today=str(counts[-1]),
                bars=tuple(count / highest for count in counts),
                low=low,
                plan=plan / highest,
                tone="attention" if low[-1] else "",
            )
        )
    return tuple(charts)


def _crew_plan(board: Board, crews: int, formats: Formats) -> str:
    if not crews or not board.planned_today:
        return ""
    return formats.say("plan, {count}", count=str(round(board.planned_today / crews)))


def curve(board: Board, formats: Formats) -> officeviews.Curve:
    """Planned and done from the first day to the day on which the plan is met."""
    points = board.curve
    if not points:
        return officeviews.Curve()
    first = date.fromisoformat(points[0].day)
    today = date.fromisoformat(points[-1].day)
    planned, done = points[-1].planned, points[-1].done
    plan = board.plan
    total = max(plan.total, planned, done, 1)
    left = max(0, plan.total - planned)
    last = today + timedelta(days=-(-left // plan.daily)) if plan.daily and left else today
    span = max(1, (last - first).days)
    top, levels = _levels(total, formats)

    def x(day: date) -> float:
        return (day - first).days / span

    planned_points = [(x(date.fromisoformat(one.day)), one.planned / top) for one in points]
    if last > today:
        planned_points.append((1.0, plan.total / top))
    behind = (planned - done) // plan.daily if plan.daily else 0
    return officeviews.Curve(
        detail=formats.say("medidores instalados, plan de {count}", count=formats.number(str(plan.total)))
        if plan.total
        else formats.say("medidores instalados"),
        planned=tuple(planned_points),
        done=tuple((x(date.fromisoformat(one.day)), one.done / top) for one in points),
        days=_days(first, last, formats),
        levels=levels,
        now=x(today),
        planned_text=formats.say("Plan {count}", count=formats.number(str(planned))) if plan.daily else "",
        done_text=formats.say("Hechos {count}", count=formats.number(str(done))),
        gap_text=_gap(behind, formats),
    )


def _gap(behind: int, formats: Formats) -> str:
    if behind > 0:
        return formats.say("{count} días por detrás", count=str(behind))
    return formats.say("{count} días por delante", count=str(-behind)) if behind < 0 else ""


def _levels(total: int, formats: Formats) -> tuple[int, tuple[officeviews.Tick, ...]]:
    step = 1
    while step * 4 < total:
        step = next(step * factor for factor in (2, 5, 10) if step * factor * 4 >= total or factor == 10)
    top = step * 4
    return top, tuple(officeviews.Tick(label=formats.number(str(step * at)), at=at / 4) for at in range(5))


def _days(first: date, last: date, formats: Formats) -> tuple[officeviews.Tick, ...]:
    span = max(1, (last - first).days)
    count = min(6, span + 1)
    days = [first + timedelta(days=round(span * at / max(1, count - 1))) for at in range(count)]
    return tuple(
        officeviews.Tick(
            label=formats.month(day) if span > 150 else formats.short_day(day), at=(day - first).days / span
        )
        for day in days
    )
