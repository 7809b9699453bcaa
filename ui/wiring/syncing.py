"""The sync page in words: how it stands, what it does now, what it costs, and what may be chosen."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fieldtool.settings import Line, Settings
from fieldtool.tablet import rows
from fieldtool.tablet.carrying import Carried
from fieldtool.tablet.fromstick import FromStick
from ui import views
from ui.wiring.formats import Formats
from workorders.sync.round import FilesWait, SyncProgress

_NAMED = 2
"""How many images that are to come are named; of more their number is told."""
CAPS_MB = (500, 1000, 2000, 5000, 10_000)


def sync_view(
    summary: rows.SyncSummary,
    state: rows.TabletStatus,
    entries: list[views.SyncEntry],
    settings: Settings,
    now: datetime,
    formats: Formats,
) -> views.Sync:
    """The sync page."""
    standing = summary.standing
    running = standing.at is not None
    shown = views.Sync(
        waiting=summary.pending,
        online=bool(state.online),
        summary=_summary(summary, state, now, formats),
        since=formats.when(summary.pending_since, now),
        answered_today=summary.answered_today,
        entries=tuple(entries),
        notices=_notices(standing, formats),
        photos_waiting=summary.blobs_pending,
        photos_text=_photos(summary, formats),
        photos_now=standing.files_wait is not None and summary.blobs_pending > 0 and state.enrolled,
        photos_confirmed=summary.blobs_confirmed,
        photos_total=summary.blobs_confirmed + summary.blobs_pending,
        bundle_text=_bundle(summary, formats) if state.enrolled else "",
        bundle_ready=bool(summary.pending or summary.blobs_pending),
        data_month=formats.say("Datos de {month}", month=formats.long_month(now)),
        data_used=formats.size(standing.used.total),
        data_limit=formats.size(standing.cap_bytes) if standing.cap_bytes else "",
        data_share=min(1.0, standing.used.total / standing.cap_bytes) if standing.cap_bytes else 0.0,
        data_parts=_parts(standing, formats),
        choices=_choices(settings, formats) if state.enrolled else (),
        error=formats.word(f"error.sync.{state.problem}") if state.problem and not running else "",
        error_code=(state.problem or "") if not running else "",
    )
    return at_stage(shown, standing.at, formats) if standing.at is not None else shown


def at_stage(shown: views.Sync, at: SyncProgress, formats: Formats) -> views.Sync:
    """The same page while a round runs: the stage, and what and how much of how much."""
    parts = [formats.say("{done} de {total}", done=str(at.done), total=str(at.total))] if at.total else []
    if at.total_size:
        sizes = {"done": formats.size(at.size), "total": formats.size(at.total_size)}
        parts.append(formats.say("{done} de {total}", **sizes))
    done, total = (at.size, at.total_size) if at.total_size else (at.done, at.total)
    return msgspec.structs.replace(
        shown,
        running=True,
        stage=formats.word(f"progress.sync.{at.stage.value}"),
        stage_detail=" · ".join(parts),
        progress=min(1.0, done / total) if total else 0.0,
        error="",
        error_code="",
        bundle_ready=False,
    )


def strip_detail(row: rows.TabletStatus, formats: Formats) -> str:
    """What the strip says beyond the connection: a clock that is off, else lists that are old."""
    if row.skew_seconds is not None:
        return formats.say("reloj desviado {time}", time=formats.duration(row.skew_seconds))
    if row.stale_days is not None:
        return formats.say("datos de hace {count} días", count=str(row.stale_days))
    return ""


def chosen(settings: Settings, key: str, value: str) -> Settings:
    """The settings with one choice of the page made."""
    if key == "photos":
        return msgspec.structs.replace(settings, photos_on_metered=value == "always")
    if key == "line":
        return msgspec.structs.replace(settings, line=Line(value))
    return msgspec.structs.replace(settings, data_cap_mb=int(value) if value else None)


def _summary(summary: rows.SyncSummary, state: rows.TabletStatus, now: datetime, formats: Formats) -> str:
    last = formats.when(summary.last_contact, now)
    if not state.enrolled:
        return formats.say("Este equipo no está inscrito.")
    if state.online:
        text = formats.say("Último envío {time}.", time=last)
    elif last:
        text = formats.say(
            "Sin conexión. Último envío {time}. Nada se pierde: todo queda en este equipo.", time=last
        )
    else:
        text = formats.say("Todavía no se ha enviado nada. Todo queda en este equipo.")
    following = formats.when(summary.standing.next_at, now)
    if following and not state.online:
        text += " " + formats.say("Próximo intento {time}.", time=following)
    return text


def _notices(standing: rows.SyncStanding, formats: Formats) -> tuple[views.Notice, ...]:
    found: list[views.Notice] = []
    if standing.skew_seconds is not None:
        ahead = standing.skew_seconds > 0
        time = formats.duration(standing.skew_seconds)
        title = (
            formats.say("El reloj de este equipo va {time} adelantado", time=time)
            if ahead
            else formats.say("El reloj de este equipo va {time} atrasado", time=time)
        )
        text = formats.say(
            "Ajuste fecha y hora en la configuración del equipo. Los registros llevan la hora corregida."
        )
        found.append(views.Notice(icon="clock", title=title, text=text))
    if standing.stale_days is not None:
        title = formats.say("Órdenes y red de hace {count} días", count=str(standing.stale_days))
        text = formats.say("La oficina puede haber cambiado algo. Sincronice en cuanto haya señal.")
        found.append(views.Notice(icon="attention", title=title, text=text))
    if standing.files_wait is FilesWait.CAP:
        title = formats.say("Límite de datos del mes alcanzado")
        text = formats.say("Las fotos esperan una red sin costo; los registros siguen saliendo.")
        found.append(views.Notice(icon="data", title=title, text=text))
    return tuple(found + _carries(standing, formats) + _firmware(standing, formats))


def _firmware(standing: rows.SyncStanding, formats: Formats) -> list[views.Notice]:
    """Images of the office that are still to come: those that wait for somebody one by one, the others in
    one line."""
    found: list[views.Notice] = []
    for one in standing.firmware_coming:
        if one.code is None:
            continue
        title = formats.say("Falta el firmware {name}", name=one.name)
        text = formats.word(f"firmware.coming.{one.code}", size=formats.size(one.size))
        found.append(views.Notice(icon="attention", title=title, text=text))
    coming = [one for one in standing.firmware_coming if one.code is None]
    if not coming:
        return found
    have, size = sum(one.have for one in coming), sum(one.size for one in coming)
    sizes = {"done": formats.size(have), "total": formats.size(size)}
    if standing.firmware_waits is not None:
        text = formats.say("{done} de {total}. Espera una red sin costo (wifi).", **sizes)
    else:
        text = formats.say("{done} de {total}. Sigue con la próxima conexión, donde quedó.", **sizes)
    names, more = ", ".join(one.name for one in coming[:_NAMED]), len(coming) - _NAMED
    if more > 0:
        title = formats.say("Firmware por recibir: {names} y {count} más", names=names, count=str(more))
    else:
        title = formats.say("Firmware por recibir: {names}", names=names)
    return [*found, views.Notice(icon="firmware", title=title, text=text, tone="")]


def _bundle(summary: rows.SyncSummary, formats: Formats) -> str:
    if not summary.pending and not summary.blobs_pending:
        return formats.say("Nada que entregar. Puede llevar lo de otro equipo a la oficina.")
    return formats.say(
        "Copia cifrada de {entries} registros y {photos} fotos.\nEn este equipo no se borra nada.",
        entries=str(summary.pending),
        photos=str(summary.blobs_pending),
    )


def _carries(standing: rows.SyncStanding, formats: Formats) -> list[views.Notice]:
    """What this tablet still has to deliver for others."""
    found: list[views.Notice] = []
    for one in standing.carries:
        if one.delivered_at is not None:
            continue
        title = formats.say("Lleva una entrega de {whom}", whom=_whom(one, formats))
        text = formats.say(
            "{entries} registros y {photos} fotos. Salen con la próxima conexión.",
            entries=str(one.entries - one.pushed),
            photos=str(one.blobs),
        )
        found.append(views.Notice(icon="usb", title=title, text=text))
    return found


def _whom(one: Carried, formats: Formats) -> str:
    if one.crew:
        return formats.say("la cuadrilla {crew}", crew=one.crew)
    return formats.say("otro equipo")


def taken_text(found: FromStick, formats: Formats) -> str:
    """What came from a stick, in one text.

    Raises:
        Failure: nothing came, and something that was there could not be used.
    """
    parts = [
        formats.say(
            "Entrega de {whom}: {entries} registros, {photos} fotos. Sale con la próxima conexión.",
            whom=_whom(one, formats),
            entries=str(one.entries),
            photos=str(one.blobs),
        )
        for one in found.carried
        if not one.again
    ]
    if found.orders is not None and not found.orders.again:
        count = str(found.orders.pulled)
        parts.append(formats.say("Órdenes de la oficina: {count} registros.", count=count))
    if found.orders is not None and found.orders.firmware:
        parts.append(formats.say("Imágenes de firmware: {count}.", count=str(found.orders.firmware)))
    if parts:
        return " ".join(parts)
    if found.unfit:
        unfit = found.unfit[0]
        raise views.Failure(
            formats.say("No se pudo usar {name}", name=unfit.name),
            formats.word(f"error.{unfit.code}"),
            unfit.code,
        )
    if found.carried or found.orders is not None:
        return formats.say("Eso ya estaba en este equipo.")
    if found.address is None:
        return formats.say("No hay nada para este equipo en la memoria.")
    return formats.say("No hay nada todavía. Ahora prepare la entrega en el otro equipo y vuelva a traerla.")


def _photos(summary: rows.SyncSummary, formats: Formats) -> str:
    if not summary.blobs_pending:
        return formats.say("Ninguna espera. Van aparte: no frenan los registros.")
    size = formats.size(summary.blob_bytes_pending)
    if summary.standing.files_wait is FilesWait.METERED:
        return formats.say("{size} por enviar. Esperan una red sin costo (wifi).", size=size)
    if summary.standing.files_wait is FilesWait.CAP:
        return formats.say("{size} por enviar. Esperan: límite del mes alcanzado.", size=size)
    return formats.say("{size} por enviar. Van aparte: no frenan los registros.", size=size)


def _parts(standing: rows.SyncStanding, formats: Formats) -> tuple[views.Fact, ...]:
    labels = {
        "records": formats.say("Registros y órdenes"),
        "lists": formats.say("Red, listas y procedimientos"),
        "files": formats.say("Fotos y documentos"),
        "firmware": formats.say("Firmware"),
    }
    kinds = standing.used.kinds
    return tuple(
        views.Fact(label=label, value=formats.size(kinds[key]))
        for key, label in labels.items()
        if kinds.get(key)
    )


def _choices(settings: Settings, formats: Formats) -> tuple[views.Select, ...]:
    caps = sorted({*CAPS_MB, *([settings.data_cap_mb] if settings.data_cap_mb else [])})
    return (
        views.Select(
            key="photos",
            label=formats.say("Enviar fotos"),
            value="always" if settings.photos_on_metered else "free",
            options=(
                views.Choice(key="always", title=formats.say("Con cualquier red")),
                views.Choice(key="free", title=formats.say("Solo sin costo (wifi)")),
            ),
        ),
        views.Select(
            key="line",
            label=formats.say("Red actual"),
            value=settings.line.value,
            options=(
                views.Choice(key="auto", title=formats.say("Según el equipo")),
                views.Choice(key="metered", title=formats.say("Cuesta por datos")),
                views.Choice(key="free", title=formats.say("No cuesta")),
            ),
        ),
        views.Select(
            key="cap",
            label=formats.say("Límite del mes"),
            value=str(settings.data_cap_mb) if settings.data_cap_mb else "",
            options=(
                views.Choice(key="", title=formats.say("Sin límite")),
                *(views.Choice(key=str(mb), title=formats.size(mb * 1_000_000)) for mb in caps),
            ),
        ),
    )
