"""Titles of meter models and programs, as their files give them: an id is nothing for a crew to read."""

from __future__ import annotations

import tomllib
from functools import cache

import assets
from fieldtool.text import Language


def model_title(name: str, language: Language) -> str:
    """Title of a meter model; of one without an optical port its label rules know a name; else the id."""
    return _titled("models", name, language) or _titled("labels", name, language) or name


def program_title(name: str, language: Language) -> str:
    """Title of a configuration program; its id where there is no such file here."""
    return _titled("programs", name, language) or name


def _titled(folder: str, name: str, language: Language) -> str:
    return _titles(folder).get(name, {}).get(language.value, "")


@cache
def _titles(folder: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in sorted((assets.root() / folder).glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        name = raw.get("name")
        title = raw.get("title", name)
        if isinstance(title, dict):
            found[name if isinstance(name, str) else path.stem] = title
    return found
