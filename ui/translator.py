"""Translations of the screens: flat JSON catalogues `assets/translations/<area>.<language>.json`.

What stands in QML is looked up by its Spanish text (`ui.<language>.json`); what comes from the packages
below by its key (`step.exchange.photo_before.title`). A source that counts with `%n` has a second entry
with `#one` for the singular. All areas are read into one map and handed to Qt as one message file made in
memory (the `.qm` format, as `lrelease` writes it), so that no compiled file has to be kept beside the
catalogues.

A `QTranslator` written in Python would be shorter, but would be called for every text of every page, and
some versions of PySide6 lose a reference to `None` on each call.
"""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
from PySide6.QtCore import QLocale, QObject, QTranslator

import assets

LANGUAGES = {"es": "Español", "en": "English", "pt": "Português"}
LOCALES = {"es": "es_ES", "en": "en_GB", "pt": "pt_BR"}
Catalogue = dict[str, str]

_MAGIC = bytes.fromhex("3cb86418caef9c95cd211cbf60a1bddd")
_HASHES, _MESSAGES, _NUMERUS_RULES = 0x42, 0x69, 0x88
_END, _TRANSLATION, _SOURCE_TEXT = 1, 3, 6
#: "n equals 1": the first form, anything else the second. Holds for the three languages we have.
_ONE_OR_OTHER = bytes((0x01, 1))
_SINGULAR = "#one"


def load_catalogue(language: str, folder: Path | None = None) -> Catalogue:
    """All areas of one language in one map; raises `msgspec.ValidationError` on a wrong shape."""
    merged: Catalogue = {}
    for path in sorted((folder or assets.root() / "translations").glob(f"*.{language}.json")):
        merged.update(msgspec.json.decode(path.read_bytes(), type=Catalogue))
    return merged


def message_file(catalogue: Catalogue) -> bytes:
    """The catalogue as a Qt message file (`.qm`): messages without a context, by the hash of their source."""
    hashes: list[tuple[int, int]] = []
    messages = bytearray()
    for source, translation in catalogue.items():
        if source.endswith(_SINGULAR):
            continue
        singular = catalogue.get(source + _SINGULAR)
        forms = [singular, translation] if singular else [translation]
        if "%n" in source and not singular:
            forms = [translation, translation]
        hashes.append((_elf_hash(source.encode()), len(messages)))
        for form in forms:
            messages += _tagged(_TRANSLATION, form.encode("utf-16-be"))
        messages += _tagged(_SOURCE_TEXT, source.encode()) + bytes((_END,))
    table = b"".join(struct.pack(">II", *entry) for entry in sorted(hashes))
    sections = _tagged(_HASHES, table) + _tagged(_MESSAGES, bytes(messages))
    return _MAGIC + sections + _tagged(_NUMERUS_RULES, _ONE_OR_OTHER)


def _tagged(tag: int, content: bytes) -> bytes:
    return struct.pack(">BI", tag, len(content)) + content


def _elf_hash(text: bytes) -> int:
    value = 0
    for byte in text:
        value = ((value << 4) + byte) & 0xFFFFFFFF
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value or 1


class CatalogueTranslator(QTranslator):
    """Qt's translator over one catalogue; after `use` the engine is asked to retranslate."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current = "es"
        self._catalogue: Catalogue = {}
        self._messages = b""

    def use(self, language: str) -> None:
        """Takes another language; raises `KeyError` for one we have not."""
        if language not in LANGUAGES:
            raise KeyError(language)
        self.current = language
        self._catalogue = load_catalogue(language)
        # Qt reads from this memory for as long as the language is used.
        self._messages = message_file(self._catalogue)
        self.load(self._messages)
        # Figures that QML writes itself (axes) follow the language too.
        QLocale.setDefault(QLocale(LOCALES[language]))

    def text(self, source: str, **values: str) -> str:
        """Translates in Python, for text that does not stand in QML; `{name}` places are filled."""
        found = self._catalogue.get(source, source)
        return found.format(**values) if values else found
