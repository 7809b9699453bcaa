"""Words of scanning, security and documents: the same keys in three languages, every error has its own."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from assets import root
from fieldtool import words
from fieldtool.text import Language

CODE = re.compile(r'(?:JobError|super\(\).__init__)\(\s*"([a-z_]+)"')
FOUND = re.compile(r'Finding\(code="([a-z_]+)"|Difference\(code="([a-z_]+)"')
CHECK = re.compile(r'CheckFailed\("([a-z_]+)"\)')


def sources(folder: str) -> str:
    return "".join(p.read_text() for p in sorted((root().parent / "fieldtool" / folder).glob("*.py")))


@pytest.mark.parametrize("area", ["scanning", "security", "documents"])
def test_the_three_languages_have_the_same_keys_and_placeholders(area: str) -> None:
    def load(language: Language) -> dict[str, str]:
        path: Path = words.folder() / f"{area}.{language.value}.json"
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])

    spanish = load(Language.ES)
    for language in (Language.EN, Language.PT):
        other = load(language)
        assert set(other) == set(spanish)
        for key, text in other.items():
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", spanish[key])), key


@pytest.mark.parametrize("folder", ["scanning", "security", "documents"])
def test_every_error_says_what_happened_and_what_to_try(folder: str) -> None:
    codes = set(CODE.findall(sources(folder)))
    assert codes
    for code in codes - {"unreadable_image"}:
        assert words.has(f"error.{code}", Language.ES), code
        assert words.has(f"error.{code}.hint", Language.ES), code


def test_every_finding_and_every_refusal_has_words() -> None:
    findings = {a or b for a, b in FOUND.findall(sources("documents"))}
    assert len(findings) > 10
    assert not [c for c in findings if not words.has(f"record.check.{c}", Language.PT)]
    reasons = set(CHECK.findall(sources("scanning"))) | {"check_digit"}
    assert not [r for r in reasons if not words.has(f"scan.refused.{r}", Language.EN)]
