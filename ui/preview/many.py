"""Invented data for the pages of many meters."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ui import manyviews

ROWS = (
    manyviews.PanelRow(
        key="C1-P01",
        title="Panel piso 1, Condominio Jardines del Urubó",
        detail="8 de 10 órdenes abiertas",
    ),
    manyviews.PanelRow(
        key="C1-P03",
        title="Panel piso 3, Condominio Jardines del Urubó",
        detail="10 de 10 órdenes abiertas",
    ),
)


def _tile(slot: int, **fields: object) -> manyviews.MeterTile:
    plain = manyviews.MeterTile(
        key=str(slot), title=str(slot), word="listo", icon="target", detail=f"{(slot * 1171) % 10000:04d}",
        order_id=f"CRE-{slot}",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


TILES = (
    _tile(1, word="hecho", icon="check"),
    _tile(2, word="hecho", icon="check"),
    _tile(3, word="bloqueado", icon="lock", tone="attention"),
    _tile(4, word="hecho", icon="check", here=True),
    _tile(5),
    _tile(6, word="espera", icon="waiting"),
    _tile(7),
    _tile(8, word="falló", icon="wrong", tone="wrong"),
    _tile(9, word="sin orden", icon="meter", order_id=""),
    _tile(10),
)
NEXT = manyviews.Panel(
    key="C1-P01",
    title="Panel piso 1, Condominio Jardines del Urubó",
    running=True,
    word="Siguiente",
    detail="Posición 4: hecho. Pase a la posición 5",
    icon="forward",
    tone="good",
    serial="37904000264",
    order_id="CRE-4",
    order="Orden CRE-260003",
    count="3 de 9 hechos",
    share=3 / 9,
    tiles=TILES,
    hints=("Quedó sin hacer: 3",),
)
READY = msgspec.structs.replace(
    NEXT, running=False, word="Recorrer el panel", icon="panel", tone="", serial="", order_id="", order="",
    detail="La sonda reconoce cada medidor, lo lee y lo configura según su orden.", hints=(),
    tiles=tuple(msgspec.structs.replace(tile, here=False) for tile in TILES),
)  # fmt: skip
WORKING = msgspec.structs.replace(
    NEXT, word="Configurar", icon="busy", tone="action", detail="Posición 5", progress=0.4, hints=(),
    progress_text="Escribiendo · quedan 6 s", serial="37904000520", order="Orden CRE-260004",
    tiles=tuple(
        msgspec.structs.replace(tile, here=tile.key == "5", **(
            {"word": "ahora", "icon": "busy", "tone": "action"} if tile.key == "5" else {}
        ))
        for tile in TILES
    ),
)  # fmt: skip
FOREIGN = msgspec.structs.replace(
    NEXT, word="No es de este panel", icon="wrong", tone="wrong", serial="37904000785", order_id="", order="",
    detail="Su sitio es otro: orden CRE-260006 · Panel piso 2, Condominio Jardines del Urubó · posición 7. "
    "No se escribió nada.", hints=(),
    tiles=tuple(msgspec.structs.replace(tile, here=False) for tile in TILES),
)  # fmt: skip
FAILED = msgspec.structs.replace(
    NEXT, word="No se pudo", icon="wrong", tone="wrong", serial="37904000918", order_id="CRE-8",
    order="Orden CRE-260007", hints=(), can_again=True,
    detail="La clave de este medidor no es la que tenemos. Sincronice y pida la clave a la oficina.",
    tiles=tuple(msgspec.structs.replace(tile, here=tile.key == "8") for tile in TILES),
)  # fmt: skip


class PreviewPanels:
    """`ui.manybackend.PanelBackend` with one invented panel."""

    def __init__(self, shown: manyviews.Panel | None = None) -> None:
        self.shown = shown or manyviews.Panel(rows=ROWS)
        self.asked: list[str] = []

    def load(self) -> manyviews.Panel:
        """State given."""
        return self.shown

    def open(self, key: str) -> manyviews.Panel:
        """The one panel, or the list."""
        self.shown = READY if key else manyviews.Panel(rows=ROWS)
        return self.shown

    def run(self, report: Callable[[manyviews.Panel], None]) -> manyviews.Panel:
        """One meter."""
        report(WORKING)
        self.shown = NEXT
        return self.shown

    def stop(self) -> None:
        """Kept."""
        self.asked.append("stop")

    def again(self) -> None:
        """Kept."""
        self.asked.append("again")

    def at(self, slot: str) -> manyviews.Panel:
        """Marked."""
        self.asked.append(f"at {slot}")
        tiles = tuple(msgspec.structs.replace(tile, said=tile.key == slot) for tile in self.shown.tiles)
        self.shown = msgspec.structs.replace(self.shown, tiles=tiles)
        return self.shown
