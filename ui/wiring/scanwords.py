"""Why no serial was taken from what the camera saw, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.views import Failure
from ui.wiring.formats import Formats

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading


LONGEST_NUMBER = 64


def rivals(reading: LabelReading) -> list[str]:
    """Serials between which the rules cannot tell."""
    return sorted({claim.value for claim in reading.competing if claim.field == "serial"})


def may_be_number(text: str) -> bool:
    """Whether a text that no rule knows may be the number of something: no address, no document, no bytes."""
    return len(text) <= LONGEST_NUMBER and text.isascii() and text.isprintable() and "//" not in text


def not_read(formats: Formats, reading: LabelReading | None) -> Failure:
    """It is the box's label, nobody can tell which of several serials it is, or nothing was read."""
    say = formats.say
    if reading is not None and reading.only_box:
        return Failure(
            say("Es la etiqueta de la caja, no la del medidor"),
            say("Escanee el código que está en el medidor mismo."),
            "scan.box",
        )
    serials = [] if reading is None else rivals(reading)
    if len(serials) == 1:
        return Failure(
            say("Puede ser la serie o el número de otra cosa: {number}", number=serials[0]),
            say("Acerque un código que solo diga la serie, o escríbala."),
            "scan.ambiguous",
        )
    if serials:
        return Failure(
            say("La etiqueta puede decir varias series: {serials}", serials=", ".join(serials)),
            say("Acerque un solo código; nunca se elige por usted."),
            "scan.competing",
        )
    if reading is not None and reading.refused:
        from fieldtool.scanning.codes import to_keep

        return Failure(
            say("Ese número no puede ser: {number}", number=to_keep(reading.refused[0][1])),
            say("Escanéelo otra vez. Si se repite, la etiqueta está mal: escriba la serie y diga por qué."),
            "scan.refused",
        )
    return Failure(
        say("No se leyó ninguna serie"),
        say("Acérquese, evite el reflejo y vuelva a escanear."),
        "scan.nothing",
    )
