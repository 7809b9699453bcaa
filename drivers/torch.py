"""The lamp beside a camera, where the system offers one: for labels in a dark cabinet.

Linux names a LED by its function (`white:torch`, `white:flash`); its brightness is the steady light. It is
there for us only where its file may be written. Windows offers the lamp of a tablet apart from its camera
(WinRT `Windows.Devices.Lights.Lamp`).
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)
LEDS = Path("/sys/class/leds")
_LAMP = re.compile(r"(^|[:_-])(torch|flash)")


class Torch(Protocol):
    """One lamp; `on` is what it was brought to last."""

    on: bool

    def light(self, on: bool) -> bool:
        """Turns it on or off; False where the system refuses."""
        ...


class Led:
    """A lamp of Linux."""

    def __init__(self, led: Path) -> None:
        self._led = led
        self.on = False

    def light(self, on: bool) -> bool:
        """As `Torch.light`."""
        try:
            most = int((self._led / "max_brightness").read_text()) if on else 0
            (self._led / "brightness").write_text(str(most))
        except (OSError, ValueError) as error:
            log.warning("the lamp does not obey: %s", type(error).__name__)
            return False
        self.on = on
        return True


def find_led(leds: Path = LEDS) -> Torch | None:
    """The lamp of Linux that this user may switch, or None."""
    try:
        lamps = sorted(led for led in leds.iterdir() if _LAMP.search(led.name))
    except OSError:
        return None
    return next((Led(led) for led in lamps if os.access(led / "brightness", os.W_OK)), None)


class LampOfWindows(Protocol):
    """What of `Windows.Devices.Lights.Lamp` is used; a refusal is an `OSError`."""

    brightness_level: float
    is_enabled: bool


class WindowsLamp:
    """A lamp of Windows."""

    def __init__(self, lamp: LampOfWindows) -> None:
        self._lamp = lamp
        self.on = False

    def light(self, on: bool) -> bool:
        """As `Torch.light`."""
        try:
            if on:
                self._lamp.brightness_level = 1.0
            self._lamp.is_enabled = on
        except OSError as error:  # another program holds it, or it became too hot
            log.warning("the lamp does not obey: %s", type(error).__name__)
            return False
        self.on = on
        return True


if sys.platform != "win32":

    def find() -> Torch | None:
        """*Slow.* The camera's lamp, or None where there is none that this user may switch."""
        return find_led()

else:
    import asyncio

    from winrt.windows.devices.lights import Lamp

    async def _default() -> Lamp | None:
        return await Lamp.get_default_async()

    def find() -> Torch | None:
        """*Slow.* The camera's lamp, or None where there is none."""
        try:
            lamp = asyncio.run(_default())
        except OSError:  # what WinRT raises: this Windows has no such service
            return None
        return WindowsLamp(lamp) if lamp is not None else None
