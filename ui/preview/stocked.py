"""An invented stock of an office."""

from __future__ import annotations

import msgspec

from ui import officeviews as o
from ui.views import Choice

CREWS = {
    "PUC-01": "Cuadrilla Callería",
    "PUC-02": "Cuadrilla Yarinacocha y caseríos de la margen izquierda del Ucayali",
    "PUC-03": "Cuadrilla Manantay",
}


def _row(number: int) -> o.StockedRow:
    place = ("store", "store", "truck", "truck", "installed", "lost", "store", "truck")[number % 8]
    crew = list(CREWS)[number % 3] if place == "truck" else ""
    words = {"store": "En almacén", "truck": "En el camión", "installed": "Instalado", "lost": "Dado de baja"}
    icons = {"store": "empty", "truck": "truck", "installed": "meter", "lost": "unknown"}
    return o.StockedRow(
        serial=f"37904{100000 + number * 7919}",
        detail="Medidor monofásico RPMA"
        if number % 5
        else "Medidor trifásico RPMA, medición semidirecta 5(10) A",
        where=f"{words[place]} · {CREWS[crew]}" if crew else words[place],
        moved="Entregado · hoy 07:12 · asuarez" if crew else "",
        reason="Nadie lo encontró en el conteo del 3 de marzo" if place == "lost" else "",
        place=place,
        crew=crew,
        icon=icons[place],
        movable=place != "installed",
    )


STOCK = o.OfficeStock(
    project="pucallpa",
    wheres=(
        Choice(key="", title="Todo"),
        Choice(key="store", title="Almacén · 4 812"),
        *(Choice(key=f"truck/{key}", title=f"{name} · {40 + len(name)}") for key, name in CREWS.items()),
    ),
    rows=tuple(_row(number) for number in range(24)),
    crews=tuple(Choice(key=key, title=name, detail=key) for key, name in CREWS.items()),
    detail="5 037 equipos",
    more=True,
    at="10:44",
)
NO_STOCK = msgspec.structs.replace(STOCK, rows=(), detail="0 equipos", more=False)


def looked(stock: o.OfficeStock, where: str, serial: str) -> o.OfficeStock:
    """The part of it that was asked for."""
    rows = tuple(
        row
        for row in stock.rows
        if serial in row.serial
        and (not where or row.place == where or (where.startswith("truck/") and row.crew == where[6:]))
    )
    return msgspec.structs.replace(
        stock, where=where, serial=serial, rows=rows, more=stock.more and not serial
    )
