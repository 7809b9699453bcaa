"""qmllint with the controllers' types known finds nothing, and what is generated is fresh."""

from __future__ import annotations

from ui import icons, lint


def test_qmllint_finds_nothing() -> None:
    assert lint.main([]) == 0


def test_the_map_of_icons_is_fresh() -> None:
    assert icons.TARGET.read_text(encoding="utf-8") == icons.build()
