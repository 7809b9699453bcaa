"""The command line as another person at another machine would find it: no data and no keyring of ours."""

from __future__ import annotations

import os
from pathlib import Path


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Variables for a program whose data lies in `home`, under a passphrase."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIELDTOOL_")}
    ours = {"FIELDTOOL_HOME": str(home), "FIELDTOOL_PASSPHRASE": "una frase larga de prueba"}
    alone = {"PYTHONUTF8": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return kept | ours | alone | extra
