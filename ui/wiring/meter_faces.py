"""The pages of steps that touch a meter or the network: read, match, plan and apply, relay, join."""

from __future__ import annotations

from typing import Any

from fieldtool.procedure import views as v
from ui import views
from ui.wiring.face import Face, Fields, choices, override_parts, photos
from ui.wiring.formats import DASH, Formats
from ui.wiring.items import evidence_facts, item_name, item_value, says_something, setting_value, status_word


def read_face(body: v.MeterReadBody, fields: Fields, formats: Formats) -> Face:
    # A reading taken before something was corrected does not count any more: the page asks for a new one.
    done = body.done and bool(fields.get("stands") or fields.get("measured"))
    rows = tuple(
        views.Fact(
            label=item_name(row.item, row.name, formats),
            value=item_value(row.value, row.unit, formats),
            detail=status_word(row.status, formats),
            tone="attention" if row.status else "",
        )
        for row in body.readings
    )
    if done and not rows:
        rows = (
            views.Fact(
                label=formats.say("Modelo"),
                value=formats.model(body.model) or DASH,
                detail=body.firmware or "",
            ),
        )
    parts: dict[str, Any] = {
        "serial": (body.serial or "") if done else "",
        "facts": rows if done else (),
        "photos": photos(fields),
        "recording": body.recording,
    }
    if body.not_obtainable and not done:
        parts["otherwise_title"] = formats.say("No se puede leer…")
        parts["otherwise"] = choices(body.not_obtainable, formats)
    return Face("meter_read", cancel_detail=formats.say("Leer no cambia nada en el medidor."), parts=parts)


_MATCH_TONES: dict[str, tuple[views.Tone, str]] = {
    "equal": ("good", "good"),
    "expected": ("", "flag"),
    "unread": ("attention", "unknown"),
    "absent": ("attention", "unknown"),
    "differs": ("wrong", "wrong"),
    "other_order": ("wrong", "wrong"),
    "not_on_truck": ("wrong", "wrong"),
}


def match_face(body: v.MatchBody, formats: Formats) -> Face:
    equal = body.verdict in ("match", "equal")
    rows = []
    for row in body.rows:
        tone, icon = _MATCH_TONES.get(row.state, ("attention", "unknown"))
        if equal:
            tone, icon = "good", "good"
        rows.append(
            views.MatchRow(
                source=row.source,  # type: ignore[arg-type]  # the four sources by their own names
                title=formats.word(f"match.source.{row.source}"),
                detail=formats.clock(row.at, seconds=True) or formats.model(row.note),
                serial=row.serial or "",
                marks=_marks(row, equal),
                verdict=formats.word(f"match.state.{'equal' if equal else row.state}"),
                tone=tone,
                icon=icon,
            )
        )
    parts: dict[str, Any] = {
        "match": tuple(rows),
        "tone": "good" if equal else "wrong",
        "verdict": formats.say("Coincide") if equal else formats.say("No coincide"),
        "verdict_detail": formats.say("Las cuatro fuentes nombran\nel mismo medidor.")
        if equal
        else formats.say("No se puede seguir con él."),
    }
    if equal:
        return Face("match", primary=formats.say("Seguir"), parts=parts)
    cause = formats.word(f"match.cause.{body.cause}", **body.params) if body.cause else ""
    remedy = formats.word(f"match.remedy.{body.remedy}", **body.params) if body.remedy else ""
    parts["cause_title"] = cause
    place = body.params.get("place")
    parts["cause_detail"] = formats.say("Es el de {place}.", place=place) if place else ""
    parts["cause_order"] = body.params.get("order", "")
    parts["cause_order_id"] = body.other_order or ""
    return Face(
        "match",
        primary=remedy or formats.say("Escanear el correcto"),
        primary_icon="scan",
        parts=parts | override_parts(formats),
    )


def _marks(row: v.MatchRow, equal: bool) -> str:
    if equal or not row.serial:
        return ""
    marks = ["."] * len(row.serial)
    sign = "f" if row.state == "expected" else "d" if row.state == "unread" else "x"
    for start, end in row.marks:
        for at in range(start, min(end, len(marks))):
            marks[at] = sign
    return "".join(marks)


_CHANGE_STATES: dict[str, views.ChangeState] = {
    "same": "verified",
    "differs": "waiting",
    "writing": "writing",
    "verified": "verified",
    "failed": "failed",
    "rolled_back": "rolled_back",
    # Left alone in this pass, for want of permission or by a cut: it still waits.
    "untouched": "waiting",
    "intended": "writing",
}


def plan_face(body: v.PlanBody, fields: Fields, formats: Formats) -> Face:
    rows = []
    for row in body.changes:
        danger = row.danger not in ("", "harmless")
        state = _CHANGE_STATES.get(row.state, "waiting")
        if danger and state == "waiting":
            state = "needs_permission"
        rows.append(
            views.Change(
                id=row.id,
                item=item_name(row.item, row.name, formats),
                now=setting_value(row.now, formats),
                will_be=setting_value(row.will_be, formats),
                state=state,
                state_text=formats.word(f"change.{'same' if row.state == 'same' else state}"),
                danger=danger,
            )
        )
    harmless = sum(not row.danger and row.state == "waiting" for row in rows)
    asking = any(row.state == "needs_permission" for row in rows)
    value, primary, icon = "", formats.say("Seguir"), "forward"
    if not body.planned and not fields.get("stands"):
        value, primary, icon = "plan", formats.say("Comparar con el programa"), "optical"
    elif harmless:
        several = formats.say("Escribir {count} cambios", count=str(harmless))
        value, primary, icon = "apply", formats.say("Escribir 1 cambio") if harmless == 1 else several, "edit"
    elif asking:
        value, primary, icon = "allow", formats.say("Permitir los delicados"), "unlock"
    done = sum(row.state == "verified" for row in rows)
    parts = {
        "program": formats.program(body.program),
        "serial": body.serial or "",
        "changes": tuple(rows),
        "value": value,
        "recording": body.recording,
    }
    return Face(
        "plan_apply",
        primary=primary,
        primary_icon=icon,
        cancel_detail=formats.say("{count} cambios comprobados, los demás sin tocar.", count=str(done)),
        parts=parts,
    )


def relay_face(body: v.RelayBody, fields: Fields, formats: Formats) -> Face:
    parts: dict[str, Any] = {
        "serial": str(fields.get("device") or body.last_four),
        "relay_state": formats.word_or(f"relay.{body.result}", body.result)
        if body.result
        else formats.say("sin probar"),
        "recording": body.recording,
    }
    if body.untested:
        parts["otherwise_title"] = formats.say("No se prueba…")
        parts["otherwise"] = choices(body.untested, formats)
    return Face(
        "relay",
        ready=body.result is not None,
        not_ready=formats.say("tras abrir y cerrar"),
        cancel_detail=formats.say("El relé vuelve a cerrarse."),
        parts=parts,
    )


_JOIN_TONES: dict[str, views.Tone] = {
    "joined": "good",
    "pending": "attention",
    "failed": "wrong",
    "orphan": "wrong",
}


def _address(heard: str) -> str:
    plain = heard.upper()
    if len(plain) == 12 and not set(plain) - set("0123456789ABCDEF"):
        return ":".join(plain[at : at + 2] for at in range(0, 12, 2))
    return heard


def join_face(body: v.JoinBody, formats: Formats) -> Face:
    shown = []
    if body.expected:
        shown.append(views.Fact(label=formats.say("Se espera"), value=body.expected))
    if body.heard and says_something(body.heard):
        # The order names a concentrator, a meter names its base node: whether they are one is judged below.
        tone: views.Tone = "wrong" if body.reason == "other_concentrator" else ""
        shown.append(views.Fact(label=formats.say("Lo oye"), value=_address(body.heard), tone=tone))
    shown += evidence_facts(body.evidence, formats)[:3]
    detail = formats.word_or(f"join.reason.{body.reason}", body.reason) if body.reason else ""
    if body.recheck_at:
        detail = formats.say("Se vuelve a mirar a las {time}.", time=formats.clock(body.recheck_at))
    asked = body.state is not None
    parts = {
        "tone": _JOIN_TONES.get(body.state or "", "attention"),
        "verdict": formats.word(f"join.state.{body.state}") if asked else formats.say("Sin preguntar"),
        "verdict_detail": detail,
        "facts": tuple(shown),
        "value": "" if asked else "join",
        "recording": body.recording,
    }
    primary = formats.say("Seguir") if asked else formats.say("Preguntar a la red")
    return Face(
        "join",
        text="" if body.state == "joined" else body.sees,
        primary=primary,
        primary_icon="forward" if asked else "join",
        cancel_detail=formats.say("Preguntar no cambia nada."),
        parts=parts,
    )
