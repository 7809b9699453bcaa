"""The first page of a visit that goes on from another, as the preview shows it."""

from __future__ import annotations

from ui.views import Choice, Fact, Step

STANDING = Step(
    key="standing",
    number=0,
    kind="standing",
    title="Esto ya está hecho aquí",
    text="La visita de ayer 16:48 quedó a medias. Compare con lo que ve.",
    can_back=False,
    primary="Seguir desde aquí",
    facts=(
        Fact(
            label="Medidor viejo, retirado",
            value="1LGZ0061120447",
            serial=True,
            icon="remove",
            detail="Almacén",
        ),
        Fact(
            label="Medidor nuevo, en el sitio",
            value="1LGZ0072418836",
            serial=True,
            icon="meter",
            detail="Montado, todavía sin ubicar",
            tone="attention",
        ),
    ),
    choices=(
        Choice(key="done", title="Hecho y sigue valiendo: 11 pasos", icon="good", tone="good"),
        Choice(
            key="again",
            title="Otra vez, porque es otra visita",
            detail="Sitio y cliente · Riesgos y protección · Tensión y base · Aislar y comprobar",
            icon="retry",
        ),
        Choice(
            key="to_do",
            title="Falta",
            detail="Antes de dar carga · Probar el relé · Precintos puestos · Ubicación · Unión a la red"
            " · Foto después · Aviso y firma · Revisar y terminar",
            icon="waiting",
        ),
    ),
)
