"""What the command line says to people: our own line alone, and the time that their clock shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldtool.commands.output import local, table
from fieldtool.scanning.picture import decoded

TIMEOUT = 60


def said(*arguments: str) -> tuple[int, list[str]]:
    """Exit status and lines on standard error."""
    command = [sys.executable, "-m", "fieldtool", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Pictures cut short; OpenCV, libpng and libtiff each had something to say about one of them."""
    noise = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    found = []
    for kind in ("jpg", "png", "tiff", "bmp"):
        path = tmp_path / f"cut.{kind}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        found.append(path)
    return found


def test_a_damaged_picture_is_told_in_one_line_of_ours(pictures: list[Path]) -> None:
    status, lines = said("scan", *(str(path) for path in pictures))
    assert status == 1
    assert len(lines) == len(pictures)
    for path, line in zip(pictures, lines, strict=True):
        assert line.startswith("fieldtool: ")
        assert path.name in line


@pytest.mark.parametrize("body", [b"hello", b"%PDF-1.4\n1 0 obj<<>>endobj", b"%PDF-1.4\ntrailer<<>>\n%%EOF"])
def test_a_damaged_record_is_told_in_one_line_of_ours(tmp_path: Path, body: bytes) -> None:
    record, root = tmp_path / "acta.pdf", tmp_path / "root.pem"
    record.write_bytes(body)
    root.write_bytes(b"")
    status, lines = said("journal", "verify", "--record", str(record), "--root", str(root))
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("fieldtool: ")


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90° clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    found = decoded((tmp_path / "turned.png").read_bytes())
    assert found is not None
    assert found.shape == (40, 20, 3)
    assert found[0, 0].tolist() == [0, 0, 255]
    assert decoded(b"") is None


def test_a_table_shows_the_time_of_this_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be set here")
    with monkeypatch.context() as here:
        here.setenv("TZ", "PET5")  # Peru: UTC-5
        time.tzset()
        table("", ["at", "serial", "none"], [["2026-11-26T23:00:00.000Z", "2026-11-26", None]])
        assert local("2026-11-26T03:04:05.678Z") == "2026-11-25 22:04:05"
    time.tzset()
    cells = re.split(r"\s{2,}", capsys.readouterr().out.splitlines()[1].strip())
    assert cells == ["2026-11-26 18:00:00", "2026-11-26", "—"]


def test_a_command_line_waits_for_nothing_that_its_command_does_not_need() -> None:
    """One name of the stock's module at the top of a command tripled what every command takes to begin."""
    heavy = {"PySide6", "asyncio", "cryptography", "cv2", "litestar", "numpy", "requests", "sqlalchemy"}
    ask = f"import sys, fieldtool.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    assert done.stdout.strip() == "[]"
