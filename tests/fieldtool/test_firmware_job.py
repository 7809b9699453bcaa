"""Firmware, the whole job: published by a command, fetched over a line that is cut, sent to a meter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from drivers.virtual.image_file import make_image
from fieldtool.settings import Line
from fieldtool.tablet.meterimage import images_for
from fieldtool.text import Language
from tests.drivers.field import virtual_meter
from tests.drivers.test_image import PRODUCT, SIZE
from tests.fieldtool.enrolled import enrolled_tablet
from tests.fieldtool.test_batch import batch
from tests.fieldtool.test_command_faults import environment, fieldtool
from tests.fieldtool.test_command_meter import at
from tests.support.cutting import cutting
from tests.workorders.offices import Bureau, write_project
from ui.wiring.formats import Formats
from ui.wiring.syncing import sync_view
from workorders.gateway import firmware
from workorders.gateway.firmware import ImageSaid


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """`fieldtool gateway serve` of this home; its address."""
    gateway = subprocess.Popen(
        [sys.executable, "-m", "fieldtool", "gateway", "serve", "--listen", "127.0.0.1:0", "--realm", "demo"],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert gateway.stdout is not None
        yield str(json.loads(gateway.stdout.readline())["url"])
    finally:
        gateway.terminate()
        gateway.wait(20)


def test_an_image_reaches_a_meter_from_the_engineers_command(tmp_path: Path) -> None:
    """Cut, resumed, checked, sent to a meter by its name alone, and taken back."""
    office, home = tmp_path / "office", tmp_path / "tablet"
    image = tmp_path / "fw140.bin"
    image.write_bytes(make_image(PRODUCT, "V1.40.00", SIZE))
    large = tmp_path / "large.bin"  # an hour at the optical port, three pieces on the line
    large.write_bytes(os.urandom(700_000))
    (tmp_path / "fw140.bin.toml").write_text(
        'models = ["prime-1ph", "x"]\nversion = "V1"\nidentifier = "FW140"'
    )

    def run(where: Path, *words: str) -> dict[str, object]:
        done = fieldtool(where, *words, "--json")
        assert done.returncode == 0, (words, done.stderr)
        return dict(json.loads(done.stdout))

    publish = ["gateway", "firmware", "publish", "demo", str(image), "--model", "prime-1ph"]
    load = ["gateway", "load", str(write_project(tmp_path / "project")), "--realm", "demo"]
    large_too = [*publish[:4], str(large), "--model", "g3-1ph"]
    words = (load, [*publish, "--version", "V1.40.00"], [*publish, "--version", "V1.40.00"], large_too)
    answers = batch(
        office, *[[*line, "--json"] for line in (*words, ["gateway", "firmware", "list", "demo"])]
    )
    assert [one["status"] for one in answers] == [0] * 5, answers
    _, first, again, _, shown = (json.loads(one["stdout"]) for one in answers)
    assert (first["published"], first["version"], again["published"]) == (True, 1, False)
    listed = shown["images"]
    assert [(one["name"], one["identifier"], one["version"], one["models"]) for one in listed] == [
        ("fw140.bin", "FW140", "V1.40.00", ["prime-1ph"]),
        ("large.bin", "large", "", ["g3-1ph"]),
    ], "what is said in words stands over the note, the rest comes from it"

    with serving(office) as url, cutting(url, None) as line:
        enrolment = ("gateway", "enrol", "--crew", "A", "--project", "demo", "--url", line.url)
        code = run(office, *enrolment)["code"]
        run(home, "enrol", line.url, str(code), "--realm", "demo")
        # A connection is cut after one piece of 256 KiB, more or less.
        line.bears = 400_000
        rounds = 0
        while True:
            rounds += 1
            done = fieldtool(home, "sync", "--firmware", "--json")
            report = json.loads(done.stdout)
            if report["state"] == "done":
                break
            assert (report["stage"], report["pending"], rounds < 9) == ("firmware", 0, True)
        assert line.cuts > 0
        assert (report["firmware"], report["firmware_coming"]) == (2, [])
        assert (home / "demo" / "firmware" / "large.bin").read_bytes() == large.read_bytes()
        placed = home / "demo" / "firmware" / "fw140.bin"
        assert placed.read_bytes() == image.read_bytes()

        with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.2") as meter:
            small = tmp_path / "other.bin"
            small.write_bytes(b"x")
            (tmp_path / "other.bin.toml").write_text('models = ["g3-1ph"]')
            refused = at(home, meter, "image", str(small), managed=True)
            assert (refused[0], "firmware_other_model" in refused[2]) == (1, True)
            status, out, err = at(home, meter, "image", "fw140.bin", "--json", managed=True)
            assert status == 0, err
            sent = json.loads(out)
            assert (sent["state"], sent["identifier"], sent["size"]) == ("verified", "FW140", SIZE)

        assert run(office, "gateway", "firmware", "withdraw", "demo", "fw140.bin")["version"] == 3
        line.bears = None
        assert run(home, "sync")["firmware_removed"] == 1
        assert not placed.exists()


def test_a_page_offers_an_image_of_the_office_only_for_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what a training or demo office offers is never shown where live work is done."""
    bureau = Bureau.open(tmp_path)
    bureau.now.moment = datetime.now(UTC)
    tablet = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    for name, model in (("a.bin", "prime-1ph"), ("b.bin", "g3-1ph")):
        said = ImageSaid(name=name, models=[model])
        firmware.publish_image(bureau.office, bureau.files, "demo", said, name.encode())
    assert tablet.sync(firmware=True).firmware == 2
    (tablet.home.firmware(tablet.realm) / "mine.bin").write_bytes(b"from a stick")
    found = images_for(tablet, "prime-1ph", [])
    assert [(one.path.name, one.offered) for one in found] == [("a.bin", True), ("mine.bin", False)]
    assert not tablet.home.firmware().exists()


def test_the_sync_page_says_what_is_still_to_come_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = Bureau.open(tmp_path)
    bureau.now.moment = datetime.now(UTC)
    tablet = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    monkeypatch.setattr(type(tablet.syncing), "costs", lambda self: tablet.settings().line is Line.METERED)
    image = firmware.publish_image(
        bureau.office, bureau.files, "demo", ImageSaid(name="fw.bin", models=["m"]), b"x" * 300_000
    ).image

    def notices() -> list[tuple[str, str]]:
        formats = Formats(Language.ES, ZoneInfo("America/Lima"), lambda text, **values: text.format(**values))
        view = sync_view(tablet.sync_summary(), tablet.status(), [], tablet.settings(), tablet.now(), formats)
        return [(notice.title, notice.text) for notice in view.notices]

    tablet.save_settings(msgspec.structs.replace(tablet.settings(), line=Line.METERED))
    waited = tablet.sync(all_files=True)
    assert (waited.firmware_wait, waited.blobs_wait) == ("metered", None), (
        "who sends photos asked for no more"
    )
    assert notices() == [("Firmware por recibir: fw.bin", "0 kB de 300 kB. Espera una red sin costo (wifi).")]
    tablet.save_settings(msgspec.structs.replace(tablet.settings(), line=Line.FREE))
    bureau.files.remove(image.sha256)
    tablet.sync()
    assert [title for title, _ in notices()] == ["Falta el firmware fw.bin"]
    assert "publicarla otra vez" in notices()[0][1]
