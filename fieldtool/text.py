"""A text in the three languages of the screens, as it stands in procedure and technology files."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Language(StrEnum):
    """Languages of the screens; Spanish is the first."""

    ES = "es"
    EN = "en"
    PT = "pt"


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in all languages; files must give all three."""

    es: str
    en: str
    pt: str

    def in_language(self, language: Language) -> str:
        """The text in `language`."""
        if language is Language.EN:
            return self.en
        if language is Language.PT:
            return self.pt
        return self.es
