"""Print as a suggestion: what is said where the optional part is absent, and what the rules make of its
lines."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from assets import root
from fieldtool.main import app
from fieldtool.scanning import ocr
from fieldtool.scanning.rules import load_rules
from fieldtool.tablet.labels import RuleLabels

RULES = load_rules(root() / "labels")


def plate() -> Image.Image:
    picture = Image.new("RGB", (900, 420), (205, 205, 205))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(root() / "fonts" / "Inter-Medium.ttf"), 44)
    for line, text in enumerate(("ZIV 5CTM 230 V", "Nº ZIV0012345678", "2026  50 Hz")):
        draw.text((60, 60 + 110 * line), text, font=font, fill=(30, 30, 30))
    return picture


def test_only_lines_that_a_rule_takes_for_a_serial_are_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    box = [[0, 0], [10, 0], [10, 5], [0, 5]]
    read = SimpleNamespace(
        txts=("ZIV 5CTM 230 V", "Nº ZIV 0012345678", "SN: ZIV0012345679", "ZIV0099999999"),
        scores=(0.99, 0.9, 0.95, 0.3),
        boxes=np.array([box] * 4),
    )
    monkeypatch.setattr(ocr, "available", lambda: True)
    monkeypatch.setattr(ocr, "_engine", lambda: lambda image, use_cls: read)
    found = ocr.suggest_serials(np.zeros((3200, 1600, 3), np.uint8), RULES, model="prime-1ph")
    assert [one.serial for one in found] == ["ZIV0012345679"]
    assert found[0].corners[2] == (20.0, 10.0)


@pytest.mark.skipif(not ocr.available(), reason="the optional part is not installed")
def test_print_on_a_plate_is_read() -> None:
    pixels = np.ascontiguousarray(np.array(plate())[:, :, ::-1])
    assert [one.serial for one in ocr.suggest_serials(pixels, RULES)] == ["ZIV0012345678"]


def test_without_the_optional_part_the_command_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    plate().save(tmp_path / "plate.png")
    result = CliRunner().invoke(app, ["scan", str(tmp_path / "plate.png"), "--ocr"])
    assert result.exit_code == 1
    assert "fieldtool[ocr]" in result.stderr


def test_labels_suggest_print_only_where_the_part_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate().save(tmp_path / "plate.png")
    picture = (tmp_path / "plate.png").read_bytes()
    labels = RuleLabels(root() / "labels")
    monkeypatch.setattr(ocr, "available", lambda: False)
    assert labels.printed(picture) == ""
    monkeypatch.setattr(ocr, "available", lambda: True)
    said = ocr.Suggestion("ZIV0012345678", "Nº ZIV0012345678", 0.9, ())
    monkeypatch.setattr(ocr, "suggest_serials", lambda image, rules: [said])
    assert labels.printed(picture) == "ZIV0012345678"
    assert labels.printed(b"no picture") == ""


def test_a_part_that_is_there_and_does_not_start_takes_nothing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half installed, it would have ended each look of the camera with an error."""
    monkeypatch.setattr(ocr, "available", lambda: True)
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    ocr._engine.cache_clear()
    buffer = io.BytesIO()
    plate().save(buffer, "PNG")
    assert RuleLabels(root() / "labels").printed(buffer.getvalue()) == ""
    with pytest.raises(ocr.NoOcr):
        ocr.suggest_serials(np.zeros((40, 40, 3), np.uint8), RULES)
