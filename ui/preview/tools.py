"""Meter and sync state of the preview."""

from __future__ import annotations

import math

import msgspec

from ui.views import (
    Choice,
    Event,
    Fact,
    Meter,
    Network,
    Notice,
    Reading,
    Receivers,
    Reference,
    Select,
    Stock,
    StockDone,
    StockRow,
    Sync,
    SyncEntry,
    Vector,
)


def _profile() -> tuple[float | None, ...]:
    """One day in kW every quarter of an hour, with a gap of an hour."""
    values: list[float | None] = []
    for at in range(96):
        hour = at / 4
        level = 4.6 + 0.9 * math.sin(at * 1.7)
        level += 7.5 * math.exp(-((hour - 7.4) ** 2) / 2.2)
        level += 15.0 * math.exp(-((hour - 13.1) ** 2) / 2.6)
        level += 24.0 * math.exp(-((hour - 20.2) ** 2) / 3.4)
        values.append(None if 61 <= at < 65 else round(level, 2))
    return tuple(values)


METER = Meter(
    state="read",
    serial="ZIV0041288736",
    detail="Trifásico, 3×230/400 V, TI 200/5 A · firmware 5.4.2 · reloj +4 s",
    time="10:44:12",
    phases=("L1", "L2", "L3"),
    readings=(
        Reading(label="Tensión, V", values=("231,4", "229,8", "232,1")),
        Reading(label="Corriente, A", values=("42,6", "38,9", "44,1")),
        Reading(label="cos φ", values=("0,94", "−0,93", "0,95"), wrong=(1,)),
        Reading(label="Potencia, kW", values=("9,27", "−8,29", "9,68"), wrong=(1,)),
    ),
    rotation="Giro L1-L2-L3, correcto",
    rotation_tone="good",
    vectors=(
        Vector(name="U1", kind="voltage", angle=0, length=1.0),
        Vector(name="U2", kind="voltage", angle=120, length=1.0),
        Vector(name="U3", kind="voltage", angle=240, length=1.0),
        Vector(name="I1", kind="current", angle=20, length=0.74),
        Vector(name="I2", kind="current", angle=322, length=0.7, wrong=True, expected=142),
        Vector(name="I3", kind="current", angle=259, length=0.78),
    ),
    verdict="Transformador de corriente de L2 invertido",
    verdict_detail="Cambie S1 y S2 en L2 y vuelva a leer. Mide 10,66 kW; deberían ser 27,24 kW.",
    verdict_tone="wrong",
    network=Network(
        title="Red PRIME",
        verdict="Unido",
        tone="good",
        detail="Terminal desde las 10:31",
        node_label="Nodo base (SNA)",
        node="40:40:22:1A:0C:77",
        node_verdict="El esperado",
        node_tone="good",
        facts=(
            Fact(label="Nivel", value="2"),
            Fact(label="SNR", value="14 dB, buena"),
            Fact(label="Conmutadores", value="3 a la vista"),
        ),
    ),
    profile_title="kW, lunes 23 de noviembre",
    profile_missing="Faltan 4 de 96 intervalos",
    profile_peak="29,6 kW",
    profile_peak_time="20:00",
    profile=_profile(),
    registers=(
        Fact(label="Energía activa importada", value="18 342,7 kWh", detail="1.8.0"),
        Fact(label="Tarifa 1", value="11 020,4 kWh", detail="1.8.1"),
        Fact(label="Tarifa 2", value="7 322,3 kWh", detail="1.8.2"),
        Fact(label="Energía activa exportada", value="0,0 kWh", detail="2.8.0"),
    ),
    events=(
        Event(time="24/11 10:31:07", text="Se une a la red PRIME", tone="good"),
        Event(time="24/11 10:28:40", text="Vuelve la tensión"),
        Event(time="24/11 10:14:02", text="Falta de tensión en las tres fases", tone="attention"),
        Event(time="24/11 10:13:55", text="Tapa de bornes abierta", tone="wrong"),
        Event(time="23/11 16:20:00", text="Reloj ajustado 4 s"),
        Event(time="23/11 15:15:00", text="Perfil de carga: faltan cuatro intervalos", tone="attention"),
    ),
    port="COM4 · sonda óptica USB",
)

SYNC = Sync(
    waiting=12,
    summary="Sin conexión. Último envío hoy a las 07:40. Nada se pierde: todo queda en este equipo.",
    since="08:05",
    answered_today=31,
    entries=(
        SyncEntry(
            id="1",
            icon="seal",
            title="Precintos",
            detail="P3, posición 09 · ayer 17:22",
            verdict="No aceptado",
            verdict_detail="Falta la foto del precinto 2",
            verdict_icon="wrong",
            tone="wrong",
            section="answer",
            more=True,
        ),
        SyncEntry(
            id="2",
            icon="match",
            title="Coincidencia",
            detail="P3, posición 11 · 10:42",
            verdict="Guardado en este equipo",
            verdict_detail="Sale con la próxima conexión",
            verdict_icon="saved",
        ),
        SyncEntry(
            id="3",
            icon="records",
            title="11 registros más",
            detail="Lecturas, precintos y ubicaciones",
            verdict="Guardados en este equipo",
            verdict_detail="Salen con la próxima conexión",
            verdict_icon="saved",
        ),
        SyncEntry(
            id="4",
            icon="record",
            title="Acta de cambio",
            detail="P3, posición 08 · ayer 16:58",
            verdict="En revisión",
            verdict_detail="Orden cancelada; decide supervisor",
            verdict_icon="review",
            tone="attention",
            section="answered",
            more=True,
        ),
        SyncEntry(
            id="5",
            icon="place",
            title="Ubicación",
            detail="P3, posición 08 · ayer 16:51",
            verdict="Recibido",
            verdict_detail="07:40",
            verdict_icon="good",
            tone="good",
            section="answered",
        ),
    ),
    photos_waiting=38,
    photos_text="92 MB por enviar, solo con wifi.\nVan aparte: no frenan los registros.",
    photos_confirmed=61,
    photos_total=99,
    bundle_text="Copia cifrada de 12 registros y 38 fotos.\nEn este equipo no se borra nada.",
    data_month="Datos de noviembre",
    data_used="214 MB",
    data_limit="1 GB",
    data_share=0.21,
    data_parts=(
        Fact(label="Registros y órdenes", value="9 MB"),
        Fact(label="Red, listas y procedimientos", value="21 MB"),
        Fact(label="Fotos y documentos", value="184 MB"),
    ),
    choices=(
        Select(
            key="photos",
            label="Enviar fotos",
            value="free",
            options=(
                Choice(key="always", title="Con cualquier red"),
                Choice(key="free", title="Solo sin costo (wifi)"),
            ),
        ),
        Select(
            key="line",
            label="Red actual",
            value="auto",
            options=(
                Choice(key="auto", title="Según el equipo"),
                Choice(key="metered", title="Cuesta por datos"),
                Choice(key="free", title="No cuesta"),
            ),
        ),
        Select(
            key="cap",
            label="Límite del mes",
            value="1000",
            options=(Choice(key="", title="Sin límite"), Choice(key="1000", title="1 GB")),
        ),
    ),
    photos_now=True,
)
SYNC_RUNNING = msgspec.structs.replace(
    SYNC,
    running=True,
    online=True,
    stage="Recibiendo órdenes",
    stage_detail="120 de 500",
    progress=0.24,
    bundle_ready=False,
)
SYNC_EMPTY = Sync(
    online=True,
    summary="Último envío 10:50.",
    photos_text="Ninguna espera. Van aparte: no frenan los registros.",
    bundle_text="Nada que entregar. Puede llevar lo de otro equipo a la oficina.",
    bundle_ready=False,
    data_month=SYNC.data_month,
    data_used="0 kB",
    choices=SYNC.choices,
)
SYNC_FIRMWARE = msgspec.structs.replace(
    SYNC,
    data_parts=(*SYNC.data_parts, Fact(label="Firmware", value="18 MB")),
    notices=(
        Notice(
            icon="attention",
            title="Falta el firmware 5ctd-monofasico-plc-v1.40.00.bin",
            text="No hay espacio en este equipo: la imagen ocupa 12 MB. Libere espacio y sincronice.",
        ),
        Notice(
            icon="firmware",
            tone="",
            title="Firmware por recibir: 5ctm-trifasico-v2.11.bin, s3-indirecto-v3.02.bin",
            text="6 MB de 18 MB. Espera una red sin costo (wifi).",
        ),
    ),
)
SYNC_WARNED = msgspec.structs.replace(
    SYNC,
    notices=(
        Notice(
            icon="clock",
            title="El reloj de este equipo va 1 h 12 min adelantado",
            text="Ajuste fecha y hora en la configuración del equipo. "
            "Los registros llevan la hora corregida.",
        ),
        Notice(
            icon="attention",
            title="Órdenes y red de hace 9 días",
            text="La oficina puede haber cambiado algo. Sincronice en cuanto haya señal.",
        ),
        Notice(
            icon="usb",
            title="Lleva una entrega de la cuadrilla 7",
            text="23 registros y 4 fotos. Salen con la próxima conexión.",
        ),
    ),
    error="La oficina no acepta este equipo.",
    error_code="not_accepted",
)

REFERENCES = (
    Reference(
        title="Procedimientos",
        detail="Versión 4 · 12 mar",
        icon="plan",
        verdict="Al día",
        verdict_icon="check",
        tone="good",
    ),
    Reference(
        title="Modelos de medidor",
        detail="Versión 2 · 3 feb",
        icon="meter",
        verdict="Versión 3 no sirve aquí",
        verdict_detail="Actualice fieldtool en este equipo, o avise a la oficina.",
        verdict_icon="attention",
        tone="attention",
    ),
    Reference(
        title="Reglas de etiquetas",
        detail="Versión 7 · ayer",
        icon="label",
        verdict="Al día",
        verdict_icon="check",
        tone="good",
    ),
)

RECEIVERS = Receivers(
    chosen="auto",
    options=(
        Choice(key="auto", title="Automático", detail="El primero que haya"),
        Choice(key="COM7", title="COM7", detail="u-blox GNSS receiver"),
        Choice(key="none", title="Ninguno", detail="Órdenes sin posición"),
    ),
)
"""Where a position can be taken from."""

STOCK = Stock(
    crew="SCZ-07",
    facts=(
        Fact(label="En el camión", value="14"),
        Fact(label="Retirado", value="3"),
        Fact(label="Instalado", value="6"),
    ),
    rows=(
        *(
            StockRow(serial=serial, title=serial, detail=model, state="En el camión", icon="truck")
            for serial, model in (
                ("37904000009", "Monofásico prepago PLC"),
                ("37904000132", "Monofásico prepago PLC"),
                ("37904000246", "Monofásico prepago PLC"),
                ("1LGZ0052400000", "Trifásico industrial con transformadores de corriente"),
            )
        ),
        StockRow(
            serial="08200011",
            title="08200011",
            detail="Monofásico electromecánico",
            state="Retirado",
            icon="label",
            tone="muted",
        ),
    ),
    crews=(
        Choice(key="SCZ-02", title="Cuadrilla Piraí", detail="SCZ-02"),
        Choice(key="SCZ-03", title="Cuadrilla Equipetrol Norte y Urubó", detail="SCZ-03"),
        Choice(key="SCZ-04", title="Cuadrilla Plan Tres Mil", detail="SCZ-04"),
    ),
)
COUNTED = StockDone(
    text="El conteo no coincide. La oficina lo verá.",
    tone="attention",
    doubts=("Falta 37904000246", "Sobra 37904000999"),
)
