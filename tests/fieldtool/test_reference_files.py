"""Files that an engineer publishes are read by the rules of those who use them; a mistake has its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import assets
from fieldtool.reference import sources
from fieldtool.reference.reader import Reader, installed_files, kind_of_text
from workorders.sync.reference import FILE_KINDS

EXCHANGE = (assets.root() / "procedures" / "exchange.toml").read_text(encoding="utf-8")
READER = Reader()


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_what_the_program_brings_could_be_published_as_it_is(kind: str) -> None:
    texts = {name: data.decode() for name, data in installed_files(assets.root(), kind).items()}
    assert texts
    assert READER.problems(kind, texts) == []
    assert {kind_of_text(text) for text in texts.values()} == {kind}


@pytest.mark.parametrize(
    ("kind", "name", "was", "now", "reason"),
    [
        ("procedures", "exchange.toml", 'kind = "scan"', 'kind = "scam"', "scam"),
        ("procedures", "exchange.toml", 'kind = "scan"', "kind = scan", "Invalid value"),
        ("models", "prime-1ph.toml", "3:1.0.1.8.0.255:2", "3:1.0.1.8.0.2555:2", "3:1.0.1.8.0.2555:2"),
        ("programs", "residential-2.0TD.toml", "\nversion = ", "\nversion = 'x' # ", "version"),
        ("labels", "prime-1ph.toml", 'pattern = "', 'pattern = "(', "regular expression"),
        ("technologies", "prime.toml", "[tree]", "[tree]\nbranches = 3", "branches"),
    ],
)
def test_a_mistake_has_file_line_and_reason(kind: str, name: str, was: str, now: str, reason: str) -> None:
    text = (assets.root() / kind / name).read_text(encoding="utf-8")
    assert was in text
    line = text[: text.index(was)].count("\n") + 1 + now.count("\n")
    found = READER.problems(kind, {name: text.replace(was, now, 1)})
    assert [(one.kind, one.file, one.line) for one in found] == [(kind, name, line)]
    assert reason in found[0].reason


def test_every_file_with_a_mistake_is_told_not_only_the_first() -> None:
    found = READER.problems("models", {"a.toml": "name = 1\n", "b.toml": "[[["})
    assert [one.file for one in found] == ["a.toml", "b.toml"]


def test_a_file_has_the_name_of_what_it_holds() -> None:
    """Else it would stand beside what it is meant to replace, and a tablet would have two of one id."""
    found = READER.problems("procedures", {"my-exchange.toml": EXCHANGE})
    assert [(one.line, "exchange" in one.reason) for one in found] == [(4, True)], found


def test_a_changed_text_under_its_old_version_is_doubted() -> None:
    changed = EXCHANGE + "\n# changed\n"
    assert [one.line for one in READER.doubts("procedures", {"exchange.toml": changed}, {})] == [5]
    raised = re.sub(r"(?m)^version = \d+$", "version = 99", changed)
    assert READER.doubts("procedures", {"exchange.toml": raised}, {}) == []
    assert READER.doubts("procedures", {"exchange.toml": EXCHANGE}, {}) == []
    assert READER.doubts("procedures", {"exchange.toml": raised}, {"exchange.toml": raised + "#"})


def test_files_are_gathered_with_their_kinds(tmp_path: Path) -> None:
    for kind in ("models", "labels"):
        (tmp_path / kind).mkdir()
    model = tmp_path / "models" / "m.toml"
    model.write_text("name = 1", "utf-8")
    loose = tmp_path / "exchange.toml"
    loose.write_text(EXCHANGE, "utf-8")
    assert sources.of_folder(tmp_path) == {"models": {"m.toml": "name = 1"}, "labels": {}}
    found = sources.of_files([model, loose], None)
    assert {kind: list(texts) for kind, texts in found.items()} == {
        "models": ["m.toml"],
        "procedures": ["exchange.toml"],
    }


def test_what_cannot_be_gathered_is_told_with_its_line(tmp_path: Path) -> None:
    texts = {"latin.toml": b"a = 1\nb = '\xe9'\n", "broken.toml": b"a = 1\nb =\n", "riddle.toml": b"a = 1\n"}
    for name, data in texts.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(sources.FilesUnreadable) as error:
        sources.of_files([tmp_path / name for name in (*texts, "absent.toml")], None)
    found = {one.file: one.line for one in error.value.problems}
    assert found == {"latin.toml": 2, "broken.toml": 2, "riddle.toml": 0, "absent.toml": 0}
    with pytest.raises(sources.FilesUnreadable):
        sources.of_folder(tmp_path)
