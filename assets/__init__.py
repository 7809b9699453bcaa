"""Where the data that ships with fieldtool lies; no code lives in this folder besides this.

Only `fieldtool` and `ui` import it; `drivers` and `workorders` receive paths from above.
"""

from __future__ import annotations

import sys
from pathlib import Path


def root() -> Path:
    """Folder of fonts, icons, translations, models, programs, procedures, technologies and projects.

    In a frozen bundle the data is unpacked beside the program, where PyInstaller says.
    """
    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen) / "assets" if frozen else Path(__file__).resolve().parent


def project(name: str) -> Path:
    """Folder of one demo project (`cusco`, `pucallpa`, `santacruz`, `prime`).

    Raises:
        FileNotFoundError: there is no such project; the text names the ones there are.
    """
    folder = root() / "projects" / name
    if Path(name).name != name or not (folder / "project.toml").is_file():
        there = ", ".join(sorted(path.parent.name for path in root().glob("projects/*/project.toml")))
        raise FileNotFoundError(f"no project {name!r}; there are: {there or 'none'}")
    return folder
