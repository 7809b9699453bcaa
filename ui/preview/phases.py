"""The list of steps on the left, for the preview: five phases of the meter exchange."""

from __future__ import annotations

from ui.views import Phase, StepState, StepTile

#: Phases and steps: (phase key, title, [(key, title, short, kind)]).
PLAN: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "arrival",
        "Llegada",
        (
            ("site", "Sitio y cliente", "Sitio"),
            ("hazards", "Peligros y protección", "Peligros"),
            ("photo_before", "Foto de antes", "Foto"),
            ("voltage", "Ausencia de tensión", "Tensión"),
        ),
    ),
    (
        "removed",
        "Medidor retirado",
        (
            ("scan_old", "Escanear el retirado", "Escanear"),
            ("read_old", "Última lectura óptica", "Óptica"),
            ("dial", "Lectura del dial", "Dial"),
            ("seals_found", "Precintos hallados", "Precintos"),
        ),
    ),
    (
        "new",
        "Medidor nuevo",
        (
            ("scan_new", "Escanear etiqueta", "Escanear"),
            ("read_new", "Leer por puerto óptico", "Óptica"),
            ("match", "Coincidencia", "Coincide"),
            ("configure", "Configurar", "Configurar"),
        ),
    ),
    (
        "proof",
        "Prueba y ubicación",
        (
            ("relay", "Prueba del relé", "Relé"),
            ("seals", "Precintos puestos", "Precintos"),
            ("place", "Ubicación en la red", "Ubicación"),
            ("join", "Unión a la red", "Unión"),
        ),
    ),
    (
        "closing",
        "Cierre",
        (
            ("photo_after", "Foto de después", "Foto"),
            ("signature", "Aviso y firma", "Firma"),
            ("summary", "Resumen y salida", "Resumen"),
        ),
    ),
)

DETAILS = {
    "scan_new": "Hecho 10:41:52",
    "read_new": "Hecho 10:42:03",
    "match": "Coincide 10:42:07",
}
ORDER_OF_STEPS = [step[0] for phase in PLAN for step in phase[2]]


def phases(
    current: str, state: StepState = "current", detail: str = "", next_detail: str = "", named: str = ""
) -> tuple[Phase, ...]:
    """The list on the left when `current` is open; `named`: what stands in the place of that step."""
    at = ORDER_OF_STEPS.index(current)
    result: list[Phase] = []
    number = 0
    for key, title, steps in PLAN:
        tiles: list[StepTile] = []
        for step_key, step_title, short in steps:
            number += 1
            place = number - 1
            tile_state: StepState = "done" if place < at else state if place == at else "open"
            text = (
                DETAILS.get(step_key, f"Hecho 10:{20 + number:02d}:{number * 7 % 60:02d}")
                if place < at
                else "En espera"
            )
            if named and place == at:
                step_title = short = named
            text = detail if place == at else next_detail if place == at + 1 and next_detail else text
            tiles.append(
                StepTile(
                    key=step_key, number=number, title=step_title, short=short, detail=text, state=tile_state
                )
            )
        done = sum(tile.state == "done" for tile in tiles)
        is_current = any(tile.key == current for tile in tiles)
        phase_state = "current" if is_current else "done" if done == len(tiles) else "open"
        result.append(
            Phase(key=key, title=title, done=done, total=len(tiles), state=phase_state, steps=tuple(tiles))  # type: ignore[arg-type]  # one of the three by construction
        )
    return tuple(result)
