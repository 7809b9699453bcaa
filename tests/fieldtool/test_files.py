"""Files that engineers write by hand, and words: a mistake is named with file, line and reason."""

from __future__ import annotations

import re
import string
from pathlib import Path

import msgspec
import pytest

import assets
from fieldtool import words
from fieldtool.procedure.model import load_procedure, load_procedures
from fieldtool.text import Language
from fieldtool.tomlfile import FileMistake

EXCHANGE = assets.root() / "procedures" / "exchange.toml"


def broken(folder: Path, old: str, new: str) -> FileMistake:
    text = EXCHANGE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "exchange.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FileMistake) as caught:
        load_procedure(path)
    return caught.value


def line_with(text: str) -> int:
    lines = EXCHANGE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_shipped_procedures_load() -> None:
    procedure = load_procedures(EXCHANGE.parent)["exchange"]
    assert procedure.version >= 1
    assert {choice.id for choice in procedure.not_done} >= {
        "cannot_locate",
        "no_access",
        "locked_gate",
        "refusal",
        "obstruction",
        "animals",
        "leak",
        "unsafe_installation",
        "wrong_meter_on_order",
        "meter_mismatch",
        "no_stock",
        "weather",
    }


def test_a_syntax_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'what = "before"', "what = before")
    assert (mistake.file, mistake.line) == ("exchange.toml", line_with('what = "before"'))


def test_an_unknown_word_is_named_with_its_line(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'what = "before"', 'wath = "before"')
    assert "wath" in mistake.reason
    assert mistake.line == line_with('what = "before"')


def test_an_unknown_step_kind_is_named_with_its_line(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'kind = "photo"', 'kind = "picture"')
    assert "picture" in mistake.reason
    assert abs(mistake.line - line_with('kind = "photo"')) <= 2


def test_a_missing_language_is_a_mistake(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'pt = "Chegada"', 'xx = "Chegada"')
    assert mistake.line == line_with('pt = "Chegada"')


def test_a_reference_to_a_later_step_is_a_mistake(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'redo_after = ["old_scan"]', 'redo_after = ["leave"]')
    assert "leave" in mistake.reason


def test_only_confirm_steps_can_be_safety_steps(tmp_path: Path) -> None:
    mistake = broken(tmp_path, 'what = "before"', 'what = "before"\nsafety = true')
    assert "safety" in mistake.reason


def test_a_file_that_is_not_there_or_not_text_is_a_clear_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileMistake, match="No such file"):
        load_procedure(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileMistake, match="UTF-8"):
        load_procedure(tmp_path / "b.toml")


def areas() -> list[str]:
    """All but the screens' own, where plural forms differ by language (their own test compares those)."""
    return sorted({path.name.split(".")[0] for path in words.folder().glob("*.json")} - {"ui"})


@pytest.mark.parametrize("area", areas())
def test_all_languages_have_the_same_keys_and_placeholders(area: str) -> None:
    tables = {
        language: msgspec.json.decode(
            (words.folder() / f"{area}.{language.value}.json").read_bytes(), type=dict[str, str]
        )
        for language in Language
    }
    keys = set(tables[Language.ES])
    for language, table in tables.items():
        assert set(table) == keys, language
        for key, text in table.items():
            fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            spanish = {name for _, name, _, _ in string.Formatter().parse(tables[Language.ES][key]) if name}
            assert fields == spanish, (language, key)


def test_every_problem_that_a_rule_can_raise_has_a_text() -> None:
    found: set[str] = set()
    root = Path(words.__file__).parent
    for path in [*root.glob("procedure/*.py"), *root.glob("run/*.py")]:
        found |= set(re.findall(r'Problem\(\s*code="([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(found) > 30
    assert [code for code in sorted(found) if not words.has(f"problem.{code}", Language.ES)] == []


def test_every_error_of_the_job_has_a_text() -> None:
    found: set[str] = set()
    root = Path(words.__file__).parent
    for path in root.rglob("*.py"):
        found |= set(re.findall(r'JobError\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8")))
    missing = [code for code in sorted(found) if not words.has(f"error.{code}", Language.ES)]
    assert missing == []


def test_a_placeholder_that_nobody_fills_breaks_nothing() -> None:
    assert "{order}" in words.text("match.cause.swapped_order", Language.EN)
    assert words.text("no.such.key", Language.EN) == "no.such.key"
