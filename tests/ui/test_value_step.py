"""A value that the order contradicts: the reason, and the note or the photo that the reason asks for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt

from tests.ui.person import Person
from ui import views
from ui.backend import Answers
from ui.preview import steps
from ui.preview.tablet import PreviewTablet


class Contradicted(PreviewTablet):
    """Accepts another ratio only with a reason, as the engine does."""

    def accept(self, order_id: str, step: str, answers: Answers) -> views.Procedure:
        if not answers.get("reason"):
            raise views.Failure("La orden dice otra cosa: 200/5", "Diga por qué.", "differs")
        return super().accept(order_id, step, answers)


def contradicted() -> Contradicted:
    asked = msgspec.structs.replace(steps.STEPS["ct_plate"], key="photo_after")
    return Contradicted(step="photo_after", overrides={"photo_after": asked})


def test_a_reason_that_asks_for_a_note_or_a_photo_is_given_whole(person: Callable[..., Person]) -> None:
    """Neither could be given: the engine refused each reason of a CT ratio, and the visit stood still."""
    tablet = contradicted()
    with person(tablet) as crew:
        crew.screens.app.startOrder("SCZ-118204")
        crew.until_sees("Relación según la placa")
        crew.tap("Seguir")
        crew.until_sees("La orden dice otra cosa")
        crew.tap("Se pusieron otros TI")
        crew.until_sees("falta la foto")
        crew.tap("Tomar foto")
        crew.until_sees("Foto tomada")
        crew.tap("La orden está mal")
        crew.until_sees("falta contar qué pasó")
        crew.until(
            lambda: (
                crew.writes_in("Qué pasó, en pocas palabras (hace falta)") or not crew.press(Qt.Key.Key_Tab)
            )
        )
        crew.type("dice 200, hay 300")
        crew.tap("Seguir")
        crew.until(lambda: bool(tablet.answers) and tablet.answers[-1][0] == "photo_after")
    assert tablet.answers[-1][1] == {
        "value": "300/5",
        "reason": "office_data_wrong",
        "note": "dice 200, hay 300",
    }
