"""A panel read that the time cuts short says so, instead of putting serials into slots that nobody saw."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from assets import root
from fieldtool.scanning import panel
from fieldtool.scanning.codes import Code
from fieldtool.scanning.regions import Region
from fieldtool.scanning.rules import load_rules
from tests.support.panel_images import panel_photo

RULES = load_rules(root() / "labels")
UPPER_ROW = range(1, 7)


def test_what_was_not_looked_at_is_no_proof_of_where_the_panel_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three of four rows hang there; where the time was up before the border was seen, only orders know."""
    photo = panel_photo(4, 6, missing=list(UPPER_ROW), seed=3)
    whole = panel.read_panel(photo.image, RULES, rows=4, columns=6, budget_ms=20_000)
    codes = list(whole.codes)
    monkeypatch.setattr(panel, "decode", lambda *_: codes)
    # One stripe of a cable under the panel, where a label of a further row would be.
    seen = [slot for slot in whole.slots if slot.serial and slot.column == 5]
    above, last = (np.mean(slot.frame, axis=0) for slot in seen[-2:])
    x, y = last + (last - above)
    stripe = Region((float(x), float(y)), (1.0, 0.0), (0.0, 1.0), 40.0, 15.0, linear=True, weight=1.0)
    monkeypatch.setattr(panel.regions, "find", lambda _: [stripe])
    cable = panel.read_panel(photo.image, RULES, rows=4, columns=6, budget_ms=20_000)
    assert cable.unsure_origin is True, "one stripe is no label, however long one looks"
    # The clock has moved on past the budget each time it is asked.
    clock = itertools.count(0, 10)
    monkeypatch.setattr(panel.decoder, "clock", lambda: float(next(clock)))
    cut = panel.read_panel(photo.image, RULES, rows=4, columns=6, budget_ms=1)
    assert cut.unsure_origin is True
    known = {serial: slot for slot, serial in photo.serials.items()}
    told = panel.read_panel(photo.image, RULES, rows=4, columns=6, budget_ms=1, known=known)
    assert told.unsure_origin is False
    assert {slot.serial: slot.slot for slot in told.slots if slot.serial} == known


def test_the_lattice_is_that_of_all_codes_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes that the last look found count too: else each stands for another one's place."""
    photo = panel_photo(2, 4, seed=5)
    codes = list(panel.read_panel(photo.image, RULES, rows=2, columns=4, budget_ms=20_000).codes)
    late = codes[0]
    monkeypatch.setattr(panel, "decode", lambda *_: codes[1:])

    def finds(look: object, seen: list[Code], *_: object) -> tuple[list[Code], bool]:
        return [late, *seen], False

    monkeypatch.setattr(panel, "_looked_again", finds)
    fitted: list[Sequence[Code]] = []
    fit = panel.lattices.fit

    def fits(anchors: Sequence[Code], *wanted: int | None) -> object:
        fitted.append(anchors)
        return fit(anchors, *wanted)

    monkeypatch.setattr(panel.lattices, "fit", fits)
    ticks = iter([0.0, 0.0])
    monkeypatch.setattr(panel.decoder, "clock", lambda: next(ticks, 100.0))
    read = panel.read_panel(np.asarray(photo.image), RULES, rows=2, columns=4, budget_ms=1)
    assert late in fitted[-1]
    assert {slot.slot: slot.serial for slot in read.slots if slot.serial} == photo.serials
