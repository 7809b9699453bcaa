"""Rows of the tablet as rows of the screens: people, status, orders, the order page, sync."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from fieldtool.tablet import rows
from ui import views
from ui.wiring.formats import DASH, Formats
from ui.wiring.syncing import strip_detail
from workorders.journal.kinds import RECORDING_BLOB

#: Places that only the history of an order can fill, with what leads up to them.
PLACES = re.compile(r"[:,(]?\s*\{\w+\}\)?")
WAITING_SHOWN = 4
StepTitle = Callable[[str, str], str]
"""Title of a step (order id, step id) in the language of the screens."""
OFFICE_ROLES = frozenset({"supervisor", "engineer", "integrator", "administrator"})
_SECTIONS: dict[rows.Group, views.Section] = {
    rows.Group.TODAY: "today",
    rows.Group.LATE: "late",
    rows.Group.LATER: "rest",
    rows.Group.DONE: "done",
}
_ENTRY_ICONS = {
    "step": "confirm", "meter": "optical", "photo": "photo", "blob": "photo", "device": "place",
    "placement": "place", "match": "match", "seal": "seal", "order": "orders", "record": "record",
    "join": "join", "chain": "records", "exception": "attention", "signature": "sign",
}  # fmt: skip


def person(row: rows.PersonRow, formats: Formats) -> views.PersonTile:
    """A tile of the sign-in page."""
    role = formats.word_or(f"role.{row.role}", row.role)
    return views.PersonTile(
        id=row.id,
        name=row.name,
        role=f"{role} · {row.crew}" if row.crew else role,
        locked_seconds=row.locked_seconds,
    )


def status(
    row: rows.TabletStatus, counts: rows.OrderCounts | None, probe: bool, now: datetime, formats: Formats
) -> views.Status:
    """The strip."""
    today = ""
    if counts is not None:
        total = counts.today + counts.done_today
        today = formats.long_day(now)
        if total:
            done = formats.say("{done} hechas de {total}", done=str(counts.done_today), total=str(total))
            if counts.done_today == 1:
                done = formats.say("1 hecha de {total}", total=str(total))
            today = f"{today} · {done}"
    office = row.person is not None and row.person.role in OFFICE_ROLES
    return views.Status(
        project=row.project or "",
        crew=row.crew or "",
        role="supervisor" if office else "crew",
        online=bool(row.online),
        waiting=row.pending,
        syncing=row.syncing,
        detail=strip_detail(row, formats),
        last=formats.when(row.last_contact, now),
        today=today,
        probe="connected" if probe else "absent",
        training=row.realm == "training",
        enrolled=row.enrolled,
    )


def order_row(row: rows.OrderRow, now: datetime, formats: Formats) -> views.OrderRow:
    """One order in the list."""
    done = row.group is rows.Group.DONE
    filled = row.sla == "late"
    extra = formats.say("{count} visitas", count=str(row.attempts)) if row.attempts else ""
    if done:
        extra = formats.word(f"order.status.{row.status}")
    return views.OrderRow(
        id=row.order_id,
        section=_SECTIONS[row.group],
        address=row.address or (formats.say("Datos borrados") if row.erased else row.number),
        supply=row.usage_point,
        task=formats.word(f"order.kind.{row.kind}"),
        kind=row.kind,
        distance=formats.distance(row.distance_m),
        extra=extra,
        due="" if done else due_text(row, now, formats),
        sla_tone="wrong" if filled else "attention" if row.sla == "soon" else "",
        sla_filled=filled,
        step=row.step or 0,
        unsent=row.unsent,
        serials="|".join(filter(None, (row.number, row.old_serial, row.new_serial))),
    )


def due_text(row: rows.OrderRow, now: datetime, formats: Formats) -> str:
    """Until when, or since when it is late."""
    moment = formats.local(row.due)
    if moment is None or row.seconds_left is None:
        return ""
    if row.seconds_left < 0:
        return formats.say("Vencida {time}", time=formats.duration(row.seconds_left))
    if row.sla == "soon":
        return formats.say("Queda {time}", time=formats.duration(row.seconds_left))
    if moment.date() == now.astimezone(formats.zone).date():
        return formats.say("hasta las {time}", time=moment.strftime("%H:%M"))
    return formats.day(moment, now)


def order_view(
    detail: rows.OrderDetail, now: datetime, formats: Formats, step_title: StepTitle
) -> views.OrderView:
    """The order page."""
    row = order_row(detail.row, now, formats)
    state = _order_state(detail)
    window = formats.window(detail.scheduled_start, detail.scheduled_end, now)
    planned = formats.say("Programada {time}", time=window) if window else ""
    facts = [
        views.Fact(
            label=formats.say("Qué se hace"),
            value=row.task,
            detail=formats.program(detail.program),
            icon="exchange",
        ),
        views.Fact(
            label=formats.say("Hasta cuándo"),
            value=row.due if row.sla_tone else formats.when(detail.row.due, now) or DASH,
            detail=formats.when(detail.row.due, now) if row.sla_tone else planned,
            icon="clock",
            tone=row.sla_tone,
        ),
        views.Fact(
            label=formats.say("Quién vive ahí"),
            value=formats.say("Datos borrados") if detail.customer.erased else detail.customer.name or DASH,
            detail=formats.say("Suministro {number}", number=detail.row.usage_point),
            icon="person",
        ),
    ]
    return views.OrderView(
        id=detail.row.order_id,
        number=detail.row.number,
        address=row.address,
        task=row.task,
        kind=row.kind,
        facts=tuple(facts),
        old_device=_device(detail.old, formats.say("Se retira"), now, formats),
        new_device=_device(detail.new, formats.say("Se instala"), now, formats),
        place=tuple(detail.path),
        notes=detail.notes or "",
        warnings=tuple(_warning(flag, window, formats) for flag in detail.row.flags),
        history=tuple(
            _history(one, detail.row.order_id, now, formats, step_title) for one in reversed(detail.history)
        ),
        recordings=sum(_what(one.kind, one.params) == "photo.recording" for one in detail.history),
        step=detail.step or 0,
        status=state,
    )


def _warning(flag: str, window: str, formats: Formats) -> str:
    text = formats.word_or(f"flag.{flag}", flag.replace("_", " "))
    return f"{text} · {window}" if flag == "appointment" and window else text


def _order_state(detail: rows.OrderDetail) -> views.OrderState:
    if detail.action == "resume":
        return "started"
    if detail.action == "start":
        return "open"
    if detail.row.status == "cancelled":
        return "cancelled"
    return "not_done" if detail.row.status == "notDone" else "done"


def _device(device: rows.DeviceView | None, label: str, now: datetime, formats: Formats) -> views.Fact | None:
    if device is None:
        return None
    detail = [formats.model(device.model)]
    if device.last_reading:
        moment = formats.local(device.last_reading_at)
        since = f" · {formats.day(moment, now)}" if moment else ""
        reading = formats.number(device.last_reading)
        detail.append(formats.say("última lectura {value}", value=reading) + since)
    return views.Fact(
        label=label,
        value=device.serial or formats.say("cualquiera del modelo"),
        detail=" · ".join(part for part in detail if part),
        serial=device.serial is not None,
    )


def told(
    kind: str, params: Mapping[str, str], order_id: str | None, formats: Formats, step_title: StepTitle
) -> str:
    """An entry in words: steps by their title, states by their word; what it does not say is left out."""
    said = dict(params)
    if "step" in said:
        said["step"] = step_title(order_id or "", said["step"])
    if "procedure" in said:
        said["procedure"] = formats.procedure(said["procedure"])
    for name, key in _PARAM_WORDS.items():
        if name in said:
            said[name] = formats.word_or(f"{key}.{said[name]}", said[name])
    return PLACES.sub("", formats.word(f"entry.{_what(kind, params)}", **said))


def _what(kind: str, params: Mapping[str, str]) -> str:
    """A recording lies on the order as photos do, and is none."""
    return "photo.recording" if params.get("what") == RECORDING_BLOB else kind


_PARAM_WORDS = {"status": "order.status", "state": "value.join", "verdict": "match.verdict"}


def _history(
    row: rows.HistoryRow, order_id: str, now: datetime, formats: Formats, step_title: StepTitle
) -> views.HistoryRow:
    tone: views.Tone = {"applied": "good", "conflict": "attention", "rejected": "wrong"}.get(
        row.verdict or "", ""
    )  # type: ignore[assignment]  # tones by verdict
    return views.HistoryRow(
        time=formats.when(row.at, now),
        text=formats.word(f"entry.{_what(row.kind, row.params)}", **_told(row.params, formats)),
        detail=row.actor or "",
        tone=tone,
    )


def _told(params: dict[str, str], formats: Formats) -> dict[str, str]:
    words = {"reason": formats.told, "procedure": formats.procedure}
    return params | {name: said(params[name]) for name, said in words.items() if name in params}


_VERDICTS: dict[str, tuple[str, views.Tone]] = {
    "applied": ("good", "good"),
    "duplicate": ("good", "good"),
    "conflict": ("review", "attention"),
    "quarantined": ("attention", "attention"),
    "rejected": ("wrong", "wrong"),
}


def sync_entry(row: rows.EntryRow, now: datetime, formats: Formats, step_title: StepTitle) -> views.SyncEntry:
    """An entry with its verdict in words."""
    icon = next((icon for prefix, icon in _ENTRY_ICONS.items() if row.kind.startswith(prefix)), "records")
    detail = " · ".join(part for part in (row.order_number or "", formats.when(row.at, now)) if part)
    verdict = row.verdict
    sign, tone = _VERDICTS.get(verdict or "", ("saved" if verdict is None else "unknown", ""))
    answered: views.EntrySection = "answer" if verdict in ("quarantined", "rejected") else "answered"
    said = formats.say("Guardado en este equipo") if verdict is None else formats.word(f"verdict.{verdict}")
    return views.SyncEntry(
        id=row.order_id or "",
        icon=icon,
        title=told(row.kind, row.params, row.order_id, formats, step_title),
        detail=detail,
        verdict=said,
        verdict_detail=formats.say("Sale con la próxima conexión")
        if verdict is None
        else why(row.code, formats),
        verdict_icon=sign,
        tone=tone,
        section="waiting" if verdict is None else answered,
        more=row.order_id is not None,
    )


def why(code: str | None, formats: Formats) -> str:
    """Why the office answered so, by its code: its own sentence is English and for logs."""
    if code is None or code in ("applied", "duplicate"):
        return ""
    family = code.partition("_")[0]
    for key in (f"exception.{code}", f"error.sync.{code}", f"flag.{code}", f"error.sync.{family}"):
        if said := formats.word_or(key, ""):
            return said
    return formats.say("Motivo {code}", code=code)


def folded(entries: list[views.SyncEntry], waiting: int, formats: Formats) -> list[views.SyncEntry]:
    """The newest waiting entries, the rest of them as one row, then what was answered."""
    fresh = [entry for entry in entries if entry.section == "waiting"]
    rest = [entry for entry in entries if entry.section != "waiting"]
    hidden = waiting - WAITING_SHOWN
    if hidden < 2:
        return fresh + rest
    more = views.SyncEntry(
        id="",
        icon="records",
        title=formats.say("{count} registros más", count=str(hidden)),
        detail=formats.say("Pasos, lecturas, fotos y ubicaciones"),
        verdict=formats.say("Guardados en este equipo"),
        verdict_detail=formats.say("Salen con la próxima conexión"),
        verdict_icon="saved",
    )
    return [*fresh[:WAITING_SHOWN], more, *rest]
