"""Spanish, English and Portuguese say the same things."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QTranslator

from ui import texts
from ui.translator import LANGUAGES, message_file


def test_no_text_is_missing_or_dead_in_any_language() -> None:
    assert texts.problems() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_of_its_source(language: str) -> None:
    places = re.compile(r"%\d|%n|\{\w+\}")
    for source, translation in texts.catalogue(language).items():
        assert sorted(places.findall(source)) == sorted(places.findall(translation)), source


words = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00#"), min_size=1, max_size=30
)


@given(st.dictionaries(words, words, max_size=20))
def test_qt_finds_every_message_of_a_file_made_in_memory(catalogue: dict[str, str]) -> None:
    data = message_file(catalogue)
    translator = QTranslator()
    assert translator.load(data)
    for source, translation in catalogue.items():
        assert translator.translate("AnyPage", source, "") == translation


def test_one_and_many_are_told_apart() -> None:
    data = message_file({"%n órdenes": "%n orders", "%n órdenes#one": "%n order"})
    translator = QTranslator()
    assert translator.load(data)
    assert [translator.translate("", "%n órdenes", "", n) for n in (0, 1, 2)] == [
        "%n orders",
        "%n order",
        "%n orders",
    ]
