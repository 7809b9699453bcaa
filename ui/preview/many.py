"""Invented data for the pages of many meters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from ui import manyviews
from ui.preview.photo import draw_panel, panel_frames
from ui.views import Choice, Code

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


SERIALS = (
    *("8826", "8827", "8829", "8831", "8830", "8834", "8833", "8835", "8828", "8832", "8836", "8841"),
    *("8838", "8863", "8840", "8837", "", "8842", "8839", "8844", "8843", "", "8845", "2071"),
)
_STATES = {17: "unread", 22: "unread", 24: "foreign"}


def _photo_tile(slot: int) -> manyviews.PhotoTile:
    state = _STATES.get(slot, "good")
    detail = "Sin leer" if state == "unread" else SERIALS[slot - 1]
    return manyviews.PhotoTile(key=str(slot), title=f"{slot:02d}", state=state, detail=detail)


PHOTO = manyviews.PanelPhoto(
    title="Panel piso 1, Condominio Jardines del Urubó",
    taken=True,
    rows=4,
    columns=6,
    codes=tuple(
        Code(frame=frame, state="unread" if n in (17, 22) else "foreign" if n == 24 else "read")
        for n, frame in enumerate(panel_frames(), start=1)
    ),
    tiles=tuple(_photo_tile(slot) for slot in range(1, 25)),
    notes=(
        manyviews.PhotoNote(slots="17, 22", text="No se lee la etiqueta. Acérquese."),
        manyviews.PhotoNote(
            slots="24",
            text="El 2071 no es de este panel ni de este camión. Retírelo.",
            tone="wrong",
            icon="wrong",
        ),
    ),
    count="21 de 24",
    unread=2,
    foreign=1,
    ask=("17", "22"),
    register=21,
)
PHOTO_RIGHT = msgspec.structs.replace(
    PHOTO, notes=(), count="24 de 24", unread=0, foreign=0, ask=(), register=24,
    codes=tuple(msgspec.structs.replace(code, state="read") for code in PHOTO.codes),
    tiles=tuple(
        msgspec.structs.replace(tile, state="good", detail=f"88{26 + n}")
        for n, tile in enumerate(PHOTO.tiles)
    ),
)  # fmt: skip


PHOTO_WIDE = msgspec.structs.replace(
    PHOTO, rows=2, columns=12, codes=(), done="18 registrados · 2 esperan un paso anterior de su orden",
    notes=(
        *(
            manyviews.PhotoNote(
                slots=slot, tone="wrong", icon="wrong",
                text="Ese paso no se puede aceptar todavía. Falta la foto de la etiqueta y el motivo por "
                "el que no se lee.",
            )
            for slot in ("3", "7", "11")
        ),
        *PHOTO.notes,
    ),
)  # fmt: skip


class PreviewPanels:
    """`ui.manybackend.PanelBackend` with one invented panel."""

    def __init__(self, shown: manyviews.Panel | None = None, taken: manyviews.PanelPhoto = PHOTO) -> None:
        self.shown = shown or manyviews.Panel(rows=ROWS)
        self.taken = taken
        self.the_photo = manyviews.PanelPhoto(title=PHOTO.title, rows=4, columns=6)
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

    def photo(self) -> manyviews.PanelPhoto:
        """The invented photo, once taken."""
        return self.the_photo

    def take_photo(self) -> manyviews.PanelPhoto:
        """The invented photo."""
        picture = draw_panel(Path(tempfile.mkdtemp(prefix="preview-")) / "panel.png")
        self.the_photo = msgspec.structs.replace(self.taken, source=picture.as_uri())
        return self.the_photo

    def size_photo(self, rows: int, columns: int) -> manyviews.PanelPhoto:
        """Only the numbers."""
        self.the_photo = msgspec.structs.replace(self.the_photo, rows=rows, columns=columns)
        return self.the_photo

    def say_slot(self, slot: str, serial: str) -> manyviews.PanelPhoto:
        """The tile is read."""
        tiles = tuple(
            msgspec.structs.replace(tile, state="good", detail=serial[-4:]) if tile.key == slot else tile
            for tile in self.the_photo.tiles
        )
        ask = tuple(key for key in self.the_photo.ask if key != slot)
        self.the_photo = msgspec.structs.replace(self.the_photo, tiles=tiles, ask=ask, unread=len(ask))
        return self.the_photo

    def register_photo(self) -> manyviews.PanelPhoto:
        """All that hang right."""
        self.the_photo = msgspec.structs.replace(self.the_photo, register=0, done="21 registrados")
        return self.the_photo

    def at(self, slot: str) -> manyviews.Panel:
        """Marked."""
        self.asked.append(f"at {slot}")
        tiles = tuple(msgspec.structs.replace(tile, said=tile.key == slot) for tile in self.shown.tiles)
        self.shown = msgspec.structs.replace(self.shown, tiles=tiles)
        return self.shown


CHOOSING = manyviews.Bench(
    recordings=3,
    programs=(
        Choice(key="prepay-bt", title="Baja tensión, prepago"),
        Choice(key="residential-bt5b", title="Residencial BT5B"),
        Choice(key="residential-2.0TD", title="Residencial 2.0TD"),
    ),
    program="prepay-bt",
    ports=(
        Choice(key="COM3", title="COM3", detail="USB Serial Port (FTDI)"),
        Choice(key="COM4", title="COM4", detail="USB Serial Port (FTDI)"),
        Choice(key="COM7", title="COM7", detail="Puerto Bluetooth"),
    ),
    chosen=("COM3", "COM4"),
)
BENCH = msgspec.structs.replace(
    CHOOSING,
    running=True,
    count="14 listos · 2 sin terminar",
    labels="40 etiquetas",
    results=16,
    tiles=(
        manyviews.BenchTile(
            port="COM3", title="COM3", word="Listo", detail="Retírelo y ponga el siguiente.", icon="good",
            tone="good", serial="37904000264",
        ),
        manyviews.BenchTile(
            port="COM4", title="COM4", word="Configurando", icon="busy", tone="action", serial="37904000520",
            progress=0.6, progress_text="Escribiendo · quedan 4 s",
        ),
        manyviews.BenchTile(
            port="COM7", title="COM7", word="No se pudo", icon="wrong", tone="wrong", serial="37904000785",
            detail="Las claves no son de este medidor. Sincronice y pida la clave a la oficina.",
            can_again=True,
        ),
        manyviews.BenchTile(
            port="COM9", title="COM9", word="No se toca", icon="notDone", tone="attention",
            serial="37904000918", detail="No está en las existencias.",
        ),
    ),
)  # fmt: skip
ASKING = msgspec.structs.replace(BENCH, asking="limiter.threshold")


class PreviewBench:
    """`ui.manybackend.BenchBackend` with invented probes."""

    def __init__(self, shown: manyviews.Bench = CHOOSING) -> None:
        self.shown = shown
        self.asked: list[str] = []

    def load(self) -> manyviews.Bench:
        """State given."""
        return self.shown

    def choose(self, program: str, port: str) -> manyviews.Bench:
        """Chosen."""
        chosen = tuple(one for one in self.shown.chosen if one != port)
        if port and port not in self.shown.chosen:
            chosen = (*chosen, port)
        self.shown = msgspec.structs.replace(self.shown, program=program or self.shown.program, chosen=chosen)
        return self.shown

    def run(self, report: Callable[[manyviews.Bench], None]) -> manyviews.Bench:
        """At once in the middle of it."""
        report(BENCH)
        self.shown = BENCH
        return self.shown

    def stop(self) -> None:
        """Kept."""
        self.asked.append("stop")

    def again(self, port: str) -> None:
        """Kept."""
        self.asked.append(f"again {port}")

    def scanned(self, serial: str) -> None:
        """Kept."""
        self.asked.append(f"scanned {serial}")

    def permit(self) -> None:
        """Kept."""
        self.asked.append("permit")

    def save(self) -> str:
        """A made-up path."""
        return "pallet-20261124-104207.csv"
