"""The step of a procedure that wants the photo of the whole panel."""

from __future__ import annotations

import msgspec

from fieldtool.procedure import views as v
from ui import views
from ui.wiring.face import Face, choices
from ui.wiring.formats import Formats


def panel_photo(step: v.StepView, body: v.PanelPhotoBody, formats: Formats) -> Face:
    """The count against the orders, what is missing, what does not belong; without a photo, what to take."""
    say = formats.say
    known = body.taken or step.answer is not None
    even = known and not (body.missing or body.foreign or body.unread or body.wrong)
    return Face(
        "panel_photo",
        text=body.must_show,
        ready=even,
        not_ready="" if even else say("o diga por qué se deja así") if known else say("tome la foto"),
        primary=say("Guardar la foto"),
        primary_icon="check",
        parts={
            "value": "taken" if known else "",
            "panel": body.panel or "",
            "tone": "good" if even else "attention",
            "verdict": say("{right} de {all} en su sitio", right=str(body.right), all=str(body.expected))
            if known
            else "",
            "facts": _facts(body, formats) if known else (),
            "otherwise_title": say("Dejar así…"),
            "otherwise": choices(body.reasons, formats) if (known and not even) or not body.panel else (),
        },
    )


def _left_so(body: v.PanelPhotoBody, formats: Formats) -> tuple[views.Choice, ...]:
    """Why it is left; where the panel cannot be opened, the photo is taken with the reason."""
    offered = choices(body.reasons, formats)
    if body.taken:
        return offered
    return tuple(msgspec.structs.replace(one, needs_photo=True) for one in offered)


def _facts(body: v.PanelPhotoBody, formats: Formats) -> tuple[views.Fact, ...]:
    say = formats.say
    rows: list[tuple[str, list[str], views.Tone]] = [
        (say("Sin leer, posición"), [str(slot) for slot in body.unread], "attention"),
        (say("Faltan"), body.missing, "attention"),
        (say("En otra posición"), [str(slot) for slot in body.wrong], "wrong"),
        (say("No son de este panel"), body.foreign, "wrong"),
    ]
    return tuple(
        views.Fact(label=label, value=" · ".join(values), icon="attention", tone=tone)
        for label, values, tone in rows
        if values
    )
