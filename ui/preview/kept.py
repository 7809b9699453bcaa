"""Invented work that revoked tablets handed over and that waits for a supervisor."""

from __future__ import annotations

import msgspec

from ui import officeviews as o
from ui.views import Fact

REASONS = ("La cuadrilla la tuvo siempre", "Se revocó otra tableta por error")


def _tablet(key: str, crew: str, entries: int, why: str, when: str) -> o.KeptTablet:
    return o.KeptTablet(
        key=key,
        title=f"Tableta {key} · {crew}",
        detail="Esperan desde 22 nov 18:10",
        count=str(entries),
        facts=(
            Fact(label="Esperan", value=f"{entries} registros", detail="llegaron 22 nov 18:10 – hoy 07:42"),
            Fact(label="Revocada", value=when, detail=why),
        ),
    )


KEPT = o.Kept(
    rows=(
        _tablet("TB-0417", "UCY-03", 46, "Dada por robada en el terminal terrestre", "21 nov 16:30"),
        _tablet("TB-0388", "UCY-11", 4, "Cambio de cuadrilla", "18 nov 09:05"),
    ),
    reasons=REASONS,
    detail="2 tabletas",
)
NOTHING_KEPT = o.Kept()
_STREETS = (
    "Jr. Tacna 318, Callería, Pucallpa",
    "Av. Sáenz Peña 740",
    "Asentamiento Humano Víctor Manuel Maldonado Begazo, manzana 14, lote 22",
    "Jr. Coronel Portillo 482",
)
WORK = tuple(
    o.OfficeOrder(
        id=f"PUC-0442{at}",
        title=street,
        detail=f"PUC-0442{at} · en curso",
        state=f"{14 - at * 3} registros",
        icon="exchange",
    )
    for at, street in enumerate(_STREETS)
)


def opened(kept: o.Kept, key: str) -> o.Kept:
    """The list with one tablet's orders read."""
    found = next((row for row in kept.rows if row.key == key), None)
    if found is None:
        return kept
    whole = msgspec.structs.replace(found, orders=WORK, others="Sin orden: 8 registros")
    return msgspec.structs.replace(kept, open=whole)
