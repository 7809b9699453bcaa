"""The exchange procedure, page by page, as a crew does it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.ui.person import Person
from ui import views
from ui.backend import Answers, Report
from ui.preview import configuring, steps
from ui.preview.tablet import PreviewTablet


def begin(crew: Person) -> None:
    crew.screens.app.startOrder("SCZ-118204")


def test_a_point_not_ticked_keeps_the_button_closed(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="voltage")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("faltan 3 puntos")
        for point in ("Con tensión: marca", "En los bornes: no marca", "Con tensión otra vez: marca"):
            crew.tap(point)
        crew.tap("Sin tensión, comprobado")
        crew.until(lambda: tablet.answers != [])
    assert tablet.answers[0] == ("voltage", {"checks": {"live": True, "dead": True, "live_again": True}})


def test_the_dial_reading_goes_on_as_text_and_outside_the_range_is_asked_once(
    person: Callable[..., Person],
) -> None:
    tablet = PreviewTablet(step="dial")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("Lectura del dial")
        crew.tap("9")
        crew.until_sees("Fuera de lo esperado: 18 204 – 18 540")
        crew.until_sees("diga por qué")
        crew.tap("El consumo cambió")
        crew.tap("Guardar lectura")
        crew.until(lambda: tablet.answers != [])
    assert tablet.answers[0] == (
        "dial",
        {"value": "183429", "reason": "usage_changed", "confirmed_outside": True},
    )


def test_a_mismatch_offers_the_remedy_and_goes_on_when_it_is_mended(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="match")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("No coincide")
        assert crew.sees("Cambiado con la orden SCZ-118207")
        assert crew.button("Configurar medidor") is None
        crew.tap("Montar el 8836 y escanear")
        crew.until_sees("Las cuatro fuentes nombran")
        crew.tap("Configurar medidor")
        crew.until_sees("Cambios delicados")
    assert [name for name, _ in tablet.answers] == ["match:rescan", "match"]


def test_an_override_needs_reason_words_and_the_pin_of_who_permits_it(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="match")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("No coincide")
        button = crew.button("Pedir excepción…")
        assert button is not None
        assert button.property("kind") == "secondary"
        crew.tap("Pedir excepción…")
        crew.tap("La orden está mal")
        crew.until_sees("falta contar qué pasó")
        words = next(item for item in crew.visible() if item.inherits("QQuickTextArea"))
        crew.tap_item(words)
        crew.type("lo dijo la oficina")
        crew.until_sees("falta el PIN")
        for figure in "246810":
            crew.tap(figure)
        crew.tap("Guardar")
        crew.until(lambda: tablet.answers != [])
    expected = {
        "otherwise": "order_wrong",
        "note": "lo dijo la oficina",
        "person": "p2",
        "pin": "246810",
    }
    assert tablet.answers == [("match:override", expected)]


def test_dangerous_changes_are_permitted_by_figures_and_a_long_press(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="configure", overrides={"configure": configuring.PLAN_ASKING})
    with person(tablet) as crew:
        begin(crew)
        crew.tap("Permitir los delicados")
        crew.until_sees("Clave de cifrado")
        for figure in "8836":
            crew.tap(figure)
        crew.until_sees("mantenga apretado 1,5 s")
        crew.hold("Permitir y escribir", 1900)
        crew.until(lambda: tablet.answers != [])
        crew.until(lambda: crew.button("Seguir") is not None)
    assert tablet.answers == [("configure:allow", {"allow": ["6", "7"], "confirmation": "8836"})]


def test_writing_can_be_cancelled_at_any_moment(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="configure")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("Puede cancelar ahora.")
        crew.tap("Cancelar")
        crew.until(lambda: tablet.cancelled == 1)


def test_the_relay_needs_the_last_four_figures_and_a_long_press(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="relay")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("escriba antes las cuatro cifras")
        for figure in "8837":
            crew.tap(figure)
        crew.until_sees("No son las cifras de este medidor")
        crew.tap("Borrar")
        crew.tap("6")
        crew.until_sees("mantenga apretado 1,5 s")
        crew.hold("Abrir y cerrar el relé", 400)
        assert tablet.answers == []
        crew.hold("Abrir y cerrar el relé", 1900)
        crew.until(lambda: tablet.answers == [("relay:relay", {"confirmation": "8836"})])


def test_a_signature_is_strokes_and_an_absent_customer_needs_a_witness(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="signature")
    with person(tablet) as crew:
        begin(crew)
        crew.until_sees("falta la firma")
        crew.tap("Ausente")
        crew.until_sees("diga quién es testigo")
        crew.tap("Firma")
        pad = next(
            item for item in crew.visible() if item.metaObject().className().startswith("SignaturePad")
        )
        middle = crew.place(pad)
        QTest.mousePress(crew.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        for step in range(1, 8):
            QTest.mouseMove(crew.window, middle + QPoint(step * 12, (step % 3) * 9))
        end = middle + QPoint(90, 0)
        QTest.mouseRelease(crew.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
        crew.tap("Guardar firma")
        crew.until(lambda: tablet.answers != [])
    step, answer = tablet.answers[0]
    assert (step, answer["outcome"]) == ("signature", "signed")
    assert len(answer["strokes"][0]) > 3  # type: ignore[index,arg-type]  # lists of points from QML


def test_the_last_step_leads_back_to_the_orders(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(step="summary")) as crew:
        begin(crew)
        crew.tap("Sitio limpio, caja cerrada, suministro repuesto")
        crew.tap("Terminar la orden")
        crew.until_sees("Orden terminada. Guardada en este equipo.")
        crew.until_sees("Buscar serie")


def test_a_new_step_of_the_same_kind_starts_with_no_answer(person: Callable[..., Person]) -> None:
    tablet = PreviewTablet(step="site")
    tablet.overrides["hazards"] = steps.STEPS["voltage"]
    with person(tablet) as crew:
        begin(crew)
        crew.tap("Sí, estoy aquí")
        crew.until_sees("faltan 3 puntos")


def test_back_shows_the_step_before(person: Callable[..., Person]) -> None:
    with person(PreviewTablet(step="hazards")) as crew:
        begin(crew)
        crew.until_sees("elija una")
        crew.tap("Atrás")
        crew.until_sees("¿Está en el lugar de la orden")


def test_news_of_an_order_that_was_left_do_not_take_the_page_of_another(
    person: Callable[..., Person],
) -> None:
    release = threading.Event()

    class Slow(PreviewTablet):
        def act(
            self, order_id: str, step: str, action: str, values: Answers, report: Report
        ) -> views.Procedure:
            release.wait(5)
            return self.show(order_id)

    tablet = Slow(step="configure", overrides={"configure": configuring.PLAN_READY})
    with person(tablet) as crew:
        begin(crew)
        crew.tap("Escribir 6 cambios")
        crew.tap("Órdenes")
        crew.screens.app.startOrder("SCZ-118207")
        crew.until(lambda: crew.screens.app.procedure.orderId == "SCZ-118207")
        release.set()
        crew.until(lambda: not crew.screens.app.procedure.busy)
        assert crew.screens.app.procedure.orderId == "SCZ-118207"
