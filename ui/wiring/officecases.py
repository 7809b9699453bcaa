"""An exception or an executed order as evidence: what the office planned beside what the crew did."""

from __future__ import annotations

import functools
from datetime import datetime
from pathlib import Path

from fieldtool.office import Answer
from fieldtool.procedure.model import load_procedures
from fieldtool.text import Text
from ui import officeviews, views
from ui.views import Fact, Tone
from ui.wiring.formats import Formats
from ui.wiring.lists import why
from ui.wiring.positions import accuracy
from ui.wiring.titles import installed
from workorders.journal.kinds import RECORDING_BLOB
from workorders.store.queries import ExceptionRow, OrderDetail

DECISIONS: tuple[tuple[str, str, Tone], ...] = (
    ("accepted", "good", "good"),
    ("rework", "retry", "attention"),
    ("rejected", "wrong", "wrong"),
)
ORDER_DECISIONS: tuple[tuple[str, str, Tone], ...] = (
    ("approve", "good", "good"),
    ("return", "retry", "attention"),
)
HERE_M = 30
"""Nearer than this the crew was at the place; the distance tells nothing more."""
JOIN_TONES: dict[str, Tone] = {"joined": "good", "pending": "attention", "failed": "wrong", "orphan": "wrong"}


def case_row(row: ExceptionRow, now: datetime, formats: Formats) -> officeviews.CaseRow:
    """A line of the queue."""
    urgent = row.severity == "urgent"
    parts = [row.order_number or "", row.serial or ""]
    return officeviews.CaseRow(
        id=row.exception_id,
        title=_title(row.kind, formats),
        detail=" · ".join(part for part in parts if part),
        age=_age(row.raised_at, now, formats),
        icon="wrong" if urgent else "attention",
        tone="wrong" if urgent else "attention",
    )


def _title(kind: str, formats: Formats) -> str:
    """What was raised; a flag of the crew's own choices has only the word of the flag."""
    return formats.word_or(f"exception.{kind}", formats.word_or(f"flag.{kind}", kind.replace("_", " ")))


def _age(at: str, now: datetime, formats: Formats) -> str:
    moment = formats.local(at)
    return formats.duration(int((now - moment).total_seconds())) if moment else ""


def case_of(
    row: ExceptionRow, answer: Answer[OrderDetail] | None, now: datetime, formats: Formats
) -> officeviews.Case:
    """An exception with its evidence."""
    urgent = row.severity == "urgent"
    detail = answer.value if answer else None
    what = [Fact(label=formats.say("Desde"), value=formats.when(row.raised_at, now))]
    if row.order_number:
        what.insert(0, Fact(label=formats.say("Orden"), value=row.order_number))
    what += [
        Fact(label=formats.word(f"fact.{name}"), value=_value(name, value, formats))
        for name, value in row.detail.items()
        if isinstance(value, str | int) and str(value)
    ]
    return officeviews.Case(
        id=row.exception_id,
        kind="exception",
        order_id=row.order_id or "",
        title=_title(row.kind, formats),
        detail=formats.word_or(f"exception.{row.kind}.hint", ""),
        icon="wrong" if urgent else "attention",
        tone="wrong" if urgent else "attention",
        what=tuple(what[:4]),
        office=_planned(detail, now, formats) if detail else (),
        crew=_done(detail, now, formats) if detail else (),
        photos=_photos(detail, formats) if detail else (),
        decisions=tuple(_decision(key, icon, tone, formats) for key, icon, tone in DECISIONS),
        reasons=tuple(formats.word(f"decision.reason.{one}") for one in ("checked", "photo_shows")),
        at=formats.when(answer.at, now) if answer else "",
        fresh=answer.fresh if answer else True,
    )


def order_case_of(answer: Answer[OrderDetail], now: datetime, formats: Formats) -> officeviews.Case:
    """An order with its evidence; approval only where it waits for one."""
    detail = answer.value
    row = detail.row
    waits = row.status == "completed"
    open_cases = [one for one in detail.exceptions if one.decision is None]
    what = [
        Fact(label=formats.say("Orden"), value=row.number or row.order_id),
        Fact(label=formats.say("Cuadrilla"), value=detail.executed_by or row.crew or ""),
        Fact(label=formats.say("Excepciones abiertas"), value=str(len(open_cases))),
    ]
    return officeviews.Case(
        id=row.order_id,
        kind="order",
        order_id=row.order_id,
        title=row.address or row.supply_number or row.number or row.order_id,
        detail=" · ".join(
            part
            for part in (formats.word(f"order.kind.{row.kind}"), formats.word(f"order.status.{row.status}"))
            if part
        ),
        icon="orders",
        tone="attention" if open_cases else "",
        what=tuple(what),
        office=_planned(detail, now, formats),
        crew=_done(detail, now, formats),
        photos=_photos(detail, formats),
        decisions=tuple(_decision(key, icon, tone, formats) for key, icon, tone in ORDER_DECISIONS)
        if waits
        else (),
        reasons=tuple(formats.word(f"decision.reason.{one}") for one in ("checked", "photo_shows")),
        at=formats.when(answer.at, now),
        fresh=answer.fresh,
    )


def _decision(key: str, icon: str, tone: Tone, formats: Formats) -> views.Choice:
    return views.Choice(
        key=key,
        title=formats.word(f"decision.{key}"),
        detail=formats.word(f"decision.{key}.detail"),
        icon=icon,
        tone=tone,
        needs_note=key in ("rework", "rejected", "return"),
    )


@functools.lru_cache(maxsize=4)
def _reasons(folder: Path) -> dict[str, Text]:
    """Reasons not to complete, or to do other work, by id, from the procedures of a folder."""
    procedures = load_procedures(folder).values()
    other = {why.id: why.text for one in procedures for change in one.change for why in change.reasons}
    return other | {reason.id: reason.text for one in procedures for reason in one.not_done}


def _not_done(reason: str, formats: Formats) -> str:
    folders = (formats.folders["procedures"], installed()["procedures"])  # an order may be of an older text
    text = next((known[reason] for folder in folders if reason in (known := _reasons(folder))), None)
    return text.in_language(formats.language) if text else reason


def _value(name: str, value: object, formats: Formats) -> str:
    if name == "reason":
        told = formats.told(str(value))
        return told if told != value else _not_done(told, formats)
    if name in ("procedure", "was"):
        return formats.procedure(str(value))
    if name == "code":
        return why(str(value), formats)
    for key in (f"value.{name}.{value}", f"role.{value}"):
        known = formats.word(key)
        if known != key:
            return known
    return str(value)


def _planned(detail: OrderDetail, now: datetime, formats: Formats) -> tuple[Fact, ...]:
    order, row = detail.order, detail.row
    place = order.place
    old = order.old_asset.serial if order.old_asset else None
    new = order.new_asset.serial if order.new_asset else None
    where = " › ".join(
        part for part in (place.transformer, place.concentrator, place.panel) if part is not None
    )
    if place.slot is not None:
        where = f"{where} › {place.slot}"
    facts = [
        Fact(
            label=formats.say("Anulada"),
            value=formats.when(row.cancelled_at, now),
            tone="wrong",
        )
        if row.cancelled_at
        else None,
        Fact(label=formats.say("Suministro"), value=row.supply_number or ""),
        Fact(label=formats.say("Se retira"), value=old or "", serial=True),
        Fact(label=formats.say("Se instala"), value=new or "", serial=True),
        Fact(label=formats.say("Lugar"), value=where),
        Fact(label=formats.say("Hasta"), value=formats.when(row.due, now)),
    ]
    return tuple(fact for fact in facts if fact is not None and fact.value)


def _done(detail: OrderDetail, now: datetime, formats: Formats) -> tuple[Fact, ...]:
    row = detail.row
    facts = [
        Fact(
            label=formats.say("Estado"),
            value=formats.word(f"order.status.{row.status}"),
            detail=formats.when(row.completed_at, now),
        ),
        Fact(
            label=formats.say("Motivo"),
            value=_not_done(row.not_done_reason, formats) if row.not_done_reason else "",
        ),
    ]
    facts += [_match(detail, formats)] if detail.matches else []
    facts += [_reading(detail, formats)] if detail.readings else []
    for placed in detail.placements[-1:]:
        where = [placed.transformer, placed.concentrator, placed.panel, str(placed.slot or "")]
        facts.append(
            Fact(
                label=formats.say("Instalado"),
                value=placed.serial,
                detail=" › ".join(part for part in where if part),
                serial=True,
                tone="wrong" if placed.disputed else "",
            )
        )
    facts += [_position(detail, formats)] if detail.positions else []
    for join in detail.joins[-1:]:
        again = formats.when(join.recheck_at, now)
        facts.append(
            Fact(
                label=formats.say("Red"),
                value=formats.word(f"join.state.{join.state}"),
                detail=formats.say("se mira {when}", when=again) if again and join.state == "pending" else "",
                tone=JOIN_TONES.get(join.state, ""),
            )
        )
    open_writes = [one for one in detail.writes if one.state not in ("verified", "rolled_back")]
    if detail.writes:
        facts.append(
            Fact(
                label=formats.say("Configuración"),
                value=formats.say(
                    "{done} de {total} comprobados",
                    done=str(len(detail.writes) - len(open_writes)),
                    total=str(len(detail.writes)),
                ),
                tone="wrong" if open_writes else "",
            )
        )
    return tuple(fact for fact in facts if fact.value)


def _match(detail: OrderDetail, formats: Formats) -> Fact:
    # The worst of the devices speaks: an old meter that matched says nothing of an overridden new one.
    match = max(detail.matches, key=lambda one: (one.overridden, one.verdict != "equal"))
    if match.overridden:
        return Fact(
            label=formats.say("Coincidencia"),
            value=formats.say("Con excepción"),
            detail=formats.told(match.override_reason or ""),
            tone="attention",
        )
    equal = match.verdict == "equal"
    return Fact(
        label=formats.say("Coincidencia"),
        value=formats.say("Coincide") if equal else formats.say("No coincide"),
        tone="good" if equal else "wrong",
    )


def _position(detail: OrderDetail, formats: Formats) -> Fact:
    # The doubtful one speaks; without doubts the last one, which is where the meter was placed or seen.
    taken = [one for one in detail.positions if one.latitude is not None]
    label = formats.say("Posición de la cuadrilla")
    if not taken:
        reason = detail.positions[-1].reason
        why = formats.word_or(f"position.reason.{reason}", reason or "")
        return Fact(label=label, value=formats.say("Sin posición"), detail=why)
    shown = max(taken, key=lambda one: bool(one.flags))
    doubts = [formats.word_or(f"position.flag.{flag}", flag) for flag in shown.flags]
    parts = [accuracy(shown.accuracy_m, formats)] if shown.accuracy_m else []
    if shown.distance_m is not None and shown.distance_m >= HERE_M:
        parts.append(formats.say("a {distance} de la orden", distance=formats.distance(shown.distance_m)))
    return Fact(
        label=label,
        value=f"{shown.latitude}, {shown.longitude}",
        detail=" · ".join([*parts, *doubts]),
        tone="attention" if doubts else "",
    )


def _reading(detail: OrderDetail, formats: Formats) -> Fact:
    old = [one for read in detail.readings if read.role == "old" for one in read.readings]
    energy = next((one for one in old if one.get("value")), None)
    if energy is None:
        value = formats.say("No se pudo leer")
    else:
        value = formats.quantity(str(energy["value"]), str(energy.get("unit") or ""))
    return Fact(label=formats.say("Última lectura"), value=value)


def _photo(what: str, step: str | None, formats: Formats) -> str:
    """A photo taken for a reason has no word of its own: its step has."""
    for name in (what, step):
        word = formats.word(f"photo.{name}")
        if not word.startswith("photo."):
            return word
    return formats.say("Foto")


def _photos(detail: OrderDetail, formats: Formats) -> tuple[officeviews.Photo, ...]:
    """What can be opened: photos and documents as they were taken, then the recordings, by their number."""
    photos = [
        officeviews.Photo(
            key=blob.sha256,
            label=_photo(blob.what, blob.step, formats),
            document=blob.media_type == "application/pdf",
        )
        for blob in detail.blobs
        if blob.what != RECORDING_BLOB
    ]
    recorded = sorted(
        (blob for blob in detail.blobs if blob.what == RECORDING_BLOB),
        key=lambda blob: (blob.at, blob.entry_id),
    )
    photos += [
        officeviews.Photo(
            key=blob.sha256,
            label=formats.say("Grabación {number}", number=str(number)),
            recording=True,
        )
        for number, blob in enumerate(recorded, 1)
    ]
    return tuple(photos)
