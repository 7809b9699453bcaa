"""Titles of meter models and programs, as the files in use give them: an id is nothing for a crew to read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import assets
from fieldtool.text import Language
from workorders.sync.reference import FILE_KINDS

Folders = Mapping[str, Path]
"""Where the files of each kind lie that the tablet works by."""


def installed() -> Folders:
    """The folders of what the program brings."""
    return {kind: assets.root() / kind for kind in FILE_KINDS}


def model_title(name: str, language: Language, folders: Folders) -> str:
    """Title of a meter model; of one without an optical port its label rules know a name; else the id."""
    found = (_titled(folders[kind], name, language) for kind in ("models", "labels"))
    return next((title for title in found if title), name)


def program_title(name: str, language: Language, folders: Folders) -> str:
    """Title of a configuration program; its id where there is no such file here."""
    return _titled(folders["programs"], name, language) or name


def procedure_title(name: str, language: Language, folders: Folders) -> str:
    """Title of a procedure; its id where there is no such file here."""
    places = (folders["procedures"], installed()["procedures"])  # an order may be of an older text
    return next((title for folder in places if (title := _titled(folder, name, language))), name)


def _titled(folder: Path, name: str, language: Language) -> str:
    return _titles(folder).get(name, {}).get(language.value, "")


@lru_cache(maxsize=16)
def _titles(folder: Path) -> dict[str, dict[str, str]]:
    """By id. A folder with published files is named by what is in it, so that it need be read only once."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        name = raw.get("name", raw.get("id"))
        title = raw.get("title", name)
        if isinstance(title, dict):
            found[name if isinstance(name, str) else path.stem] = title
    return found
