"""Words for people: key + parameters → text in Spanish, English or Portuguese.

Keys lie flat in `assets/translations/<area>.<language>.json`, one area for each part of the program. A
missing key never breaks a screen: the Spanish text, else the key itself, is shown, and a test says what is
missing.
"""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

import assets
from fieldtool.text import Language
from fieldtool.tomlfile import FileMistake


class _Lenient(dict[str, str]):
    """Leaves a placeholder in place that nobody filled."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def folder() -> Path:
    """Where the translations lie."""
    return assets.root() / "translations"


@functools.cache
def table(language: Language) -> dict[str, str]:
    """All keys of a language.

    Raises:
        FileMistake: a file is no flat JSON object of texts.
    """
    found: dict[str, str] = {}
    for path in sorted(folder().glob(f"*.{language.value}.json")):
        try:
            found |= msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except (msgspec.DecodeError, OSError) as error:
            raise FileMistake(path.name, 0, str(error)) from None
    return found


def has(key: str, language: Language) -> bool:
    """Whether the language has a text of its own for the key."""
    return key in table(language)


def text(key: str, language: Language, **params: object) -> str:
    """The text of `key`, its `{name}` placeholders filled from `params`."""
    template = table(language).get(key) or table(Language.ES).get(key) or key
    return template.format_map(_Lenient({name: str(value) for name, value in params.items()}))
