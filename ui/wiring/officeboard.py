"""The board's answer as the page shows it: six figures, the curve, joins, crews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

from fieldtool.office import Answer
from ui import officeviews, views
from ui.wiring.formats import DASH, Formats
from workorders.gateway.board import ProjectInfo
from workorders.rollout.board import Board, JoinFigure, Share

PERIODS = (10, 14, 30)
ON_BOARD = 8


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
