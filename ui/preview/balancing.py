"""Balances of the preview, one on its way and one that does not close, and a summary that warns."""

from __future__ import annotations

from ui.views import Check, Choice, Fact, Slot, Step

_SERIALS = tuple(f"1LGZ004128{8840 + at}" for at in range(1, 23))
_REASONS = (
    Choice(key="no_access_to_meters", title="Sin acceso a los medidores", needs_note=True),
    Choice(key="does_not_close", title="No cuadra y no se encuentra la causa", needs_note=True),
)


def _tiles(read: int, silent: int = -1) -> tuple[Slot, ...]:
    macro = Slot(key="M", title="000900", detail="18.420 W", serial="1LGZ0071000900", state="ours")
    tiles = [macro]
    for at, serial in enumerate(_SERIALS):
        if at == silent:
            tiles.append(
                Slot(key=serial, title=serial[-6:], detail="no se lee", serial=serial, state="unread")
            )
        elif at < read:
            watts = f"{310 + at * 37 % 900} W"
            tiles.append(Slot(key=serial, title=serial[-6:], detail=watts, serial=serial, state="taken"))
        else:
            state = "expected" if at == read else "free"
            tiles.append(Slot(key=serial, title=serial[-6:], serial=serial, state=state))  # type: ignore[arg-type]  # one of two
    return tuple(tiles)


WALKING = Step(
    key="photo_after",
    number=17,
    kind="balance",
    title="Balance",
    tone="attention",
    verdict="Faltan 13 medidores",
    verdict_detail="Ponga la sonda en el 1LGZ0041288850.",
    facts=(Fact(label="Macromedidor", value="18.420 W"), Fact(label="Suma", value="6.204 W")),
    slots=_tiles(9, 4),
    value="power",
    otherwise_title="Seguir sin cuadrar…",
    otherwise=_REASONS,
    primary="Leer este medidor",
    primary_icon="probe",
)
OFF = Step(
    key="photo_after",
    number=17,
    kind="balance",
    title="Balance",
    tone="wrong",
    verdict="No cuadra: sobra energía",
    verdict_detail="−9,4 % de lo que entra.",
    facts=(
        Fact(label="Macromedidor", value="18.420 W"),
        Fact(label="Suma", value="20.152 W"),
        Fact(label="Diferencia", value="−1.732 W", detail="± 204 W"),
    ),
    hints=(
        "El 1LGZ0041288855 puede colgar de otro transformador o panel.",
        "La relación de los TI del macromedidor puede ser otra: 250/5 → 300/5 (× 1,2).",
    ),
    slots=(
        *_tiles(22),
        Slot(key="Z", title="004471", detail="640 W", serial="ZIV0010004471", state="foreign"),
    ),
    value="power",
    otherwise_title="Seguir sin cuadrar…",
    otherwise=_REASONS,
    primary="Leer este medidor",
    primary_icon="probe",
)
LEAVING = Step(
    key="summary",
    number=19,
    kind="summary",
    title="Resumen y salida",
    text="Todo está guardado en este equipo.",
    tone="wrong",
    verdict="No se vaya todavía",
    verdict_detail="Así casi siempre hay que volver.",
    choices=(
        Choice(
            key="place",
            title="Sus vecinos cuelgan de otro concentrador",
            detail="5 vecinos: SCZ-CD-0409; este: SCZ-CD-0412. Revise la ubicación.",
            tone="wrong",
            icon="attention",
        ),
        Choice(
            key="join",
            title="Unión a la red pendiente",
            detail="Suele verse en 15 minutos: pregunte otra vez antes de irse.",
            tone="attention",
            icon="attention",
        ),
        Choice(key="", title="Precinto roto", tone="attention", icon="attention"),
    ),
    facts=(
        Fact(label="Medidor retirado", value="1LGZ0041288736", detail="18 342,7 kWh", serial=True),
        Fact(label="Medidor nuevo", value="1LGZ0072418836", detail="0,0 kWh", serial=True),
    ),
    checks=(Check(key="clean", text="Sitio limpio, caja cerrada, suministro repuesto"),),
    primary="Terminar la orden",
    primary_icon="check",
)
