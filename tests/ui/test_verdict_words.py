"""The office's answer to an entry is told in the person's language, by its code."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import workorders.gateway.authenticity
import workorders.gateway.push
import workorders.journal.entry
from fieldtool.text import Language
from ui.wiring.formats import Formats
from ui.wiring.lists import why
from workorders.store.fold import order
from workorders.store.fold.raised import URGENT
from workorders.store.opened import ERASED, LOCKED

MODULES = (workorders.gateway.authenticity, workorders.gateway.push, workorders.journal.entry)
IN_CODE = re.compile(r'(?:Refused\(\s*VerdictKind\.\w+, |EntryError\(\s*)"(\w+)"')
RAISED = re.compile(r'_raise\(\s*"(\w+)"')


def codes() -> list[str]:
    """Every code that the gateway can answer with, as its sources name them, and what the folds raise."""
    found: set[str] = set(URGENT)
    for module in MODULES:
        found |= set(IN_CODE.findall(Path(module.__file__).read_text("utf-8")))
    found |= set(RAISED.findall(Path(order.__file__).read_text("utf-8")))
    found |= {"grant_expired", "grant_wrong_signature", "certificate_expired", "certificate_wrong_issuer"}
    return sorted(found | {"implausible_reading", "customer_refused", "seal_broken"})


@pytest.mark.parametrize("language", list(Language))
def test_every_code_of_a_verdict_has_a_word(language: Language) -> None:
    formats = Formats(language, ZoneInfo("UTC"), lambda text, **_: f"unworded {text}")
    assert len(codes()) > 25
    unworded = [code for code in codes() if why(code, formats).startswith("unworded")]
    assert unworded == []
    assert why("applied", formats) == why(None, formats) == ""


def test_a_reason_that_cannot_be_read_says_why_and_a_known_one_is_worded() -> None:
    formats = Formats(Language.ES, ZoneInfo("UTC"), lambda text, **_: text)
    assert formats.told(ERASED) == "Datos borrados"
    assert formats.told(LOCKED) == "Cerrado: la clave no está en este equipo"
    assert formats.told("emergency") == "Urgencia del suministro"
    assert formats.told("the label is torn") == "the label is torn"
