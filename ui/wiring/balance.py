"""The page of a balance: what the macro meter says, what the meters say, and what could be wrong."""

from __future__ import annotations

from fieldtool.procedure import views as v
from ui import views
from ui.wiring.face import Face, choices
from ui.wiring.formats import Formats

_TONES: dict[str, views.Tone] = {
    "fine": "good",
    "watch": "good",
    "suspect": "wrong",
    "topology": "wrong",
    "refused": "attention",
    "unclear": "attention",
}
_SLOTS: dict[str, views.SlotState] = {
    "macro": "ours",
    "read": "taken",
    "next": "expected",
    "open": "free",
    "silent": "unread",
    "stranger": "foreign",
}


def balance_face(body: v.BalanceBody, formats: Formats) -> Face:
    """The meters as tiles, the sums beside the macro meter, and the verdict once there is one."""
    closed = body.band in ("fine", "watch")
    parts = {
        "tone": _TONES.get(body.band or "", "attention"),
        "verdict": _verdict(body, formats),
        "verdict_detail": _detail(body, formats),
        "facts": _sums(body, formats),
        "slots": tuple(_tile(row, formats) for row in body.rows),
        "hints": tuple(formats.word(f"balance.cause.{cause.code}", **cause.params) for cause in body.causes),
        "value": "" if body.complete and closed else "power",
        "serial": body.next or "",
        "otherwise_title": formats.say("Seguir sin cuadrar…"),
        "otherwise": () if closed and body.complete else choices(body.reasons, formats),
    }
    done = body.complete and closed
    return Face(
        "balance",
        primary=formats.say("Seguir") if done else formats.say("Leer este medidor"),
        primary_icon="forward" if done else "probe",
        cancel_detail=formats.say("Leer no cambia nada."),
        parts=parts,
    )


def _verdict(body: v.BalanceBody, formats: Formats) -> str:
    if not body.complete:
        left = sum(row.state in ("open", "next") for row in body.rows)
        return (
            formats.say("Faltan {left} medidores", left=str(left))
            if left
            else formats.say("Falta el macromedidor")
        )
    return formats.word(f"balance.band.{body.band}") if body.band else formats.say("Sin comparar")


def _detail(body: v.BalanceBody, formats: Formats) -> str:
    if body.next is not None:
        return formats.say("Ponga la sonda en el {serial}.", serial=body.next)
    if body.macro is None:
        return formats.say("Lea el macromedidor y diga que lo es.")
    if body.percent is not None and body.band != "fine":
        return formats.say("{percent} % de lo que entra.", percent=formats.number(body.percent))
    return ""


def _sums(body: v.BalanceBody, formats: Formats) -> tuple[views.Fact, ...]:
    if body.total is None or body.sum is None:
        return ()
    facts = [
        views.Fact(label=formats.say("Macromedidor"), value=formats.quantity(body.total, "W")),
        views.Fact(label=formats.say("Suma"), value=formats.quantity(body.sum, "W")),
    ]
    if body.difference is not None and body.uncertainty is not None:
        about = formats.say("± {watts} W", watts=formats.number(body.uncertainty))
        value = formats.quantity(body.difference, "W")
        facts.append(views.Fact(label=formats.say("Diferencia"), value=value, detail=about))
    return tuple(facts)


def _tile(row: v.PowerRow, formats: Formats) -> views.Slot:
    title = row.serial[-6:]
    if row.watts is not None:
        detail = formats.quantity(row.watts, "W")
    elif row.state == "silent":
        detail = formats.say("no se lee")
    else:
        detail = formats.say("macro") if row.state == "macro" else ""
    return views.Slot(key=row.serial, title=title, detail=detail, serial=row.serial, state=_SLOTS[row.state])
