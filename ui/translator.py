"""Translations of the screens: flat JSON catalogues `assets/translations/<area>.<language>.json`.

What stands in QML is looked up by its Spanish text (`ui.<language>.json`); what comes from the packages
below by its key (`step.exchange.photo_before.title`). A source that counts with `%n` has a second entry
with `#one` for the singular. All areas are read into one map, so that both kinds go through one
`QTranslator`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTranslator

import assets

LANGUAGES = {"es": "Español", "en": "English", "pt": "Português"}
Catalogue = dict[str, str]


def load_catalogue(language: str, folder: Path | None = None) -> Catalogue:
    """All areas of one language in one map; raises `msgspec.ValidationError` on a wrong shape."""
    merged: Catalogue = {}
    for path in sorted((folder or assets.root() / "translations").glob(f"*.{language}.json")):
        merged.update(msgspec.json.decode(path.read_bytes(), type=Catalogue))
    return merged


class CatalogueTranslator(QTranslator):
    """A `QTranslator` over a catalogue; switching the language asks the engine to retranslate."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current = "es"
        self._catalogue: Catalogue = {}

    def use(self, language: str) -> None:
        """Takes another language; raises `KeyError` for one we have not."""
        if language not in LANGUAGES:
            raise KeyError(language)
        self.current = language
        self._catalogue = load_catalogue(language)

    def isEmpty(self) -> bool:
        return False

    def translate(
        self, context: str, source: bytes | str, disambiguation: bytes | str | None = None, n: int = -1
    ) -> str:
        """Text for `source`; what no catalogue knows stays as it is (an empty answer would blank it)."""
        text = source.decode() if isinstance(source, bytes) else source
        if n == 1 and (singular := self._catalogue.get(text + "#one")):
            return singular
        return self._catalogue.get(text, text)

    def text(self, source: str, **values: str) -> str:
        """Translates in Python, for text that does not stand in QML; `{name}` places are filled."""
        found = self.translate("", source)
        return found.format(**values) if values else found
