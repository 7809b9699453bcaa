"""The pages that the gallery shows: a name, the preview tablet behind it, and how to get there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from ui import views
from ui.app import Screens
from ui.preview import orders, steps
from ui.preview.tablet import PreviewTablet

Visit = Callable[[Screens], None]


@dataclass(frozen=True)
class Scene:
    """One picture."""

    name: str
    tablet: Callable[[], PreviewTablet]
    visit: Visit


def _go(place: str) -> Visit:
    return lambda screens: screens.app.go(place)


def _procedure(screens: Screens) -> None:
    screens.app.startOrder("SCZ-118204")


def _at(name: str, step: str, override: views.Step | None = None) -> Scene:
    def tablet() -> PreviewTablet:
        return PreviewTablet(step=step, overrides={step: override} if override else {})

    return Scene(name, tablet, _procedure)


def _offline(rows: tuple[views.OrderRow, ...], **status: object) -> Callable[[], PreviewTablet]:
    return lambda: PreviewTablet(rows=rows, state=msgspec.structs.replace(orders.STATUS, **status))


def _search(text: str) -> Visit:
    def visit(screens: Screens) -> None:
        screens.app.go("orders")
        screens.app.orders.setSearch(text)

    return visit


SCENES: tuple[Scene, ...] = (
    Scene("ordenes", PreviewTablet, _go("orders")),
    Scene("ordenes_buscar", PreviewTablet, _search("centenario")),
    Scene("ordenes_nada", PreviewTablet, _search("9999")),
    Scene("ordenes_vacias", _offline(()), _go("orders")),
    Scene("ordenes_primera_vez", _offline((), last="", waiting=0), _go("orders")),
    Scene("ordenes_practica", _offline(orders.ROWS, training=True), _go("orders")),
    _at("coincidencia", "match"),
    _at("coincidencia_ok", "match", steps.MATCH_RIGHT),
    _at("plan", "configure"),
    _at("plan_listo", "configure", steps.PLAN_READY),
)
