"""What the scanning view takes of the codes in view, by what is sought: never a number of another thing."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

import assets
from fieldtool.scanning import Code, Symbology
from fieldtool.tablet.labels import RuleLabels
from fieldtool.text import Language
from ui.views import Sighting, Sought
from ui.wiring.formats import Formats
from ui.wiring.looking import Looking
from ui.wiring.scanwords import not_read

OWN = "ZIV0012345678"
EAN, MAC, IMEI, SIM = "8412345678905", "40:40:22:BC:61:4E", "490154203237518", "89340100000000000011"
GS1 = f"010841234567890521{OWN}"
MANY = "Hay varios códigos a la vista: acerque uno solo."
LABELS = RuleLabels(assets.root() / "labels")
FORMATS = Formats(language=Language.ES, zone=ZoneInfo("UTC"), say=lambda text, **words: text.format(**words))


def code(text: str) -> Code:
    kinds = {EAN: Symbology.EAN_13, GS1: Symbology.GS1_128}
    by = kinds.get(text, Symbology.CODE_128 if len(text) < 40 else Symbology.QR_CODE)
    return Code(text, by, ((0, 0), (9, 0), (9, 9), (0, 9)), gs1=by is Symbology.GS1_128)


class Seen:
    """A camera that sees blank frames: what is on them is given."""

    torch = ""

    def frame(self) -> np.ndarray:
        return np.zeros((20, 20, 3), np.uint8)


def look(monkeypatch: pytest.MonkeyPatch, sought: Sought, *texts: str) -> Sighting:
    monkeypatch.setattr("fieldtool.scanning.decode", lambda image, budget: [code(text) for text in texts])
    looking = Looking(
        Seen(),  # type: ignore[arg-type]  # no more of a camera is needed
        lambda: LABELS,
        lambda: frozenset({OWN}),
        lambda: FORMATS,
        {"ZIV0012345677": "one", "SUM-0044-2": "two", "41000009": "one"}.get,
    )
    return looking.look(sought)


@pytest.mark.parametrize(
    ("sought", "texts", "taken"),
    [
        ("order", [OWN, EAN, MAC], OWN),
        ("order", ["41000001"], "41000001"),
        ("order", ["SUM-0044-1"], "SUM-0044-1"),
        ("order", ["37524000034"], "37524000034"),
        ("order", ["ZIV0012345677", "404022000001"], "ZIV0012345677"),
        ("order", ["SUM-0044-2", "SUM-0044-1", EAN], "SUM-0044-2"),
        ("order", ["ZIV0012345677", "41000009"], "41000009"),
        ("device", [OWN, EAN, SIM], OWN),
        ("device", ["XK-77412"], "XK-77412"),
        ("device", [GS1], OWN),
        ("seal", ["PR-123456", OWN, EAN], "PR-123456"),
        ("seal", ["P-004711"], "P-004711"),
        ("seal", ["37524000034", EAN, OWN], "37524000034"),
        ("seal", ["41000001"], "41000001"),
        ("node", ["PANEL:C1-P01", OWN], "PANEL:C1-P01"),
        ("node", ["DCU:SCZ-CD-0409", EAN], "DCU:SCZ-CD-0409"),
        ("node", ["SCZ-CD-0409"], "SCZ-CD-0409"),
    ],
)
def test_taken(monkeypatch: pytest.MonkeyPatch, sought: Sought, texts: list[str], taken: str) -> None:
    seen = look(monkeypatch, sought, *texts)
    assert (seen.text, seen.refused) == (taken, "")


@pytest.mark.parametrize(
    ("sought", "texts", "why"),
    [
        ("order", [EAN], "Ese código no dice la serie."),
        ("order", [IMEI], "Ese código no dice la serie."),
        ("order", ["https://example.org/meter"], "Ese código no dice la serie."),
        (
            "order",
            ["ZIV0012345678", "ZIV0012345679"],
            "La etiqueta puede decir varias series: ZIV0012345678, ZIV0012345679",
        ),
        ("order", ["SUM-0044-2", "ZIV0012345677", "41000009"], "La etiqueta puede decir"),
        ("device", [MAC], "Ese código no dice la serie."),
        ("device", [SIM], "Ese código no dice la serie."),
        ("device", ["490154203237519"], "Ese número no puede ser: 490154203237519"),
        ("device", ["41000001"], "Puede ser la serie o el número de otra cosa: 41000001"),
        ("device", ["XK-77412", "XK-77413"], MANY),
        ("device", ["x" * 300], "Ese código no dice la serie."),
        ("device", [f"BX{OWN}B"], "Es la etiqueta de la caja, no la del medidor"),
        ("seal", [EAN], "Ese código no es de un precinto."),
        ("seal", [MAC], "Ese código no es de un precinto."),
        ("seal", [IMEI], "Ese código no es de un precinto."),
        ("seal", [OWN, EAN], "Es la serie del medidor, no un precinto."),
        ("seal", [GS1], "Es la serie del medidor, no un precinto."),
        ("seal", ["PR-123456", "PR-123457"], MANY),
        ("node", [EAN], "Ese código no es de un concentrador ni de un panel."),
        ("node", ["PANEL:C1-P01", "PANEL:C1-P02"], MANY),
    ],
)
def test_refused_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, sought: Sought, texts: list[str], why: str
) -> None:
    """A camera sees article, modem and SIM of a meter too: none of them is a seal or a serial."""
    seen = look(monkeypatch, sought, *texts)
    assert seen.text == ""
    assert seen.refused.startswith(why)


def test_a_step_names_a_number_that_fails_its_check() -> None:
    """It said that nothing was read, and the crew scanned a misprinted label again and again."""
    reading = LABELS.classify([code("37524000034")], "plc-prepay-1ph")
    why = not_read(FORMATS, reading)
    assert (why.code, why.message) == ("scan.refused", "Ese número no puede ser: 37524000034")
