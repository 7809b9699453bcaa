"""The exchange procedure of the preview: every kind of page once, with the longest words that occur."""

from __future__ import annotations

from typing import Any

from ui.preview import configuring
from ui.views import Check, Choice, Code, Fact, MatchRow, SealRow, Select, Slot, Step

EXPECTED = "1LGZ0072418836"
SWAPPED = "1LGZ0072418863"


def match_rows(label: str) -> tuple[MatchRow, ...]:
    """The four sources, with `label` on the meter and in the stock list."""
    marks = "".join("x" if a != b else "." for a, b in zip(EXPECTED, label, strict=True))
    equal = label == EXPECTED
    framed = marks.replace("x", "f")

    def row(source: str, title: str, detail: str, verdict: str) -> MatchRow:
        return MatchRow(
            source=source,  # type: ignore[arg-type]  # literal at every call below
            title=title,
            detail=detail,
            serial=label,
            marks="" if equal else marks,
            verdict="Igual" if equal else verdict,
            tone="good" if equal else "wrong",
            icon="good" if equal else "wrong",
        )

    return (
        MatchRow(
            source="order",
            title="Orden",
            detail="Pedido por la oficina",
            serial=EXPECTED,
            marks="" if equal else framed,
            verdict="Igual" if equal else "Se espera",
            tone="good" if equal else "",
            icon="good" if equal else "flag",
        ),
        row("label", "Etiqueta", "Escaneada 10:41:52", "Distinto"),
        row("optical", "Puerto óptico", "Leído 10:42:03", "Distinto"),
        row("stock", "Existencias", "En este camión", "De otra orden"),
    )


MATCH_WRONG = Step(
    key="match",
    number=11,
    kind="match",
    title="Coincidencia",
    tone="wrong",
    verdict="No coincide",
    verdict_detail="Tiene delante otro medidor.\nNo se puede seguir con él.",
    match=match_rows(SWAPPED),
    cause_title="Cambiado con la orden SCZ-118207",
    cause_order="SCZ-118207",
    cause_order_id="SCZ-118207",
    cause_detail="Es el de P3, posición 14. El suyo, el 8836, está en este camión.",
    primary="Montar el 8836 y escanear",
    primary_icon="scan",
    otherwise_title="Pedir excepción…",
    otherwise_action="override",
    otherwise_pin=True,
    otherwise_people=(Choice(key="p2", title="José Antonio Fernández de la Cruz"),),
    otherwise=(
        Choice(
            key="order_wrong", title="La orden está mal", detail="La oficina lo confirmó", needs_note=True
        ),
        Choice(
            key="label_wrong", title="La etiqueta está mal", detail="El puerto óptico manda", needs_photo=True
        ),
    ),
)
MATCH_RIGHT = Step(
    key="match",
    number=11,
    kind="match",
    title="Coincidencia",
    tone="good",
    verdict="Coincide",
    verdict_detail="Las cuatro fuentes nombran\nel mismo medidor.",
    match=match_rows(EXPECTED),
    primary="Configurar medidor",
    facts=(
        Fact(label="Modelo", value="E-220 monofásico", detail="5 (80) A · PLC-IoT"),
        Fact(label="Firmware", value="3.12.07", detail="En la lista permitida"),
        Fact(label="MAC del módem", value="02:4C:47:A8:1C:64", detail="Según etiqueta y puerto"),
    ),
)


POSITION: dict[str, Any] = {
    "position_state": "good",
    "position_text": "Posición tomada",
    "position_detail": "±4 m · 11 satélites · 10:42:07",
}
SEARCHING: dict[str, Any] = {
    "position_state": "searching",
    "position_text": "Buscando posición…",
    "position_detail": "3 satélites a la vista",
}
NO_POSITION: dict[str, Any] = {
    "position_state": "none",
    "position_text": "Sin posición",
    "position_detail": "sin señal de satélites",
}
DOUBTFUL: dict[str, Any] = {
    "position_state": "attention",
    "position_text": "Posición dudosa: lejos del suministro",
    "position_detail": "±6 m · 9 satélites · 10:42:07 · a 1,3 km de la orden",
}

STEPS: dict[str, Step] = {
    "site": Step(
        key="site",
        number=1,
        kind="confirm",
        title="Sitio y cliente",
        text="¿Está en el lugar de la orden y habló con alguien de la casa?",
        facts=(
            Fact(
                label="Dirección",
                value="Macororó VIII, bloque C, piso 3, panel P3, posición 11",
                icon="place",
            ),
            Fact(label="Suministro", value="118 220 47", icon="orders"),
            Fact(label="Quién vive ahí", value="Sra. Vaca", icon="person"),
        ),
        **POSITION,
        primary="Sí, estoy aquí",
        primary_icon="check",
    ),
    "hazards": Step(
        key="hazards",
        number=2,
        kind="choose",
        title="Peligros y protección",
        text="¿Cómo está el lugar para trabajar?",
        choices=(
            Choice(
                key="safe", title="Seguro", detail="Casco, guantes y careta puestos", icon="safe", tone="good"
            ),
            Choice(key="wet", title="Mojado, con medidas", detail="Alfombra aislante puesta", icon="water"),
            Choice(
                key="backfeed",
                title="Hay generador o paneles",
                detail="Desconectar antes de seguir",
                icon="energy",
                tone="attention",
            ),
            Choice(
                key="unsafe",
                title="Inseguro: no se trabaja",
                detail="La orden termina como insegura",
                icon="danger",
                tone="wrong",
            ),
        ),
        primary="Seguir",
    ),
    "photo_before": Step(
        key="photo_before",
        number=3,
        kind="photo",
        title="Foto de antes",
        live=True,
        text="Que se vean el medidor entero, los precintos y los cables de entrada.",
        hints=("Medidor entero", "Precintos", "Cables de entrada"),
        **POSITION,
        primary="Tomar la foto",
        primary_icon="camera",
        picture="preview:panel",
    ),
    "voltage": Step(
        key="voltage",
        number=4,
        kind="confirm",
        title="Ausencia de tensión",
        tone="attention",
        text="Probador en un punto con tensión, en los bornes del medidor, otra vez en el punto con tensión.",
        checks=(
            Check(key="live", text="Con tensión: marca"),
            Check(key="dead", text="En los bornes: no marca"),
            Check(key="live_again", text="Con tensión otra vez: marca"),
        ),
        safety=True,
        otherwise_title="No se cumple…",
        otherwise=(
            Choice(key="dead", title="Los bornes tienen tensión", detail="La orden termina como insegura"),
        ),
        primary="Sin tensión, comprobado",
        primary_icon="check",
    ),
    "scan_old": Step(
        key="scan_old",
        number=5,
        kind="scan",
        title="Escanear el retirado",
        live=True,
        text="Acerque la etiqueta del medidor que se retira.",
        primary="Escanear",
        primary_icon="scan",
        picture="preview:panel",
        codes=(
            Code(frame=(0.33, 0.42, 0.34, 0.16), state="read", text="1LGZ0041288736"),
            Code(frame=(0.33, 0.64, 0.2, 0.1), state="foreign", text="7501234567890"),
        ),
    ),
    "read_old": Step(
        key="read_old",
        number=6,
        kind="meter_read",
        title="Última lectura óptica",
        recording="attached",
        text="Ponga la sonda en el medidor que se retira.",
        serial="1LGZ0041288736",
        facts=(
            Fact(
                label="Energía activa",
                value="18 342,7 kWh",
                detail="1.8.0 · dos lecturas iguales",
                tone="good",
            ),
            Fact(label="Tarifa 1", value="11 020,4 kWh", detail="1.8.1"),
            Fact(label="Tarifa 2", value="7 322,3 kWh", detail="1.8.2"),
            Fact(label="Reloj", value="+4 min 20 s", detail="Contra este equipo", tone="attention"),
        ),
        primary="Seguir",
    ),
    "dial": Step(
        key="dial",
        number=7,
        kind="number",
        title="Lectura del dial",
        text="Lo que marca el medidor que se retira.",
        value="18342",
        unit="kWh",
        decimals=1,
        digits=7,
        range_low="18 204",
        range_high="18 540",
        last_value="18 204 kWh",
        last_time="2 de noviembre",
        reasons=(
            Choice(key="register_rolled", title="El registro dio la vuelta"),
            Choice(key="usage_changed", title="El consumo cambió"),
            Choice(key="display_defective", title="La pantalla falla"),
        ),
        otherwise_title="No se puede leer…",
        otherwise=(
            Choice(key="dead", title="La pantalla está apagada", needs_photo=True),
            Choice(key="burnt", title="Medidor quemado", needs_photo=True),
        ),
        primary="Guardar lectura",
        primary_icon="check",
    ),
    "seals_found": Step(
        key="seals_found",
        number=8,
        kind="seals",
        title="Precintos hallados",
        text="Cada precinto que tenía el medidor.",
        seals=(
            SealRow(key="cover", place="Tapa principal", number="A 4471 902", state="Intacto", tone="good"),
            SealRow(key="terminal", place="Tapa de bornes", number="", state="Falta número"),
        ),
        primary="Seguir",
        ready=False,
        not_ready="falta la tapa de bornes",
    ),
    "scan_new": Step(
        key="scan_new",
        number=9,
        kind="scan",
        title="Escanear etiqueta",
        live=True,
        text="Acerque la etiqueta del medidor nuevo.",
        primary="Escanear",
        primary_icon="scan",
        picture="preview:panel",
    ),
    "read_new": Step(
        key="read_new",
        number=10,
        kind="meter_read",
        title="Leer por puerto óptico",
        serial=EXPECTED,
        busy=True,
        text="Ponga la sonda en el medidor nuevo.",
        progress=0.6,
        progress_text="Leyendo registros",
        seconds_left=4,
        primary="Seguir",
        ready=False,
        not_ready="disponible en 4 s",
        cancel_title="Puede cancelar ahora.",
        cancel_detail="Leer no cambia nada en el medidor.",
    ),
    "match": MATCH_WRONG,
    "configure": configuring.PLAN_APPLYING,
    "relay": Step(
        key="relay",
        number=13,
        kind="relay",
        title="Prueba del relé",
        serial=EXPECTED,
        tone="attention",
        text="La casa se queda sin luz unos segundos. Avise antes.",
        relay_state="sin probar",
        recording="attached",
        primary="Seguir",
        ready=False,
        not_ready="tras abrir y cerrar",
    ),
    "seals": Step(
        key="seals",
        number=14,
        kind="seals",
        title="Precintos puestos",
        text="Los que quedan en el medidor nuevo.",
        seals=(
            SealRow(key="cover", place="Tapa principal", number="B 5520 117", state="Puesto", tone="good"),
            SealRow(key="terminal", place="Tapa de bornes", number="B 5520 118", state="Puesto", tone="good"),
            SealRow(
                key="module", place="Módulo de comunicación", number="B 5520 119", state="Puesto", tone="good"
            ),
        ),
        primary="Seguir",
    ),
    "place": Step(
        key="place",
        number=15,
        kind="place",
        title="Ubicación en la red",
        text="Toque la posición si no es la 11.",
        place=("SED Equipetrol", "TR-0412", "SCZ-CD-0412", "Panel P3"),
        selects=(
            Select(
                key="concentrator",
                label="Concentrador",
                value="c1",
                options=(Choice(key="c1", title="SCZ-CD-0412"),),
            ),
            Select(key="panel", label="Panel", value="p3", options=(Choice(key="p3", title="P3, piso 3"),)),
            Select(
                key="phase",
                label="Fase",
                value="S",
                options=tuple(Choice(key=one, title=one) for one in "RST"),
            ),
        ),
        choices=(
            Choice(key="c1", title="SCZ-CD-0412", detail="61 de 80 · 40 m · según la orden", role="here"),
            Choice(key="c2", title="SCZ-CD-0409", detail="78 de 80 · 210 m", role="recent", tone="attention"),
            Choice(key="c3", title="SCZ-CD-0415", detail="80 de 80 · 350 m", role="near", tone="wrong"),
            Choice(key="c4", title="SCZ-CD-0420", detail="12 de 80 · 610 m", role="near"),
        ),
        columns=6,
        value="11",
        slots=tuple(
            Slot(
                key=f"{at:02d}",
                title=f"{at:02d}",
                detail="8836" if at == 11 else "" if at in (17, 22) else f"{8840 + at}",
                serial="1LGZ0072418836" if at == 11 else "" if at in (17, 22) else f"1LGZ004128{8840 + at}",
                state="expected" if at == 11 else "free" if at in (17, 22) else "taken",
            )
            for at in range(1, 25)
        ),
        **POSITION,
        primary="Guardar en posición 11",
        primary_icon="place",
    ),
    "join": Step(
        key="join",
        number=16,
        kind="join",
        title="Unión a la red",
        tone="good",
        verdict="Unido",
        verdict_detail="Cuelga del concentrador esperado.",
        facts=(
            Fact(label="Nodo base (SNA)", value="40:40:22:1A:0C:77", detail="El esperado", tone="good"),
            Fact(label="Nivel", value="2", detail="Terminal desde las 10:51"),
            Fact(label="SNR", value="14 dB, buena", detail="3 conmutadores a la vista"),
        ),
        recording="offered",
        primary="Seguir",
    ),
    "photo_after": Step(
        key="photo_after",
        number=17,
        kind="photo",
        title="Foto de después",
        picture="preview:panel",
        value="taken",
        text="¿Se ven el medidor nuevo y los precintos?",
        hints=("Medidor nuevo", "Precintos puestos"),
        primary="Guardar la foto",
        primary_icon="check",
    ),
    "signature": Step(
        key="signature",
        number=18,
        kind="signature",
        title="Aviso y firma",
        signer="Sra. Vaca",
        text="Se cambió el medidor 1LGZ 0041 2887 36 por el 1LGZ 0072 4188 36. Sin luz 14 minutos.",
        primary="Guardar firma",
        primary_icon="check",
        choices=(
            Choice(key="signed", title="Firma", icon="sign"),
            Choice(key="refused", title="No quiere firmar", icon="notDone"),
            Choice(key="absent", title="Ausente", icon="person"),
        ),
    ),
    "summary": Step(
        key="summary",
        number=19,
        kind="summary",
        title="Resumen y salida",
        text="Todo está guardado en este equipo.",
        facts=(
            Fact(label="Medidor retirado", value="1LGZ0041288736", detail="18 342,7 kWh", serial=True),
            Fact(label="Medidor nuevo", value=EXPECTED, detail="0,0 kWh", serial=True),
            Fact(
                label="Configuración",
                value="8 cambios",
                detail="Residencial prepago BT, versión 14",
                tone="good",
            ),
            Fact(label="Red", value="Unido", detail="SCZ-CD-0412", tone="good"),
            Fact(label="Sin luz", value="14 min", detail="10:28 a 10:42"),
            Fact(label="Fotos", value="4", detail="11 MB"),
        ),
        checks=(Check(key="clean", text="Sitio limpio, caja cerrada, suministro repuesto"),),
        primary="Terminar la orden",
        primary_icon="check",
    ),
    "value": Step(
        key="sim_address",
        number=9,
        kind="value",
        title="Dirección IP de la SIM",
        text="La dirección fija que asignó la operadora. Nadie más puede tenerla.",
        primary="Seguir",
        facts=(Fact(label="Según la orden", value="10.40.12.7"),),
        reasons=(
            Choice(key="sim_changed", title="Se puso otra SIM"),
            Choice(key="office_data_wrong", title="La orden está mal"),
        ),
    ),
    "ct_plate": Step(
        key="ct_plate",
        number=12,
        kind="value",
        title="Relación según la placa",
        text="Primario/secundario, como 200/5. Léala de la placa de los TI.",
        primary="Seguir",
        value="300/5",
        facts=(Fact(label="Según la orden", value="200/5"),),
        reasons=(
            Choice(key="set_by_program", title="El medidor se configura después", needs_note=True),
            Choice(key="cts_changed", title="Se pusieron otros TI", needs_photo=True),
            Choice(key="office_data_wrong", title="La orden está mal", needs_note=True),
        ),
    ),
    "custody": Step(
        key="custody",
        number=27,
        kind="signature",
        title="Quien recibe la bolsa",
        text="La primera mano de la cadena de custodia.",
        role="Custodia del medidor retirado",
        optional=True,
        choices=(
            Choice(key="signed", title="Firma el recibo"),
            Choice(key="crew", title="Queda en la camioneta, bajo llave"),
        ),
        primary="Guardar firma",
        primary_icon="check",
    ),
    "note": Step(
        key="photo_after",
        number=17,
        kind="text",
        title="Observaciones",
        text="Qué debe saber la próxima cuadrilla.",
        primary="Seguir",
        hints=("Llave en portería", "Perro", "Tapa dañada"),
    ),
}
