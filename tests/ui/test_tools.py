"""The meter tool and the sync page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldtool.errors import JobError
from fieldtool.procedure.views import MeterReadBody, ReadingView
from fieldtool.tablet.reference import ReferenceRow, ReferenceState
from fieldtool.text import Language
from tests.fieldtool.world import make_world
from tests.ui.person import Person
from tests.ui.world_tablet import wired
from ui import views
from ui.preview.tablet import PreviewTablet
from ui.wiring.formats import Formats
from ui.wiring.items import status_word
from ui.wiring.meter_faces import read_face
from ui.wiring.references import reference_rows
from ui.wiring.titles import installed


def test_reading_a_meter_shows_what_it_says_and_what_is_wrong_with_the_wiring(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet(meter_view=views.Meter(state="ready"))) as crew:
        crew.screens.app.go("meter")
        crew.tap("Leer")
        crew.until_sees("Transformador de corriente de L2 invertido")
        assert crew.sees("−8,29")
        crew.tap("Eventos")
        crew.until_sees("Tapa de bornes abierta")


def test_a_sync_takes_away_what_waited(person: Callable[..., Person]) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("sync")
        crew.until_sees("12 por enviar")
        crew.tap("Intentar ahora")
        crew.until_sees("Todo enviado")
        crew.until(lambda: crew.sees("Conectado · último 10:50"))


def test_without_a_probe_the_page_says_what_to_do(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(meter_view=views.Meter(state="absent"))) as crew:
        crew.screens.app.go("meter")
        crew.until_sees("No hay sonda")
        assert crew.button("Leer") is None


def test_mas_says_which_published_files_are_in_use_and_which_could_not_be(
    person: Callable[..., Person],
) -> None:
    with person(PreviewTablet()) as crew:
        crew.screens.app.go("more")
        crew.until_sees("Versión 4 · 12 mar")
        assert crew.sees("Versión 3 no sirve aquí")
        assert crew.sees("Los que publicó la oficina")


def test_the_rows_of_mas_name_what_was_published_and_what_the_office_has() -> None:
    now = datetime(2026, 3, 14, 15, tzinfo=UTC)
    formats = Formats(Language.ES, ZoneInfo("America/Lima"), lambda text, **values: text.format(**values))
    rows = [
        ReferenceRow(kind="programs", state=ReferenceState.CURRENT),
        ReferenceRow(
            kind="procedures",
            state=ReferenceState.OUTDATED,
            version=4,
            published_at="2026-03-12T20:00:00.000Z",
            offered_version=5,
        ),
        ReferenceRow(
            kind="models",
            state=ReferenceState.REFUSED,
            offered_version=1,
            code="set_too_new",
            reason="form 9",
        ),
    ]
    shown = [(row.title, row.detail, row.verdict, row.tone) for row in reference_rows(rows, now, formats)]
    assert shown == [
        ("Procedimientos", "Versión 4 · 12 mar", "La oficina tiene la 5", "attention"),
        ("Modelos de medidor", "Lo que trae el programa", "Versión 1 no sirve aquí", "attention"),
    ]


def test_a_published_model_and_reason_have_the_names_that_their_files_give(tmp_path: Path) -> None:
    """The crew reads the title of a model that the program itself never heard of."""
    folders = {**installed(), "models": tmp_path}
    text = (installed()["models"] / "prime-1ph.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^name = .*$", 'name = "new-1ph"', text, count=1)
    text = re.sub(r"(?m)^title = .*$", 'title = { es = "Medidor nuevo" }', text, count=1)
    (tmp_path / "new-1ph.toml").write_text(text, "utf-8")
    formats = Formats(Language.ES, ZoneInfo("UTC"), lambda text, **_: text, folders)
    assert formats.model("new-1ph") == "Medidor nuevo"
    assert formats.program("residential-2.0TD") != "residential-2.0TD"
    assert formats.model("prime-1ph") != "prime-1ph", "the label rules name it still"


def test_what_no_check_vouches_for_is_said_in_words_and_stands_out() -> None:
    """The page of the reading showed the word of the driver."""
    formats = Formats(Language.ES, ZoneInfo("UTC"), lambda text, **values: text.format(**values))
    body = MeterReadBody(
        device="old",
        done=True,
        port=None,
        serial=None,
        model=None,
        firmware=None,
        not_obtainable=[],
        readings=[ReadingView(item="1.8.0", name="total", value="12", unit="kWh", status="unconfirmed")],
    )
    [fact] = read_face(body, {"stands": True}, formats).parts["facts"]
    assert (fact.detail, fact.tone) == ("Sin confirmar: léalo otra vez", "attention")
    assert status_word("hardware-fault", formats) == "El medidor no lo da"


def test_stopping_at_the_port_lets_the_sync_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, _ = wired(make_world(tmp_path, monkeypatch), tmp_path)
    cut: list[str] = []
    monkeypatch.setattr(backend.tablet.syncing, "cancel", lambda: cut.append("cut"))
    backend.cancel()
    assert cut == []
    backend.stop_sync()
    assert cut == ["cut"]
    backend.camera.close()


def test_what_fails_at_the_stock_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, _ = wired(make_world(tmp_path, monkeypatch), tmp_path)

    def broken(*_: object) -> None:
        raise JobError("not_enrolled", "this tablet is not enrolled")

    monkeypatch.setattr("ui.wiring.tablet.stock_view", broken)
    with pytest.raises(views.Failure):
        backend.stock()
    backend.camera.close()
