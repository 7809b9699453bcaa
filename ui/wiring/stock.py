"""The stock on the screens: rows of the truck, and what an act came to in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fieldtool.tablet import lists
from fieldtool.tablet.stockroom import MovedRow
from fieldtool.tablet.tablet import Tablet
from ui import views
from ui.wiring.formats import Formats
from workorders.store.queries import StockItem

_ICONS = {
    "on_truck": "truck",
    "in_store": "empty",
    "installed": "meter",
    "returned": "back",
    "lost": "unknown",
}
_FIRST = ("on_truck", "removed", "installed", "in_store", "returned", "lost")


def stock_view(tablet: Tablet, formats: Formats) -> views.Stock:
    """What lies on this tablet's truck; what was mounted stands last."""
    room = tablet.stockroom
    items = sorted(room.items(), key=lambda item: (_FIRST.index(item.state), item.model, item.serial))
    with tablet.store.read() as connection:
        crews = lists.project(connection).crew
    there = Counter(item.state for item in items)
    return views.Stock(
        crew=room.crew or "",
        facts=tuple(
            views.Fact(label=formats.word(f"stock.state.{state}"), value=str(there[state]))
            for state in _FIRST
            if there[state]
        ),
        rows=tuple(_row(item, formats) for item in items),
        crews=tuple(
            views.Choice(key=crew.id, title=crew.name or crew.id, detail=crew.id)
            for crew in crews
            if crew.id != room.crew
        ),
    )


def _row(item: StockItem, formats: Formats) -> views.StockRow:
    return views.StockRow(
        serial=item.serial,
        title=item.serial,
        detail=formats.model(item.model) if item.model else formats.say("Modelo desconocido"),
        state=formats.word(f"stock.state.{item.state}"),
        icon=_ICONS.get(item.state, "label"),
        tone="" if item.state == "on_truck" else "muted",
    )


def move_stock(
    tablet: Tablet, act: str, serials: Sequence[str], crew: str, formats: Formats
) -> views.StockDone:
    """Do it, and say what came of it."""
    room, say = tablet.stockroom, formats.say
    if act == "count":
        counted = room.count(serials)
        doubts = [say("Falta {serial}", serial=serial) for serial in counted.missing]
        doubts += [say("Sobra {serial}", serial=serial) for serial in counted.unexpected]
        if not doubts:
            return views.StockDone(text=say("Todo cuadra: {number} equipos", number=str(len(counted.found))))
        text = say("El conteo no coincide. La oficina lo verá.")
        return views.StockDone(text=text, tone="attention", doubts=tuple(doubts))
    moved = {
        "receive": lambda: room.receive(serials),
        "return": lambda: room.give_back(serials),
        "transfer": lambda: room.transfer(serials, crew),
    }[act]()
    doubts = [_doubt(row, formats) for row in moved if row.doubt]
    text = say("{number} equipos guardados en este equipo", number=str(len(moved)))
    return views.StockDone(text=text, tone="attention" if doubts else "good", doubts=tuple(doubts))


def _doubt(row: MovedRow, formats: Formats) -> str:
    return f"{row.serial}: {formats.word(f'stock.doubt.{row.doubt}')}"
