"""What an earlier visit left at the site, as the first page of the visit that goes on from there."""

from __future__ import annotations

from datetime import UTC, datetime

from fieldtool.procedure import views as v
from ui import views
from ui.wiring.formats import Formats

STEP = "standing"
"""Key of the page among the steps; no step is called so."""


def standing_step(run: v.RunView, standing: v.StandingView, formats: Formats) -> views.Step:
    """The page: what stands, what stays done, what is to be done."""
    when = formats.when(standing.at, datetime.now(UTC))
    return views.Step(
        key=f"{run.order_id}/{STEP}",
        number=0,
        kind="standing",
        title=formats.say("Esto ya está hecho aquí"),
        text=formats.say("La visita de {when} quedó a medias. Compare con lo que ve.", when=when)
        if standing.end is not v.RunEnd.COMPLETED
        else formats.say("La visita de {when} vuelve por decisión de la oficina.", when=when),
        can_back=False,
        primary=formats.say("Seguir desde aquí"),
        facts=_facts(standing, formats),
        choices=_steps(standing, formats),
    )


def _facts(standing: v.StandingView, formats: Formats) -> tuple[views.Fact, ...]:
    facts = []
    if standing.removed is not None:
        place = standing.destination
        facts.append(
            views.Fact(
                label=formats.say("Medidor viejo, retirado"),
                value=standing.removed,
                serial=True,
                icon="remove",
                detail=formats.word_or(f"destination.{place}", place) if place else "",
            )
        )
    new = standing.placed or standing.found
    if new is not None:
        where = " · ".join(standing.place)
        open_place = formats.say("Montado, todavía sin ubicar")
        facts.append(
            views.Fact(
                label=formats.say("Medidor nuevo, en el sitio"),
                value=new,
                serial=True,
                icon="meter",
                detail=where if standing.placed else open_place,
                tone="" if standing.placed else "attention",
            )
        )
    if standing.left_off:
        facts.append(
            views.Fact(
                label=formats.say("Suministro"),
                value=formats.say("Cortado"),
                icon="attention",
                tone="wrong",
                detail=formats.say("El relé quedó abierto"),
            )
        )
    return tuple(facts)


def _steps(standing: v.StandingView, formats: Formats) -> tuple[views.Choice, ...]:
    """Rows: what stays done, what another day asks again, what is left."""
    rows = [
        views.Choice(
            key="done",
            title=formats.say("Hecho y sigue valiendo: {count} pasos", count=str(standing.done)),
            icon="good",
            tone="good",
        )
    ]
    if standing.again:
        rows.append(
            views.Choice(
                key="again",
                title=formats.say("Otra vez, porque es otra visita"),
                detail=" · ".join(standing.again),
                icon="retry",
            )
        )
    if standing.to_do:
        rows.append(
            views.Choice(
                key="to_do",
                title=formats.say("Falta"),
                detail=" · ".join(standing.to_do),
                icon="waiting",
            )
        )
    return tuple(rows)
