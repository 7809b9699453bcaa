"""The photo of the order's panel, as the step that wants it uses it.

It is the tablet's own: the page *Panel* and the step look at the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldtool.errors import JobError
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.bench import PanelSeen
from fieldtool.run.bodyparts import options
from fieldtool.text import Language

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun
    from fieldtool.run.surroundings import PanelSight


def sight(run: ProcedureRun) -> PanelSight | None:
    """The photo of the panel that the order names; None where it names none, or no order hangs there."""
    panel = run.order.place.panel
    return run.around.panel_photo(panel) if panel is not None else None


def seen(run: ProcedureRun) -> PanelSeen | None:
    """What the photo shows now; None before there is one."""
    found = sight(run)
    return found.seen() if found is not None else None


def take(run: ProcedureRun, step: m.PanelPhotoStep, picture: bytes | None = None) -> str:
    """*Slow* with a picture. The photo as a photo of this order; returns the hash of its sealed bytes.

    picture: a new one to be read; None: the one that was taken on the page.

    Raises:
        JobError: `no_panel_photo` where there is none; what reading a picture raises.
    """
    found = sight(run)
    if found is None:
        raise JobError("no_panel_photo", "this order names no panel whose meters could be looked at")
    if picture is not None:
        found.take(picture)
    image = found.jpeg()
    if image is None:
        raise JobError("no_panel_photo", "no photo of the panel was taken yet")
    return run.add_photo(image, step.what).sha256


def body(
    run: ProcedureRun, step: m.PanelPhotoStep, given: a.Answer | None, language: Language
) -> v.PanelPhotoBody:
    """What the page shows: the photo of now, else what was accepted."""
    now = seen(run)
    said = given if isinstance(given, a.PanelPhotoAnswer) and given.expected is not None else None
    shown = now or said
    return v.PanelPhotoBody(
        must_show=step.must_show.in_language(language),
        panel=run.order.place.panel,
        taken=now is not None,
        reasons=options(step.reasons, language),
        expected=(shown.expected or 0) if shown else 0,
        right=(shown.right or 0) if shown else 0,
        missing=shown.missing if shown else [],
        foreign=shown.foreign if shown else [],
        unread=shown.unread if shown else [],
        wrong=shown.wrong if shown else [],
    )
