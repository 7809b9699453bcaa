"""``python -m drivers session|virtual-meter|…``: the programs that this package is run as.

Each is imported only when asked for: a session need not carry the virtual field, nor the other way round.
"""

from __future__ import annotations

import sys


def main(argv: list[str]) -> int:
    """Runs the program named first; returns its exit status (2: wrong usage)."""
    program = argv[0] if argv else ""
    if program in ("virtual-meter", "virtual-concentrator", "virtual-gps"):
        from drivers.virtual.cli import main as virtual

        return virtual(argv)
    if program == "virtual-image":
        from drivers.virtual.image_file import run_image

        return run_image(argv[1:])
    if program == "session":
        from drivers.session.program import main as session

        return session(argv[1:])
    sys.stderr.write(
        "usage: python -m drivers session|virtual-meter|virtual-concentrator|virtual-gps|virtual-image …\n"
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
