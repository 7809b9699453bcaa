"""Which camera is looked through first, and the lamp beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import camera, torch


def device(sysfs: Path, number: int, name: str, index: str = "0") -> None:
    folder = sysfs / f"video{number}"
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "index").write_text(f"{index}\n")


def test_the_rear_camera_comes_first_and_one_camera_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one of a tablet looks at the crew's face, and each one has a device without pictures too."""
    for number, (name, index) in enumerate(
        [("Front Camera", "0"), ("Front Camera", "1"), ("Rear Camera", "0"), ("Rear Camera", "1")]
    ):
        device(tmp_path, number, name, index)
    there = [Path(f"/dev/video{number}") for number in range(5)]
    monkeypatch.setattr(camera.sys, "platform", "linux")
    monkeypatch.setattr(camera.Path, "glob", lambda self, pattern: iter(there))
    monkeypatch.setattr(camera, "_DEVICES", tmp_path)
    assert camera.discover() == ["camera:2", "camera:0", "camera:4"]


def test_a_lamp_is_switched_only_where_it_may_be(tmp_path: Path) -> None:
    assert torch.find_led(tmp_path / "nothing") is None
    for name in ("input3::capslock", "white:flash"):
        (tmp_path / name).mkdir()
    assert torch.find_led(tmp_path) is None
    led = tmp_path / "white:flash"
    (led / "max_brightness").write_text("7\n")
    (led / "brightness").write_text("0\n")
    lamp = torch.find_led(tmp_path)
    assert lamp is not None
    assert lamp.light(True)
    assert (lamp.on, (led / "brightness").read_text()) == (True, "7")
    assert lamp.light(False)
    assert (lamp.on, (led / "brightness").read_text()) == (False, "0")
    (led / "max_brightness").write_text("?")
    assert not lamp.light(True)
    assert not lamp.on


class Lamp:
    """The lamp of a Windows tablet; `busy` while another program holds it."""

    brightness_level = 0.2
    busy = False
    lit = False

    @property
    def is_enabled(self) -> bool:
        return self.lit

    @is_enabled.setter
    def is_enabled(self, on: bool) -> None:
        if self.busy:
            raise PermissionError
        self.lit = on


def test_the_lamp_of_windows_burns_as_bright_as_it_can_and_says_when_it_does_not_obey() -> None:
    lamp = Lamp()
    ours = torch.WindowsLamp(lamp)
    assert ours.light(True)
    assert (ours.on, lamp.lit, lamp.brightness_level) == (True, True, 1.0)
    lamp.busy = True
    assert not ours.light(False)
    assert ours.on, "it burns still, and the crew must see that"
