"""Invented devices that the record and the network do not agree about."""

from __future__ import annotations

import msgspec

from ui import officeviews as o
from ui.views import Choice, Fact

LISTS = (
    Choice(key="heard_without_site", title="Oído y sin lugar"),
    Choice(key="site_never_heard", title="Montado y nunca oído"),
    Choice(key="other_concentrator", title="Lo oye otro concentrador"),
    Choice(key="silent", title="En silencio"),
    Choice(key="other_identity", title="Con otra identidad"),
    Choice(key="two_places", title="En dos lugares"),
)


def _row(number: int) -> o.OrphanView:
    crew, place = ("UCY-03", "UCY-11")[number % 2], f"CD-04{number:02d}"
    return o.OrphanView(
        key=str(number),
        serial=f"ZIV0041{288700 + number * 37:06d}",
        detail=f"{30010000 + number * 913} · {place} · {crew}",
        age=f"{19 - number} días",
        icon="joinFailed",
        order_id=f"order-{number}",
        facts=(
            Fact(label="Debe colgar de", value=place),
            Fact(label="Lo oye", value="—"),
            Fact(label="Oído por última vez", value="—"),
            Fact(label="Montado", value=f"{3 + number} nov, 10:42"),
            Fact(label="Suministro", value=str(30010000 + number * 913)),
            Fact(label="Cuadrilla", value=crew),
        ),
    )


ORPHANS = o.Orphans(
    which="site_never_heard",
    lists=LISTS,
    todo="Se montó y la red nunca lo oyó. Revise en el sitio identidad, módulo, antena y fase.",
    zones=(Choice(key="", title="Toda la red"), Choice(key="SE-1", title="Subestación Parque Industrial")),
    crews=(
        Choice(key="", title="Todas"),
        Choice(key="UCY-03", title="UCY-03"),
        Choice(key="UCY-11", title="UCY-11"),
    ),
    detail="14 equipos",
    rows=tuple(_row(number) for number in range(14)),
)
NO_ORPHANS = msgspec.structs.replace(ORPHANS, detail="0 equipos", rows=())
