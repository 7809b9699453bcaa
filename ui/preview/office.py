"""An office without a gateway: the board, the queue and an order of the preview."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from ui import officeviews as o
from ui import views
from ui.preview import network
from ui.preview.kept import KEPT, opened
from ui.preview.orphans import ORPHANS
from ui.preview.sla import SLA, chosen
from ui.preview.stocked import STOCK, looked
from ui.views import Choice, Fact

PROJECTS = (
    Choice(key="pucallpa", title="Electro Ucayali · Pucallpa"),
    Choice(key="cusco", title="Electro Sur Este · Cusco"),
    Choice(key="santacruz", title="CRE · Santa Cruz"),
)
PERIODS = (
    Choice(key="10", title="10 días"),
    Choice(key="14", title="14 días"),
    Choice(key="30", title="30 días"),
)
TILES = (
    o.Tile(key="done_today", label="Hechas hoy", value="187", share="de 240", detail="Faltan 53"),
    o.Tile(
        key="late", label="Atrasadas", value="23", detail="31 vencen pronto", icon="clock", tone="attention"
    ),
    o.Tile(
        key="unjoined",
        label="Sin unirse",
        value="61",
        detail="24 h: 42 · 72 h: 19",
        icon="joinFailed",
        tone="attention",
    ),
    o.Tile(key="orphans", label="Huérfanos", value="14", share="0,3 %", detail="Meta: 0,5 %"),
    o.Tile(key="rework", label="Retrabajo", value="38", share="0,9 %", detail="Meta: 2 %"),
    o.Tile(key="waiting_approval", label="Por aprobar", value="52", detail="Abrir y decidir"),
)


def _curve(reach: float, scale: float, points: int = 40) -> tuple[tuple[float, float], ...]:
    def height(x: float) -> float:
        return scale * 0.5 * (1 - math.cos(math.pi * min(1.0, x * 1.0)))

    return tuple((reach * i / points, height(reach * i / points)) for i in range(points + 1))


CURVE = o.Curve(
    detail="medidores instalados, plan de 10 000",
    planned=_curve(1.0, 1.0),
    done=_curve(0.475, 0.925),
    days=tuple(
        o.Tick(label=label, at=at / 5) for at, label in enumerate(("jul", "sep", "nov", "ene", "mar", "may"))
    ),
    levels=tuple(
        o.Tick(label=label, at=at / 4) for at, label in enumerate(("0", "2500", "5000", "7500", "10 000"))
    ),
    now=0.475,
    planned_text="Plan 4959",
    done_text="Hechos 4336",
    gap_text="9 días por detrás",
)
JOINS = (
    o.JoinBar(label="24 h", value="91,4 %", share=0.914, target=0.9, verdict="Cumple", tone="good"),
    o.JoinBar(
        label="72 h", value="92,7 %", share=0.927, target=0.95, verdict="Bajo la meta", tone="attention"
    ),
    o.JoinBar(label="30 días", value="98,6 %", share=0.986, target=0.985, verdict="Cumple", tone="good"),
)
_DONE = (
    ("PUC-01", (23, 30, 27, 27, 28, 30, 28, 30, 28, 28)),
    ("PUC-02", (24, 27, 29, 32, 29, 28, 29, 31, 31, 33)),
    ("PUC-03", (30, 28, 27, 35, 34, 31, 29, 30, 35, 39)),
    ("PUC-04", (28, 30, 26, 27, 22, 18, 10, 9, 9, 8)),
    ("PUC-05", (22, 24, 28, 24, 29, 32, 31, 31, 31, 31)),
    ("PUC-06", (25, 22, 30, 26, 29, 28, 31, 36, 38, 34)),
    ("PUC-07", (31, 31, 33, 34, 33, 36, 38, 34, 32, 38)),
    ("PUC-08", (26, 24, 24, 28, 24, 20, 16, 24, 28, 26)),
)
CREWS = tuple(
    o.CrewChart(
        crew=crew,
        today=str(days[-1]),
        bars=tuple(day / 39 for day in days),
        low=tuple(day < 14 for day in days),
        plan=28 / 39,
        tone="attention" if days[-1] < 14 else "",
    )
    for crew, days in _DONE
)
CASES = (
    o.CaseRow(
        id="e1",
        title="Misma serie en dos lugares",
        detail="1LGZ 0081 0027 45 · PUC-051966",
        age="3 h",
        icon="wrong",
        tone="wrong",
    ),
    o.CaseRow(
        id="e2",
        title="Ejecutada después de anulada",
        detail="PUC-04 · Jr. Tacna 318",
        age="2 h",
        icon="wrong",
        tone="wrong",
    ),
    o.CaseRow(id="e3", title="Coincidencia con excepción", detail="PUC-02 · Av. Sáenz Peña 740", age="5 h"),
    o.CaseRow(
        id="e4",
        title="Lectura poco creíble",
        detail="PUC-07 · Asentamiento Humano Víctor Manuel Maldonado Begazo, manzana 14",
        age="6 h",
    ),
    o.CaseRow(
        id="e5", title="Oído por otro concentrador", detail="PUC-01 · Jr. Coronel Portillo 482", age="1 día"
    ),
)
BOARD = o.Board(
    project="pucallpa",
    projects=PROJECTS,
    period="10",
    periods=PERIODS,
    contractor="Contratista Selva Eléctrica S.A.C.",
    technology="RPMA",
    at="10:44",
    tiles=TILES,
    curve=CURVE,
    joins=JOINS,
    crews=CREWS,
    crews_detail="hechas por día, 10 días",
    crews_plan="plan, 28",
    cases=CASES,
    cases_detail="17, por daño",
    open_cases=17,
)
EMPTY = o.Board(
    project="pucallpa",
    projects=PROJECTS,
    period="10",
    periods=PERIODS,
    contractor=BOARD.contractor,
    technology=BOARD.technology,
    at="10:44",
    tiles=tuple(
        o.Tile(key=tile.key, label=tile.label, value="0", detail=detail)
        for tile, detail in zip(
            TILES, ("Plan 240", "Ninguna", "", "Meta: 0,5 %", "Meta: 2 %", ""), strict=True
        )
    ),
    curve=o.Curve(
        detail="medidores instalados, plan de 10 000",
        planned=((0.0, 0.0), (1.0, 1.0)),
        done=((0.0, 0.0),),
        days=CURVE.days,
        levels=CURVE.levels,
        now=0.0,
        planned_text="Plan 0",
        done_text="Hechos 0",
    ),
    joins=tuple(
        o.JoinBar(label=bar.label, value="—", share=-1, target=bar.target, verdict="") for bar in JOINS
    ),
    crews_detail="hechas por día, 10 días",
)
QUEUE = o.Queue(rows=CASES, detail="17, por daño")
CASE = o.Case(
    id="e2",
    kind="exception",
    order_id="PUC-044318",
    title="Ejecutada después de anulada",
    detail="La cuadrilla no tenía señal: no sabía de la anulación. El medidor está instalado.",
    icon="wrong",
    tone="wrong",
    what=(
        Fact(label="Orden", value="PUC-044318"),
        Fact(label="Cuadrilla", value="PUC-04"),
        Fact(label="Desde", value="hace 2 h"),
    ),
    office=(
        Fact(label="Estado", value="Anulada", detail="hoy 07:55", tone="wrong"),
        Fact(label="Motivo", value="El cliente ya fue atendido"),
        Fact(label="Suministro", value="7 044 318"),
        Fact(label="Medidor", value="1LGZ0081002745", serial=True),
        Fact(label="Lugar", value="SED 15, punto de acceso AP-2"),
    ),
    crew=(
        Fact(label="Estado", value="Completada", detail="hoy 09:12", tone="good"),
        Fact(label="Persona", value="María Quispe Huamán"),
        Fact(label="Coincidencia", value="Coincide", detail="Las cuatro fuentes"),
        Fact(label="Medidor", value="1LGZ0081002745", serial=True),
        Fact(label="Red", value="Pendiente", detail="se mira hoy 15:00"),
    ),
    photos=(
        o.Photo(key="p1", label="Foto antes"),
        o.Photo(key="p2", label="Foto después"),
        o.Photo(key="p3", label="Acta", document=True),
        o.Photo(key="r1", label="Grabación 1", recording=True),
    ),
    decisions=(
        Choice(key="accepted", title="Aceptar", detail="Queda como ejecutada", icon="good", tone="good"),
        Choice(
            key="rework",
            title="Retrabajo",
            detail="La orden vuelve a salir",
            icon="retry",
            tone="attention",
            needs_note=True,
        ),
        Choice(
            key="rejected",
            title="Rechazar",
            detail="El registro no vale",
            icon="wrong",
            tone="wrong",
            needs_note=True,
        ),
    ),
    reasons=("Comprobado con la cuadrilla", "La foto lo muestra"),
)
ROWS = tuple(
    o.OfficeOrder(
        id=f"PUC-0443{at}",
        title=f"Jr. Tacna {300 + at}, Callería, Pucallpa",
        detail=f"PUC-0443{at} · PUC-0{1 + at % 8}",
        state=f"{8 + at % 9}:1{at % 10}",
    )
    for at in range(10, 30)
)
LISTS = tuple(Choice(key=tile.key, title=tile.label) for tile in TILES)


@dataclass
class PreviewOffice:
    """`ui.officebackend.OfficeBackend` over invented data; decisions are kept for tests."""

    figures: o.Board = BOARD
    waiting: o.Queue = QUEUE
    lost: o.Orphans = ORPHANS
    held: o.Kept = KEPT
    deadlines: o.Sla = SLA
    stocked: o.OfficeStock = STOCK
    decisions: list[tuple[str, str, str]] = field(default_factory=list)
    picture: str = ""

    def board(self, project: str, days: int) -> o.Board:
        """The figures given."""
        return self.figures

    def queue(self) -> o.Queue:
        """The queue, without what was decided."""
        done = {case for case, _, _ in self.decisions}
        rows = tuple(row for row in self.waiting.rows if row.id not in done)
        return o.Queue(rows=rows, detail=self.waiting.detail, at=self.waiting.at, fresh=self.waiting.fresh)

    def case(self, exception_id: str) -> o.Case:
        """Always the same evidence."""
        return CASE

    def order_case(self, order_id: str) -> o.Case:
        """Always the same evidence."""
        return CASE

    def decide(self, case: o.Case, decision: str, reason: str) -> None:
        """Kept."""
        self.decisions.append((case.id, decision, reason))

    def sla(self) -> o.Sla:
        """The invented table with what was chosen; no other numbers come of it."""
        return self.deadlines

    def choose(self, name: str, key: str) -> o.Sla:
        """Kept in the table that is shown."""
        self.deadlines = chosen(self.deadlines, name, key)
        return self.deadlines

    def listed(self, name: str, count: int) -> o.OrderList:
        """Twenty orders, whatever is asked."""
        filters = tuple(
            Choice(key=one.name, title=f"{one.label}: {option.title}")
            for one in self.deadlines.filters
            for option in one.options
            if option.key and option.key == one.current
        )
        return o.OrderList(
            key=name, lists=LISTS, filters=filters, rows=ROWS, detail="52 órdenes, 20 a la vista", more=True
        )

    def network(self, key: str, count: int) -> views.NetworkLevel:
        """Three levels of an invented network."""
        del count
        return {"": network.TOP, "C1-P02": network.DEVICES}.get(key, network.PANELS)

    def orphans(self, which: str, zone: str | None, crew: str | None, count: int) -> o.Orphans:
        """The invented list, with the filters as they were chosen."""
        del count
        for name, value in (("zone", zone), ("crew", crew)):
            if value is not None:
                self.deadlines = chosen(self.deadlines, name, f"={value}" if value else "")
        zone, crew = (
            next((one.current[1:] for one in self.deadlines.filters if one.name == name), "")
            for name in ("zone", "crew")
        )
        kept = tuple(row for row in self.lost.rows if crew in row.detail)
        return msgspec.structs.replace(
            self.lost, which=which or self.lost.which, zone=zone, crew=crew, rows=kept
        )

    def stock(self, where: str, serial: str, count: int) -> o.OfficeStock:
        """The part of the invented stock."""
        del count
        return looked(self.stocked, where, serial)

    def move_stock(self, key: str, movement: str, serials: tuple[str, ...], crew: str, reason: str) -> None:
        """Kept."""
        assert len(key) >= 16
        self.decisions.append((" ".join(serials), f"{movement} {crew}".strip(), reason))

    def kept(self, tablet: str) -> o.Kept:
        """The invented tablets, without those that were accepted."""
        done = {key for key, decision, _ in self.decisions if decision == "accept_kept"}
        rows = tuple(row for row in self.held.rows if row.key not in done)
        return opened(msgspec.structs.replace(self.held, rows=rows), tablet)

    def accept_kept(self, tablet: str, reason: str) -> str:
        """Kept."""
        self.decisions.append((tablet, "accept_kept", reason))
        return "Recibido: 44 · En revisión: 2"

    def photo(self, order_id: str, key: str) -> str:
        """The preview's picture."""
        return self.picture
