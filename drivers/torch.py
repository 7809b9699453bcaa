"""The lamp beside a camera, where the system offers one as a LED: for labels in a dark cabinet.

Linux names such a LED by its function (`white:torch`, `white:flash`); its brightness is the steady light. It
is there for us only where its file may be written. Windows has no such door outside its own camera library:
there the lamp is not offered.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

log = logging.getLogger(__name__)
LEDS = Path("/sys/class/leds")
_LAMP = re.compile(r"(^|[:_-])(torch|flash)")


class Torch:
    """One lamp; `on` is what was asked last."""

    def __init__(self, led: Path) -> None:
        self._led = led
        self.on = False

    def light(self, on: bool) -> bool:
        """Turns it on or off; False where the system refuses."""
        try:
            most = int((self._led / "max_brightness").read_text()) if on else 0
            (self._led / "brightness").write_text(str(most))
        except (OSError, ValueError) as error:
            log.warning("the lamp does not obey: %s", type(error).__name__)
            return False
        self.on = on
        return True


def find(leds: Path | None = None) -> Torch | None:
    """The camera's lamp, or None where there is none that this user may switch."""
    folder = leds or LEDS
    try:
        lamps = sorted(led for led in folder.iterdir() if _LAMP.search(led.name))
    except OSError:
        return None
    return next((Torch(led) for led in lamps if os.access(led / "brightness", os.W_OK)), None)
