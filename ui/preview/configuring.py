"""The plan of the preview: ready, being written, waiting for permission, done."""

from __future__ import annotations

from ui.views import Change, ChangeState, Step

SERIAL = "1LGZ0072418836"


def _changes(done: int, writing: bool, permitted: bool = False) -> tuple[Change, ...]:
    items = (
        ("Reloj", "10:46:51", "10:42:31"),
        ("Periodo del perfil de carga", "30 min", "15 min"),
        ("Límite de potencia", "5,75 kW", "8,80 kW"),
        ("Calendario de tarifas pasivo", "BT-2024", "BT-2026-2"),
        ("Destino de avisos", "—", "SCZ-CD-0412"),
        ("Pantalla: orden de lecturas", "1.8.0 · 1.8.1", "1.8.0 · C.51.0"),
        ("Clave de cifrado", "Versión 1", "Versión 2"),
        ("Modo del relé", "0 · siempre unido", "4 · remoto y local"),
    )
    result: list[Change] = []
    for at, (item, now, will_be) in enumerate(items):
        danger = at >= 6
        state: ChangeState = "waiting"
        text = "En espera"
        if at < done:
            state, text = "verified", "Hecho y comprobado"
        elif at == done and writing:
            state, text = "writing", "Escribiendo…"
        elif danger and not permitted:
            state, text = "needs_permission", "Espera su permiso"
        result.append(
            Change(
                id=str(at), item=item, now=now, will_be=will_be, state=state, state_text=text, danger=danger
            )
        )
    return tuple(result)


PLAN_READY = Step(
    key="configure",
    number=12,
    kind="plan_apply",
    title="Configurar",
    program="Residencial prepago BT, versión 14",
    serial=SERIAL,
    changes=_changes(0, False),
    primary="Escribir 6 cambios",
    primary_icon="edit",
    value="apply",
)
PLAN_APPLYING = Step(
    key="configure",
    number=12,
    kind="plan_apply",
    title="Configurar",
    program="Residencial prepago BT, versión 14",
    serial=SERIAL,
    changes=_changes(3, True),
    progress=0.46,
    progress_text="Cambio 4 de 8",
    seconds_left=25,
    primary="Permitir los delicados",
    primary_icon="lock",
    ready=False,
    not_ready="disponible en 25 s",
    busy=True,
    cancel_title="Puede cancelar ahora.",
    cancel_detail="Tres cambios comprobados, los demás sin tocar.",
    value="allow",
)
PLAN_ASKING = Step(
    key="configure",
    number=12,
    kind="plan_apply",
    title="Configurar",
    program="Residencial prepago BT, versión 14",
    serial=SERIAL,
    changes=_changes(6, False),
    primary="Permitir los delicados",
    primary_icon="unlock",
    value="allow",
)
PLAN_DONE = Step(
    key="configure",
    number=12,
    kind="plan_apply",
    title="Configurar",
    program="Residencial prepago BT, versión 14",
    serial=SERIAL,
    changes=_changes(8, False),
    recording="offered",
    primary="Seguir",
)
