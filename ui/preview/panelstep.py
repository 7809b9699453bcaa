"""The photo of the whole panel as a step, as the preview shows it."""

from __future__ import annotations

import msgspec

from ui.views import Choice, Fact, Step

OPEN = Step(
    key="photo_slots",
    number=13,
    kind="panel_photo",
    title="Foto del panel",
    text="El panel entero de frente, con todos los rótulos",
    panel="C1-P02",
    ready=False,
    not_ready="",
)
COUNTED = msgspec.structs.replace(
    OPEN,
    value="taken",
    not_ready="o diga por qué se deja así",
    primary="Guardar la foto",
    primary_icon="check",
    tone="attention",
    verdict="21 de 24 en su sitio",
    facts=(
        Fact(label="Sin leer, posición", value="7 · 19", icon="attention", tone="attention"),
        Fact(label="Faltan", value="1LGZ0072418863", icon="attention", tone="attention"),
        Fact(label="No son de este panel", value="1LGZ0061120447", icon="attention", tone="wrong"),
    ),
    otherwise_title="Dejar así…",
    otherwise=(
        Choice(key="meters_later", title="Los medidores se montan después"),
        Choice(key="labels_unreadable", title="No se dejan leer", needs_note=True),
        Choice(key="otherwise_on_site", title="En el sitio es de otro modo", needs_note=True),
    ),
)
