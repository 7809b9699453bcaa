"""An invented table of orders on time and late, with filters."""

from __future__ import annotations

import msgspec

from ui import officeviews as o
from ui.views import Choice


def _row(title: str, on_time: int, at_risk: int, late: int, still: int) -> o.SlaRow:
    total = on_time + at_risk + late
    permille = 1000 * (total - late) // total
    return o.SlaRow(
        key=f"={title}",
        title=title,
        percent=f"{permille // 10},{permille % 10} %",
        on_time=str(on_time),
        at_risk=str(at_risk),
        late=str(late),
        still=f"{still} abiertas" if still else "",
        parts=(on_time / total, at_risk / total, late / total),
        opens=still > 0,
    )


def _filter(name: str, label: str, *titles: str) -> o.Filter:
    options = (Choice(key="", title="Todas"), *(Choice(key=f"={one}", title=one) for one in titles))
    return o.Filter(name=name, label=label, options=options)


ZONES = (
    "Alimentador PU-3",
    "Alimentador PU-1, línea troncal de Yarinacocha hasta el puerto y San José",
    "Alimentador PU-2",
    "S.E. Pucallpa 60/22,9/10 kV",
)
SLA = o.Sla(
    project="pucallpa",
    group_by="zone",
    dimensions=tuple(
        Choice(key=key, title=title)
        for key, title in (
            ("crew", "Cuadrilla"),
            ("zone", "Zona"),
            ("technology", "Tecnología"),
            ("contractor", "Contratista"),
            ("project", "Proyecto"),
        )
    ),
    filters=(
        _filter("crew", "Cuadrilla", *(f"PUC-0{number}" for number in range(1, 9))),
        _filter("zone", "Zona", *ZONES),
        _filter("technology", "Tecnología", "RPMA", "PLC-IOT"),
        _filter(
            "contractor", "Contratista", "Contratista Selva Eléctrica S.A.C.", "Ucayali Medición E.I.R.L."
        ),
    ),
    rows=(
        _row(ZONES[0], 1312, 64, 118, 41),
        _row(ZONES[1], 1502, 22, 57, 9),
        _row(ZONES[2], 1231, 12, 18, 0),
        _row(ZONES[3], 3, 0, 0, 0),
    ),
    total=_row("En total", 4048, 98, 193, 50),
    at="10:44",
)
NO_SLA = msgspec.structs.replace(SLA, rows=(), total=None)


def chosen(table: o.Sla, name: str, key: str) -> o.Sla:
    """The table with one choice changed; an empty name takes the filters away."""
    if name == "group_by":
        return msgspec.structs.replace(table, group_by=key)
    filters = tuple(
        msgspec.structs.replace(one, current=key if name else "") if name in ("", one.name) else one
        for one in table.filters
    )
    filtered = any(one.current for one in filters)
    return msgspec.structs.replace(table, filters=filters, filtered=filtered)


FILTERED = chosen(chosen(SLA, "zone", f"={ZONES[1]}"), "contractor", "=Contratista Selva Eléctrica S.A.C.")
FILTERED_NONE = msgspec.structs.replace(FILTERED, rows=(), total=None)
