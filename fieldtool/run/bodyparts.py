"""What several kinds of page show alike."""

from __future__ import annotations

from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.text import Language


def options(choices: list[m.Choice], language: Language) -> list[v.Option]:
    """Choices as a page offers them."""
    return [
        v.Option(id=choice.id, text=choice.text.in_language(language), photo=choice.photo, note=choice.note)
        for choice in choices
    ]
