"""USB sticks that are plugged in and can be written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QStandardPaths, QStorageInfo

STICK_VARIABLE = "FIELDTOOL_USB"
#: Where desktops of Linux mount what is plugged in.
MOUNTED_BELOW = ("/media/", "/run/media/", "/mnt/")
WINDOWS_REMOVABLE = 2


def sticks() -> list[Path]:
    """Roots of the sticks, the one named by `FIELDTOOL_USB` first."""
    named = os.environ.get(STICK_VARIABLE)
    found = [Path(named)] if named and Path(named).is_dir() else []
    for volume in QStorageInfo.mountedVolumes():
        root = volume.rootPath()
        if volume.isReady() and volume.isValid() and not volume.isReadOnly() and _is_removable(root):
            found.append(Path(root))
    return found


def place_for_files() -> Path:
    """Where a file for somebody else is put: on a stick, else where this person's downloads go."""
    found = sticks()
    if found:
        return found[0]
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is_removable(root: str) -> bool:
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.GetDriveTypeW(root) == WINDOWS_REMOVABLE)
    return root.startswith(MOUNTED_BELOW)
