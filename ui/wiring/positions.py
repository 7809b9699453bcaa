"""Where the crew is, as one calm line of a step page: searching, how good it is, or why there is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from drivers.position.take import AUTO, NONE, WINDOWS
from fieldtool.procedure import views as v
from fieldtool.tablet.rows import PortRow
from ui import views
from ui.wiring.formats import Formats

OLD_S = 30
"""From this age on, seconds, the line says how old a fix is instead of when it was taken."""


def position_parts(position: v.PositionView | None, formats: Formats) -> dict[str, Any]:
    """Fields of `ui.views.Step` for a step that takes a position; none for one that does not."""
    if position is None:
        return {}
    if position.state == "none":
        reason = formats.word_or(f"position.reason.{position.reason}", "") if position.reason else ""
        return {
            "position_state": "none",
            "position_text": formats.say("Sin posición"),
            "position_detail": reason,
        }
    facts = position_facts(position, formats)
    if position.state == "searching":
        seen = (
            formats.say("{count} satélites a la vista", count=str(position.in_view))
            if position.in_view
            else ""
        )
        return {
            "position_state": "searching",
            "position_text": formats.say("Buscando posición…"),
            "position_detail": " · ".join(facts) if facts else seen,
        }
    doubts = [formats.word_or(f"position.flag.{flag}", flag) for flag in position.flags]
    return {
        "position_state": "attention" if doubts else "good",
        "position_text": formats.say("Posición dudosa: {why}", why=", ".join(doubts))
        if doubts
        else formats.say("Posición tomada"),
        "position_detail": " · ".join(facts),
    }


def position_facts(position: v.PositionView, formats: Formats) -> list[str]:
    """Accuracy, satellites, how old or when, and how far where that is too far."""
    facts = []
    if position.accuracy_m:
        facts.append(accuracy(position.accuracy_m, formats))
    if position.satellites:
        facts.append(formats.say("{count} satélites", count=str(position.satellites)))
    if position.age_s is not None and position.age_s > OLD_S:
        facts.append(formats.say("de hace {time}", time=formats.duration(max(60, position.age_s))))
    elif position.at:
        facts.append(formats.clock(position.at, seconds=True))
    if position.distance_m is not None and "far" in position.flags:
        facts.append(formats.say("a {distance} de la orden", distance=formats.distance(position.distance_m)))
    return facts


def accuracy(metres: str, formats: Formats) -> str:
    """`±4 m`: whole metres are all that anybody can use."""
    return f"±{formats.number(str(max(1, round(float(metres)))))} m"


def receivers(chosen: str, ports: Sequence[PortRow], formats: Formats) -> views.Receivers:
    """Where a position can be taken from; a chosen port that is not plugged in stays in the list."""
    say = formats.say
    ways = [views.Choice(key=AUTO, title=say("Automático"), detail=say("El primero que haya"))]
    if sys.platform == "win32" or chosen == WINDOWS:
        ways.append(views.Choice(key=WINDOWS, title="Windows", detail=say("Servicio de ubicación")))
    urls = [port.url for port in ports]
    named = [views.Choice(key=port.url, title=port.url, detail=port.description) for port in ports]
    if chosen not in (AUTO, WINDOWS, NONE, *urls):
        named.append(views.Choice(key=chosen, title=chosen, detail=say("No está conectado")))
    off = views.Choice(key=NONE, title=say("Ninguno"), detail=say("Órdenes sin posición"))
    return views.Receivers(chosen=chosen, options=(*ways, *named, off))
