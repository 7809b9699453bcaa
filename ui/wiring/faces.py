"""What the page of each kind of step shows, from the body that the engine gives."""

from __future__ import annotations

from typing import Any

from fieldtool import words
from fieldtool.procedure import views as v
from ui import views
from ui.wiring.balance import balance_face
from ui.wiring.face import Face, Fields, choices, facts, photos
from ui.wiring.formats import Formats
from ui.wiring.meter_faces import join_face, match_face, plan_face, read_face, relay_face
from ui.wiring.panelstep import panel_photo


def face(step: v.StepView, fields: Fields, formats: Formats) -> Face:
    """The page of one step. `fields` is what was entered into it so far."""
    body = step.body
    match body:
        case v.ConfirmBody():
            return _confirm(step, body, fields, formats)
        case v.ChooseBody():
            value = str(fields.get("choice") or body.chosen or "")
            parts = {"choices": choices(body.options, formats), "value": value, "photos": photos(fields)}
            return Face("choose", parts=parts)
        case v.NumberBody():
            return _number(body, fields, formats)
        case v.TextBody():
            return Face("text", parts={"value": str(fields.get("text") or body.text)})
        case v.ValueBody():
            return _value(body, fields, formats)
        case v.PanelPhotoBody():
            return panel_photo(step, body, formats)
        case v.PhotoBody():
            return _photo(step, body, fields, formats)
        case v.ScanBody():
            return _scan(body, fields, formats)
        case v.MeterReadBody():
            return read_face(body, fields, formats)
        case v.MatchBody():
            return match_face(body, formats)
        case v.PlanBody():
            return plan_face(body, fields, formats)
        case v.RelayBody():
            return relay_face(body, fields, formats)
        case v.SealsBody():
            return _seals(body, fields, formats)
        case v.PlaceBody():
            return _place(body, fields, formats)
        case v.JoinBody():
            return join_face(body, formats)
        case v.BalanceBody():
            return balance_face(body, formats)
        case v.SignatureBody():
            return Face(
                "signature",
                primary=formats.say("Guardar firma"),
                primary_icon="check",
                parts={
                    "choices": choices(body.outcomes, formats),
                    "signer": body.name or ("" if body.role else str(fields.get("customer") or "")),
                    "role": body.role or "",
                    "optional": not body.witness,
                },
            )
        case v.SummaryBody():
            return _summary(body, fields, formats)


def checks(rows: list[v.CheckView], formats: Formats) -> tuple[views.Check, ...]:
    """Lines to confirm."""
    return tuple(
        views.Check(
            key=row.id,
            text=row.text,
            checked=row.checked,
            needs_photo=row.photo is not None,
            photo_taken=row.photo_sha256 is not None,
            measured=formats.say("El medidor: {said}", said=row.measured) if row.measured else "",
            measured_tone=row.measured_tone,  # type: ignore[arg-type]  # good, wrong or none
        )
        for row in rows
    )


def _confirm(step: v.StepView, body: v.ConfirmBody, fields: Fields, formats: Formats) -> Face:
    parts: dict[str, Any] = {"checks": checks(body.checks, formats), "facts": facts(body.facts, formats)}
    if step.safety:
        parts["otherwise_title"] = formats.say("No se cumple…")
        parts["otherwise"] = tuple(
            views.Choice(
                key=row.id, title=row.text, detail=formats.say("No se cumple: la orden termina como insegura")
            )
            for row in body.checks
        )
    return Face("confirm", primary=formats.say("Todo se cumple"), primary_icon="check", parts=parts)


def _number(body: v.NumberBody, fields: Fields, formats: Formats) -> Face:
    moment = formats.local(body.last_at)
    parts: dict[str, Any] = {
        "value": str(fields.get("value") or body.value or "").replace(".", ","),
        "unit": body.unit,
        "digits": body.digits,
        "decimals": body.decimals,
        "range_low": formats.number(body.low) if body.low else "",
        "range_high": formats.number(body.high) if body.high else "",
        "last_value": formats.quantity(body.last, body.unit) if body.last else "",
        "last_time": f"{moment:%d/%m/%Y}" if moment else "",
        "reasons": choices(body.reasons, formats),
        "photos": photos(fields),
    }
    if body.optical is not None:
        optical = formats.quantity(body.optical, body.unit)
        parts["facts"] = (views.Fact(label=formats.say("Óptica"), value=optical),)
    if body.not_obtainable:
        parts["otherwise_title"] = formats.say("No se puede leer…")
        parts["otherwise"] = choices(body.not_obtainable, formats)
    return Face("number", primary=formats.say("Guardar lectura"), primary_icon="check", parts=parts)


def _value(body: v.ValueBody, fields: Fields, formats: Formats) -> Face:
    parts: dict[str, Any] = {
        "value": str(fields.get("value") or body.value or ""),
        "reasons": choices(body.reasons, formats),
        "photos": photos(fields),
        "optional": body.optional,
    }
    if body.expected is not None:
        parts["facts"] = (views.Fact(label=formats.say("Según la orden"), value=body.expected),)
    return Face("value", parts=parts)


def _photo(step: v.StepView, body: v.PhotoBody, fields: Fields, formats: Formats) -> Face:
    enough = len(body.photos) >= max(1, body.minimum)
    last = body.photos[-1].sha256 if body.photos else ""
    retaking = fields.get("retake") is True or not enough
    parts = {
        "picture": "image://camera/live" if retaking else f"image://photo/{last}",
        "live": retaking,
        "value": "" if retaking else "taken",
        "photos": tuple(photo.sha256 for photo in body.photos),
        "photos_wanted": body.minimum,
    }
    return Face(
        "photo",
        text=body.must_show,
        primary=formats.say("Guardar la foto"),
        primary_icon="check",
        parts=parts,
    )


def _scan(body: v.ScanBody, fields: Fields, formats: Formats) -> Face:
    serial = str(fields.get("serial") or ("" if fields.get("again") else body.serial) or "")
    codes = fields.get("found")
    found = tuple(
        views.Code(frame=(0.0, 0.0, 0.0, 0.0), state=state, text=str(text))
        for text, state in (codes if isinstance(codes, list) else [])
    )
    expected = views.Fact(label=formats.say("Se espera"), value=body.expected or "", serial=True)
    parts = {
        "picture": "image://camera/live",
        "live": True,
        "serial": serial,
        "codes": found,
        "reasons": choices(body.unreadable, formats),
        "facts": (expected,) if body.expected else (),
        "photos": photos(fields),
        "printed": "" if serial else str(fields.get("printed") or ""),
    }
    return Face("scan", parts=parts)


def _seals(body: v.SealsBody, fields: Fields, formats: Formats) -> Face:
    entered = fields.get("seals")
    seals = {seal.position: (seal.number, seal.condition or "") for seal in body.seals}
    for seal in entered if isinstance(entered, list) else []:
        seals[str(seal["position"])] = (str(seal["number"]), str(seal.get("condition") or ""))
    conditions = {option.id: option.text for option in body.conditions}
    rows = []
    for place in body.positions:
        number, condition = seals.get(place.id, ("", ""))
        good = bool(number) and condition in ("", "intact")
        state = conditions.get(condition) or (formats.say("Puesto") if number else formats.say("Falta"))
        tone: views.Tone = "good" if good else "attention" if number else ""
        rows.append(views.SealRow(key=place.id, place=place.text, number=number, state=state, tone=tone))
    parts: dict[str, Any] = {
        "seals": tuple(rows),
        "choices": choices(body.conditions, formats),
        "photos": photos(fields),
    }
    if body.action == "found":
        parts["otherwise_title"] = formats.say("No hay ninguno…")
        parts["otherwise"] = (views.Choice(key="none", title=formats.say("El medidor no tenía precintos")),)
    enough = len(seals) >= max(1, body.minimum)
    return Face("seals", ready=enough, not_ready=formats.say("falta un precinto"), parts=parts)


def _select(
    key: str, label: str, options: list[v.PlaceOption], value: str | None, formats: Formats
) -> views.Select:
    shown = tuple(
        views.Choice(
            key=option.id,
            title=f"{option.name} · {option.used}/{option.capacity}" if option.capacity else option.name,
        )
        for option in options
    )
    return views.Select(key=key, label=label, value=value or "", options=shown)


_SLOT_STATES: dict[str, views.SlotState] = {"taken": "taken", "expected": "expected", "ours": "ours"}


def _place(body: v.PlaceBody, fields: Fields, formats: Formats) -> Face:
    def chosen(name: str, otherwise: object) -> str:
        return str(fields.get(name) or otherwise or "")

    selects = []
    concentrator = chosen("concentrator", body.concentrator)
    if body.concentrators:
        selects.append(
            _select("concentrator", formats.say("Concentrador"), body.concentrators, concentrator, formats)
        )
    if body.panels:
        selects.append(
            _select("panel", formats.say("Panel"), body.panels, chosen("panel", body.panel), formats)
        )
    if body.phases:
        phases = tuple(views.Choice(key=phase, title=phase) for phase in body.phases)
        phase = chosen("phase", body.phase)
        selects.append(views.Select(key="phase", label=formats.say("Fase"), value=phase, options=phases))
    slots = tuple(
        views.Slot(
            key=str(slot.number),
            title=f"{slot.number:02d}",
            detail=(slot.serial or "")[-4:],
            serial=slot.serial or "",
            state=_SLOT_STATES.get(slot.state, "free"),
        )
        for slot in body.slots
    )
    levels = {option.id: option for option in body.concentrators}
    known = levels.get(concentrator)
    shown: list[views.Fact] = []
    if known is not None and known.capacity and known.level != "fine":
        tone: views.Tone = {"warn": "attention", "full": "wrong"}.get(known.level, "")  # type: ignore[assignment]  # tones by level
        share = f"{known.used * 100 // known.capacity} %"
        used = formats.say("{used} de {all}", used=str(known.used), all=str(known.capacity))
        shown.append(views.Fact(label=formats.say("Ocupación"), value=used, detail=share, tone=tone))
    parts = {
        "place": tuple(body.path),
        "selects": tuple(selects),
        "slots": slots,
        "value": chosen("slot", body.slot),
        "facts": tuple(shown),
        "choices": tuple(_candidate(option, formats) for option in body.concentrators),
    }
    return Face("place", primary=formats.say("Guardar ubicación"), primary_icon="place", parts=parts)


def _candidate(option: v.PlaceOption, formats: Formats) -> views.Choice:
    """A collector as a row of the picker: how full, how far, and why it is offered."""
    parts = []
    if option.capacity:
        parts.append(formats.say("{used} de {all}", used=str(option.used), all=str(option.capacity)))
    if option.distance_m is not None:
        parts.append(formats.distance(option.distance_m))
    if option.expected:
        parts.append(formats.say("según la orden"))
    tone: views.Tone = {"warn": "attention", "full": "wrong"}.get(option.level, "")  # type: ignore[assignment]  # tones by level
    return views.Choice(
        key=option.id,
        title=option.name,
        detail=" · ".join(parts),
        role=option.group,
        tone=tone,
    )


def _summary(body: v.SummaryBody, fields: Fields, formats: Formats) -> Face:
    shown = list(facts(body.facts, formats))
    shown.append(views.Fact(label=formats.say("Fotos"), value=str(len(body.photos))))
    shown.append(views.Fact(label=formats.say("Duración"), value=f"{body.minutes} min"))
    told = {risk.code for risk in body.risks}
    for flag in body.flags:
        if flag in told:
            continue
        shown.append(
            views.Fact(
                label=formats.say("Anotado"),
                value=formats.word_or(f"flag.{flag}", flag.replace("_", " ")),
                tone="attention",
                icon="attention",
            )
        )
    return Face(
        "summary",
        primary=formats.say("Terminar la orden"),
        primary_icon="check",
        parts={"facts": tuple(shown), "checks": checks(body.checks, formats), **_risk(body, formats)},
    )


_RISK_TONES: dict[str, views.Tone] = {"low": "", "medium": "attention", "high": "wrong"}


def _risk(body: v.SummaryBody, formats: Formats) -> dict[str, Any]:
    """What speaks against leaving: the verdict, and each reason with what can be done about it now."""
    if not body.risks:
        return {}
    return {
        "tone": _RISK_TONES[body.risk],
        "verdict": formats.word(f"leave.{body.risk}"),
        "verdict_detail": formats.word(f"leave.{body.risk}.detail"),
        "choices": tuple(
            views.Choice(
                key=risk.step or "",
                title=formats.word_or(f"flag.{risk.code}", risk.code.replace("_", " ")),
                detail=_remedy(risk, formats),
                tone=_RISK_TONES[risk.level],
                icon="attention" if risk.level != "low" else "waiting",
            )
            for risk in body.risks
        ),
    }


def _remedy(risk: v.RiskView, formats: Formats) -> str:
    key = f"leave.remedy.{risk.code}"
    return formats.word(key, **risk.params) if words.has(key, formats.language) else ""
