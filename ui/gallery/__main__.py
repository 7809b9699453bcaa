"""`python -m ui.gallery [--render DIR] [--size 1280x800] [--lang es] [--theme light|dark] [--only NAME…]`."""

from __future__ import annotations

import argparse
import sys
from itertools import chain
from pathlib import Path


def look_through(language: str, dark: bool) -> int:
    """Opens the program over the preview, to use it by hand."""
    from ui.app import show
    from ui.preview.tablet import PreviewTablet

    return show(PreviewTablet(), sys.argv[:1], language=language, dark=dark)


def main(arguments: list[str]) -> int:
    """Renders to a folder and names every complaint, or opens a window to look through."""
    parser = argparse.ArgumentParser(prog="python -m ui.gallery", description=__doc__)
    parser.add_argument(
        "--render", type=Path, metavar="DIR", help="write one PNG a page here, without a window"
    )
    parser.add_argument("--size", default="1280x800", help="WIDTHxHEIGHT in device-independent pixels")
    parser.add_argument("--lang", default="es", choices=["es", "en", "pt"])
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="pages whose name begins so")
    options = parser.parse_args(arguments)
    if options.render is None:
        return look_through(options.lang, options.theme == "dark")
    from ui.gallery.render import Look, render, render_controls, save
    from ui.gallery.scenes import SCENES

    width, height = (int(part) for part in options.size.lower().split("x"))
    look = Look(width, height, options.lang, options.theme == "dark")
    chosen = [one for one in SCENES if not options.only or one.name.startswith(tuple(options.only))]
    controls = (
        [] if options.only and not any("controles".startswith(name) for name in options.only) else [look]
    )
    failed = 0
    for rendered in chain(*(render_controls(one) for one in controls), render(chosen, look)):
        path = save(rendered, options.render)
        failed += len(rendered.complaints)
        sys.stdout.write(f"{path}\n")
        for complaint in rendered.complaints:
            sys.stdout.write(f"    {complaint}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
