"""Which published files a tablet works by, as rows of *Más*."""

from __future__ import annotations

from datetime import datetime

from fieldtool.problems import explain_sync
from fieldtool.tablet.reference import ReferenceRow, ReferenceState
from ui import views
from ui.wiring.formats import Formats

_ICONS = {
    "procedures": "plan",
    "models": "meter",
    "programs": "data",
    "labels": "label",
    "technologies": "network",
}


def reference_rows(rows: list[ReferenceRow], now: datetime, formats: Formats) -> list[views.Reference]:
    """Kinds that something was published of; those that are as the program brings them are not listed."""
    told = [row for row in rows if row.version is not None or row.state is not ReferenceState.CURRENT]
    return [_row(row, now, formats) for row in told]


def _row(row: ReferenceRow, now: datetime, formats: Formats) -> views.Reference:
    say = formats.say
    titles = {
        "procedures": say("Procedimientos"),
        "models": say("Modelos de medidor"),
        "programs": say("Programas de configuración"),
        "labels": say("Reglas de etiquetas"),
        "technologies": say("Tecnologías de red"),
    }
    published = formats.local(row.published_at)
    day = formats.day(published, now) if published else ""
    if row.version is None:
        detail = say("Lo que trae el programa")
    elif day:
        detail = say("Versión {version} · {day}", version=str(row.version), day=day)
    else:
        detail = say("Versión {version}", version=str(row.version))
    verdict, more, icon, tone = _verdict(row, formats)
    return views.Reference(
        title=titles[row.kind],
        detail=detail,
        icon=_ICONS[row.kind],
        verdict=verdict,
        verdict_detail=more,
        verdict_icon=icon,
        tone=tone,
    )


def _verdict(row: ReferenceRow, formats: Formats) -> tuple[str, str, str, views.Tone]:
    say = formats.say
    offered = str(row.offered_version or "")
    if row.state is ReferenceState.REFUSED:
        why = explain_sync(row.code or "", row.reason or "", formats.language)
        return say("Versión {version} no sirve aquí", version=offered), why.hint, "attention", "attention"
    if row.state is ReferenceState.OUTDATED:
        hint = say("Sincronice para recibirla")
        return say("La oficina tiene la {version}", version=offered), hint, "attention", "attention"
    return say("Al día"), "", "check", "good"
