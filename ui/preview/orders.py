"""Orders, people and status of the preview."""

from __future__ import annotations

from ui.views import Choice, Fact, HistoryRow, OrderRow, OrderView, PersonTile, Section, Status

PEOPLE = (
    PersonTile(id="p1", name="María Quispe Huamán", role="Técnica · Cuadrilla SCZ-07"),
    PersonTile(id="p2", name="José Antonio Fernández de la Cruz", role="Jefe de cuadrilla · SCZ-07"),
    PersonTile(id="p3", name="Luis Rojas", role="Técnico · Cuadrilla SCZ-07", locked_seconds=45),
    PersonTile(id="p4", name="Ana Suárez Vaca", role="Supervisora"),
)

STATUS = Status(
    project="CRE · Santa Cruz",
    crew="Cuadrilla SCZ-07",
    waiting=12,
    last="07:40",
    today="martes 24 de noviembre · 3 hechas de 7",
    probe="connected",
)

ROWS = (
    OrderRow(
        id="SCZ-118204",
        section="today",
        address="Macororó VIII, bloque C, piso 3, panel P3, posición 11",
        supply="118 220 47",
        task="Cambio de medidor",
        kind="exchange",
        distance="Aquí",
        step=11,
        unsent=True,
        serials="1LGZ0072418836 1LGZ0041288736",
    ),
    OrderRow(
        id="SCZ-118207",
        section="today",
        address="Macororó VIII, bloque C, piso 3, panel P3, posición 14",
        supply="118 220 52",
        task="Cambio de medidor",
        kind="exchange",
        distance="Aquí",
        due="Queda 1 h 10 min",
        sla_tone="attention",
        serials="1LGZ0072418863",
    ),
    OrderRow(
        id="SCZ-118211",
        section="today",
        address="Macororó VIII, bloque D, piso 1, cuarto de medidores",
        supply="118 221 03",
        task="Instalación de panel de 24 posiciones",
        kind="installPanel",
        distance="60 m",
        due="hasta las 16:00",
    ),
    OrderRow(
        id="PUC-044218",
        section="today",
        address="Jr. Coronel Portillo 482, Callería, Pucallpa",
        supply="7 044 218",
        task="Reconexión",
        kind="reconnect",
        distance="1,2 km",
        due="hasta las 18:00",
        unsent=True,
    ),
    OrderRow(
        id="PUC-051966",
        section="late",
        address="Asentamiento Humano Víctor Manuel Maldonado Begazo, manzana 14, lote 7, "
        "segunda etapa, Yarinacocha",
        supply="7 051 966",
        task="Cambio de medidor",
        kind="exchange",
        distance="4,8 km",
        extra="2 visitas sin acceso",
        due="Vencida 2 días",
        sla_tone="wrong",
        sla_filled=True,
    ),
    OrderRow(
        id="PUC-046301",
        section="late",
        address="Av. Centenario km 4,600, Callería, Pucallpa",
        supply="7 046 301",
        task="Revisión",
        kind="inspect",
        distance="6,3 km",
        due="Vencida ayer",
        sla_tone="wrong",
        sla_filled=True,
    ),
    OrderRow(
        id="SCZ-118301",
        section="rest",
        address="Condominio Sevilla Los Jardines, torre 2, piso 5",
        supply="118 224 10",
        task="Cambio de medidor",
        kind="exchange",
        distance="2,1 km",
        due="jueves 26",
    ),
)

ORDER = OrderView(
    id="SCZ-118204",
    number="SCZ-118204",
    address="Macororó VIII, bloque C, piso 3, panel P3, posición 11",
    task="Cambio de medidor",
    kind="exchange",
    facts=(
        Fact(label="Qué se hace", value="Cambio de medidor", detail="Monofásico, prepago", icon="exchange"),
        Fact(label="Hasta cuándo", value="Hoy, 16:00", detail="Quedan 5 h 18 min", icon="clock"),
        Fact(label="Quién vive ahí", value="Sra. Vaca", detail="Suministro 118 220 47", icon="person"),
    ),
    old_device=Fact(
        label="Se retira",
        value="1LGZ0041288736",
        detail="E-110 · última lectura 18 204 kWh el 2 de nov",
        serial=True,
    ),
    new_device=Fact(
        label="Se instala", value="1LGZ0072418836", detail="E-220 monofásico · en este camión", serial=True
    ),
    place=("SED Equipetrol", "Alimentador 4", "TR-0412", "SCZ-CD-0412", "Panel P3", "Posición 11"),
    notes="Llave del cuarto de medidores en portería. Preguntar por don Walter. El ascensor no sube al 3.",
    warnings=("Persona con equipo médico: no cortar sin consentimiento escrito.",),
    recordings=2,
    history=(
        HistoryRow(time="hoy 10:42", text="Coincidencia", detail="María Quispe", tone="good"),
        HistoryRow(
            time="20 nov", text="No ejecutada: sin acceso", detail="Cuadrilla SCZ-03", tone="attention"
        ),
        HistoryRow(time="12 nov", text="Orden emitida", detail="Oficina CRE"),
    ),
    step=11,
    status="started",
)

REASONS = (
    Choice(
        key="no_access", title="Sin acceso", detail="Nadie abre, reja cerrada", icon="lock", needs_photo=True
    ),
    Choice(
        key="not_found",
        title="No se encuentra",
        detail="La dirección o el suministro",
        icon="place",
        needs_note=True,
    ),
    Choice(
        key="refusal", title="El cliente no permite", detail="Negativa expresa", icon="hand", needs_note=True
    ),
    Choice(
        key="unsafe",
        title="Instalación insegura",
        detail="Peligro al trabajar",
        icon="danger",
        needs_photo=True,
    ),
    Choice(
        key="obstruction",
        title="Obstáculo o animales",
        detail="No se puede llegar",
        icon="notDone",
        needs_photo=True,
    ),
    Choice(
        key="wrong_meter",
        title="El medidor no es el de la orden",
        detail="Serie distinta",
        icon="unknown",
        needs_photo=True,
    ),
    Choice(key="no_stock", title="Falta material", detail="Medidor, precintos, tapa", icon="truck"),
    Choice(key="weather", title="Clima", detail="Lluvia, tormenta", icon="water"),
)


def many_orders(count: int) -> tuple[OrderRow, ...]:
    """`count` orders for the list's benchmark: one in twenty today, one in fifty late."""
    rows: list[OrderRow] = []
    streets = (
        "Av. Cristo Redentor",
        "Calle Los Tajibos",
        "Jr. Coronel Portillo",
        "Asentamiento Humano San Martín",
    )
    for at in range(count):
        section: Section = (
            "today" if at < count // 20 else "late" if at < count // 20 + count // 50 else "rest"
        )
        rows.append(
            OrderRow(
                id=f"SCZ-{at:06d}",
                section=section,
                address=f"{streets[at % 4]} {at * 7 % 9000}, manzana {at % 90}, lote {at % 37}",
                supply=f"{at // 1000:03d} {at % 1000:03d} {at % 97:02d}",
                task="Cambio de medidor",
                kind="exchange",
                distance=f"{at % 40},{at % 10} km",
                due="hasta las 18:00",
                serials=f"1LGZ{at * 7919 % 10**10:010d}",
            )
        )
    return tuple(rows)
