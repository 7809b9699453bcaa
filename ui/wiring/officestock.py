"""The stock as the office has it: a part of it in words, and what the office refused to move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from fieldtool.errors import JobError
from fieldtool.office import OfficeClient
from ui import officeviews, views
from ui.wiring.formats import Formats
from workorders.gateway.stock import StockedDevice, StockMove, StockPage
from workorders.journal.words import StockMovement
from workorders.store.queries.supply import IN_STORE

STORE = "store"
TRUCK = "truck/"
_ICONS = {
    "in_store": "empty",
    "on_truck": "truck",
    "installed": "meter",
    "returned": "back",
    "lost": "unknown",
}
_WHY = re.compile(r"\((\w+)\)")
_MORE = re.compile(r" and (\d+) more$")


def stock_view(
    client: OfficeClient, project: str, where: str, serial: str, count: int, now: datetime, formats: Formats
) -> officeviews.OfficeStock:
    """The first `count` devices."""
    asked = {"store": "true"} if where == STORE else {"crew": where.removeprefix(TRUCK)} if where else {}
    answer = client.stock(project, asked, serial)
    page, devices = answer.value, list(answer.value.devices)
    while len(devices) < min(count, page.total):
        following = client.stock(project, asked, serial, len(devices)).value.devices
        if not following:
            break
        devices += following
    return officeviews.OfficeStock(
        project=project,
        where=where,
        wheres=_wheres(page, formats),
        serial=serial,
        rows=tuple(_row(one, page.crews, now, formats) for one in devices),
        crews=tuple(views.Choice(key=key, title=name, detail=key) for key, name in page.crews.items()),
        detail=formats.say("{count} equipos", count=formats.number(str(page.total))),
        more=len(devices) < page.total,
        at=formats.when(answer.at, now),
        fresh=answer.fresh,
    )


def move(
    client: OfficeClient,
    project: str,
    key: str,
    movement: str,
    serials: tuple[str, ...],
    crew: str,
    reason: str,
    formats: Formats,
) -> None:
    """Has the office move devices.

    Raises:
        Failure: what does not fit, device by device, in words.
    """
    asked = StockMove(
        key=key, movement=StockMovement(movement), serials=list(serials), crew=crew or None, reason=reason
    )
    try:
        client.move_stock(project, asked)
    except JobError as error:
        if error.code != "office_refused":
            raise
        raise views.Failure(
            formats.say("No se movió ningún equipo"),
            _refusal(error.params.get("reason", ""), formats),
            error.code,
        ) from error


def _refusal(told: str, formats: Formats) -> str:
    words = _WHY.sub(lambda found: formats.word_or(f"stock.refused.{found[1]}", found[1]), told)
    return _MORE.sub(lambda found: formats.say(" y {count} más", count=found[1]), words)


def _wheres(page: StockPage, formats: Formats) -> tuple[views.Choice, ...]:
    numbers: Mapping[str | None, int] = {one.crew: one.number for one in page.places}
    trucks = {key: page.crews.get(key, key) for key in [*page.crews, *(key for key in numbers if key)]}

    def choice(key: str, title: str, crew: str | None) -> views.Choice:
        return views.Choice(key=key, title=f"{title} · {formats.number(str(numbers.get(crew, 0)))}")

    return (
        views.Choice(key="", title=formats.say("Todo")),
        choice(STORE, formats.say("Almacén"), None),
        *(
            choice(TRUCK + key, name, key)
            for key, name in sorted(trucks.items(), key=lambda one: one[1].casefold())
        ),
    )


def _row(
    device: StockedDevice, crews: Mapping[str, str], now: datetime, formats: Formats
) -> officeviews.StockedRow:
    crew = device.crew or ""
    state = formats.word(f"stock.state.{device.state}")
    place = TRUCK if device.state == "on_truck" else STORE if device.state in IN_STORE else device.state
    moved = [
        formats.word(f"stock.movement.{device.movement}") if device.movement else "",
        formats.when(device.moved_at, now),
        device.moved_by or "",
    ]
    return officeviews.StockedRow(
        serial=device.serial,
        detail=formats.model(device.model) if device.model else formats.say("Modelo desconocido"),
        where=f"{state} · {crews.get(crew, crew)}" if crew else state,
        moved=" · ".join(part for part in moved if part),
        reason=device.reason or "",
        place=place.removesuffix("/"),
        crew=crew,
        icon=_ICONS.get(device.state, "label"),
        movable=device.state != "installed",
    )
