"""Keeps the catalogue of the screens complete: `python -m ui.texts [--write]`.

Collects what stands in `qsTr("…")` in QML and in `text("…")` or `say("…")` in controllers and wiring, and
names what `ui.<language>.json` lacks or no longer needs. `--write` puts new sources into `ui.es.json` and
takes dead ones out of all three.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import assets
from ui.translator import LANGUAGES

UI = Path(__file__).parent
IN_QML = re.compile(r'qsTr\("((?:[^"\\]|\\.)*)"')
IN_PYTHON = re.compile(r'(?:\b|\.)(?:text|say)\(\s*"((?:[^"\\]|\\.)*)"')


def sources() -> set[str]:
    """All texts of the screens; one that counts is there twice, the singular with `#one`."""
    found: set[str] = set()
    for path in UI.rglob("*.qml"):
        found.update(IN_QML.findall(path.read_text(encoding="utf-8")))
    for path in [*(UI / "controllers").glob("*.py"), *(UI / "wiring").glob("*.py")]:
        found.update(IN_PYTHON.findall(path.read_text(encoding="utf-8")))
    texts = {json.loads(f'"{text}"') for text in found}
    return texts | {text + "#one" for text in texts if "%n" in text}


def catalogue(language: str) -> dict[str, str]:
    """The screens' own file of one language."""
    path = assets.root() / f"translations/ui.{language}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def problems() -> list[str]:
    """What is missing or dead, one line each."""
    wanted = sources()
    found: list[str] = []
    for language in LANGUAGES:
        has = catalogue(language).keys()
        found += [f"{language} lacks “{text}”" for text in sorted(wanted - has)]
        found += [f"{language} no longer needs “{text}”" for text in sorted(has - wanted)]
    return found


def write() -> None:
    """Adds sources to Spanish as they stand, drops dead ones everywhere, sorts."""
    wanted = sources()
    for language in LANGUAGES:
        kept = {text: value for text, value in catalogue(language).items() if text in wanted}
        if language == "es":
            kept = {text: kept.get(text, text.removesuffix("#one")) for text in wanted}
        text = json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=2)
        (assets.root() / f"translations/ui.{language}.json").write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Command line; exit status 1 when a text is missing."""
    if "--write" in arguments:
        write()
    found = problems()
    sys.stdout.writelines(line + "\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
