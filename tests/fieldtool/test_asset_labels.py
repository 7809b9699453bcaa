"""Asset labels that come out of the printer are read again, by the codes and by the rules."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from typer.testing import CliRunner

import assets
from fieldtool.commands import labels as command
from fieldtool.main import app
from fieldtool.scanning import Symbology, decode
from fieldtool.scanning.assetlabels import (
    AssetLabel,
    Fonts,
    LabelTooSmall,
    label_picture,
    labels_pdf,
    load_sheets,
)
from fieldtool.scanning.classify import classify
from fieldtool.scanning.rules import load_rules
from tests.fieldtool.panels import PANEL, SERIALS, panel_tablet
from tests.support.label_images import Trouble, spoil

FONTS = Fonts(assets.root() / "fonts")
SHEETS = load_sheets(assets.root() / "sheets" / "sheets.toml")


def pages(file: Path, dpi: int = 200) -> list[np.ndarray]:
    with pypdfium2.PdfDocument(file) as document:
        return [np.asarray(page.render(scale=dpi / 72).to_pil().convert("L")) for page in document]


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_single_label_is_read_by_both_codes_and_at_an_angle(dpi: int) -> None:
    label = AssetLabel("DCU:CT-28101-DC", "CT-28101-DC", ("Concentrador CT 28101",))
    picture = np.array(label_picture(label, (80, 40), dpi, FONTS).convert("L"))
    assert picture.shape == (round(40 / 25.4 * dpi), round(80 / 25.4 * dpi))
    codes = decode(picture, 1000)
    assert {code.symbology for code in codes} == {Symbology.QR_CODE, Symbology.CODE_128}
    assert {code.text for code in codes} == {label.code}
    reading = classify(codes, load_rules(assets.root() / "labels"))
    assert reading.fields["concentrator"] == "CT-28101-DC"
    seen = spoil(picture, Trouble(module=3, roll=8, yaw=20), 4, np.random.default_rng(2))
    assert {code.text for code in decode(seen, 1000)} == {label.code}


@pytest.mark.parametrize("sheet", ["a4-3x8", "a4-5x13", "letter-3x10"])
def test_a_sheet_holds_every_label_once_in_its_place(sheet: str, tmp_path: Path) -> None:
    size = SHEETS[sheet]
    wanted = [AssetLabel(f"SLOT:P-9/{n}", f"{n:02d}", ("Panel piso 9",)) for n in range(1, 5)]
    file = tmp_path / "labels.pdf"
    assert labels_pdf(wanted, file, FONTS, sheet=size, skip=size.count - 2) == 2
    first, second = pages(file)
    assert second.shape[1] == pytest.approx(size.page[0] / 25.4 * 200, abs=2)
    read = {code.text for page in (first, second) for code in decode(page, 1500)}
    assert read == {label.code for label in wanted}
    left, top = size.place(size.count - 2)
    mm = 200 / 25.4
    cut = first[round(top * mm) : round((top + size.label[1]) * mm), round(left * mm) :]
    assert {code.text for code in decode(cut[:, : round(size.label[0] * mm)], 1000)} == {"SLOT:P-9/1"}


def test_what_cannot_be_read_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(LabelTooSmall):
        labels_pdf([AssetLabel("X" * 120, "X")], tmp_path / "x.pdf", FONTS, size=(20, 10))
    assert not (tmp_path / "x.pdf").exists()


def test_the_command_prints_a_project_and_a_table(tmp_path: Path) -> None:
    run = CliRunner().invoke
    out = tmp_path / "panels.pdf"
    done = run(app, ["labels", str(out), "--project", "santacruz", "--kind", "concentrator", "--json"])
    told = json.loads(done.stdout)
    assert told["files"] == [str(out)]
    assert told["labels"] >= 1
    table = tmp_path / "t.csv"
    table.write_text("code;title;where\nPANEL:Ñ;x;y\n", encoding="utf-8")
    assert run(app, ["labels", str(out), "--csv", str(table)]).exit_code == 2
    table.write_text("code;title;where\nPANEL:C9-P1;Panel 1;Torre A\n", encoding="utf-8")
    folder = tmp_path / "out"
    done = run(app, ["labels", str(folder), "--csv", str(table), "--single", "60x30", "--dpi", "203"])
    assert done.exit_code == 0
    [png] = folder.glob("*.png")
    picture = cv2.imread(str(png), cv2.IMREAD_GRAYSCALE)
    assert "PANEL:C9-P1" in {code.text for code in decode(np.asarray(picture), 500)}
    assert run(app, ["labels", str(folder)]).exit_code == 1


def test_the_tablets_network_and_an_order_name_what_to_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panel_tablet(tmp_path / "world", monkeypatch)
    panel.find_order = lambda text: f"order-{SERIALS[1]}"  # type: ignore[attr-defined]  # beyond a panel run
    monkeypatch.setattr(command, "opened", lambda realm: nullcontext(panel))

    def printed(*words: str) -> set[str]:
        out = tmp_path / "out.pdf"
        assert CliRunner().invoke(app, ["labels", str(out), *words]).exit_code == 0
        return {code.text for page in pages(out) for code in decode(page, 2000)}

    slots = {f"SLOT:{PANEL}/{slot}" for slot in range(1, 7)}
    assert printed("--node", "CT 28101") == slots | {f"PANEL:{PANEL}", "DCU:CT-28101-DC"}
    assert printed("--order", "RN-2") == {f"SLOT:{PANEL}/2"}
    assert CliRunner().invoke(app, ["labels", str(tmp_path / "x.pdf"), "--node", "no"]).exit_code == 1
