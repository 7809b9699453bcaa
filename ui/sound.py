"""The short sound of a code that was read, where the machine can make one without another library."""

from __future__ import annotations

import sys
from collections.abc import Callable


def of_this_machine() -> Callable[[], None] | None:
    """What makes the sound, or None where there is nothing for it. It returns while it plays."""
    if sys.platform == "win32":
        import winsound

        return winsound.MessageBeep
    return None
