"""*Por memoria USB*: what came from a stick is said in words, and what could not be used too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldtool.tablet.fromstick import take_from
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from tests.fieldtool.enrolled import enrolled_tablet, execute
from tests.ui.person import Person
from tests.workorders.offices import Bureau
from ui import views
from ui.preview.tablet import PreviewTablet
from ui.translator import CatalogueTranslator
from ui.wiring.formats import Formats
from ui.wiring.syncing import sync_view, taken_text


def test_a_crew_takes_from_a_stick_on_the_sync_page(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("sync")
        crew.until_sees("Por memoria USB")
        crew.tap("Traer de la memoria")
        crew.until_sees("Entrega de la cuadrilla 7")


def english() -> Formats:
    translator = CatalogueTranslator()
    translator.use("en")
    return Formats(Language.EN, ZoneInfo("America/Lima"), translator.text)


def said(tablet: Tablet, stick: Path) -> str:
    formats = english()
    try:
        return taken_text(take_from(tablet, stick), formats)
    except views.Failure as failure:
        return f"! {failure.message}: {failure.hint}"


def test_each_turn_of_a_stick_between_two_tablets_has_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = Bureau.open(tmp_path / "office")
    far = enrolled_tablet(bureau, tmp_path / "far", monkeypatch)
    near = enrolled_tablet(bureau, tmp_path / "near", monkeypatch, crew="B")
    stick = tmp_path / "stick"
    stick.mkdir()
    execute(far, far.orders(OrderFilter())[0].order_id)
    assert said(near, stick).startswith("Nothing yet. Now prepare the hand-over")
    far.hand_over(stick)
    assert said(near, stick) == "Hand-over of crew A: 4 records, 1 photos. It goes with the next connection."
    assert said(near, stick) == "That was on this tablet already."
    for path in stick.glob("*.ftbundle"):
        path.write_bytes(path.read_bytes()[:100])
    assert said(near, stick).startswith("! fieldtool-")
    page = sync_view(near.sync_summary(), near.status(), [], near.settings(), near.now(), english())
    assert [notice.title for notice in page.notices if notice.icon == "usb"] == [
        "Carries a hand-over of crew A"
    ]
