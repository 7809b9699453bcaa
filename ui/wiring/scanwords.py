"""Why no serial was taken from what the camera saw, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.views import Failure
from ui.wiring.formats import Formats

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading


def rivals(reading: LabelReading) -> list[str]:
    """Serials between which the rules cannot tell."""
    return sorted({claim.value for claim in reading.competing if claim.field == "serial"})


def not_read(formats: Formats, reading: LabelReading | None) -> Failure:
    """It is the box's label, nobody can tell which of several serials it is, or nothing was read."""
    say = formats.say
    if reading is not None and reading.only_box:
        return Failure(
            say("Es la etiqueta de la caja, no la del medidor"),
            say("Escanee el código que está en el medidor mismo."),
            "scan.box",
        )
    if reading is not None and (serials := rivals(reading)):
        return Failure(
            say("La etiqueta puede decir varias series: {serials}", serials=", ".join(serials)),
            say("Acerque un solo código; nunca se elige por usted."),
            "scan.competing",
        )
    return Failure(
        say("No se leyó ninguna serie"),
        say("Acérquese, evite el reflejo y vuelva a escanear."),
        "scan.nothing",
    )
