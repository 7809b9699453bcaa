"""The pages that the gallery shows: a name, the preview tablet behind it, and how to get there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec
from PySide6.QtCore import Q_ARG, QCoreApplication
from PySide6.QtQuick import QQuickItem, QQuickWindow

from ui import imageviews, manyviews, officeviews, recordingviews, views
from ui.app import Screens
from ui.preview import balancing, configuring, images, many, office, orders, panelstep, phases, steps, tools
from ui.preview.kept import KEPT, NOTHING_KEPT
from ui.preview.orphans import NO_ORPHANS, ORPHANS
from ui.preview.recordings import FAILED, NOT_HERE, SAVED, WELL, PreviewRecordings
from ui.preview.sla import FILTERED, FILTERED_NONE, NO_SLA, SLA
from ui.preview.standing import STANDING
from ui.preview.stocked import NO_STOCK, STOCK
from ui.preview.tablet import RIGHT_PIN, PreviewTablet

Visit = Callable[[Screens], None]


@dataclass(frozen=True)
class Scene:
    """One picture."""

    name: str
    tablet: Callable[[], PreviewTablet]
    visit: Visit


def _go(place: str) -> Visit:
    return lambda screens: screens.app.go(place)


def _start(screens: Screens) -> None:
    """As the window opens."""


def _scanning(screens: Screens) -> None:
    screens.app.go("orders")
    screens.app.orders.scan()


def _handing_on(screens: Screens) -> None:
    screens.app.go("stock")
    stock = screens.app.stock
    stock.begin("transfer")
    stock.chooseCrew("SCZ-03")
    for serial in ("37904000009", "1LGZ0052400000"):
        stock.pick(serial)


def _in_network(key: str) -> Visit:
    def visit(screens: Screens) -> None:
        screens.app.go("network")
        screens.app.network.open(key)

    return visit


def _finding(screens: Screens) -> None:
    screens.app.go("network")
    screens.app.network.setSearch("urubo zzz")
    screens.app.network.load()


def _counting(screens: Screens) -> None:
    screens.app.go("stock")
    screens.app.stock.begin("count")
    screens.app.stock.save()


def _seeing(sight: views.Sighting | views.Failure) -> Callable[[], PreviewTablet]:
    return lambda: PreviewTablet(sight=sight)


def _procedure(screens: Screens) -> None:
    screens.app.startOrder("SCZ-118204")


def _at(name: str, step: str, override: views.Step | None = None) -> Scene:
    def tablet() -> PreviewTablet:
        return PreviewTablet(step=step, overrides={step: override} if override else {})

    return Scene(name, tablet, _procedure)


def _sheet(name: str, step: str, sheet: str, override: views.Step | None = None) -> Scene:
    """A step with one of its sheets open, as its button opens it."""

    def visit(screens: Screens) -> None:
        _procedure(screens)
        window = screens.window
        if isinstance(window, QQuickWindow):
            body = next(item for item in _all(window.contentItem()) if _is_body(item))
            body.metaObject().invokeMethod(body, "openSheet", Q_ARG(str, sheet))

    return replace(_at(name, step, override), visit=visit)


def _doubting(screens: Screens, reason: str) -> None:
    """A value that was refused, and a reason for it."""
    _procedure(screens)
    window = screens.window
    assert isinstance(window, QQuickWindow)
    body = next(item for item in _all(window.contentItem()) if _is_body(item))
    body.setProperty("doubtful", True)
    body.setProperty("reason", reason)


def _all(item: QQuickItem) -> Iterator[QQuickItem]:
    for child in item.childItems():
        yield child
        yield from _all(child)


def _is_body(item: QQuickItem) -> bool:
    return item.metaObject().indexOfSignal("openSheet(QString)") >= 0


def _offline(rows: tuple[views.OrderRow, ...], **status: object) -> Callable[[], PreviewTablet]:
    return lambda: PreviewTablet(rows=rows, state=msgspec.structs.replace(orders.STATUS, **status))


def _locked(kind: str) -> Callable[[], PreviewTablet]:
    return _offline((), locked=kind, last="", waiting=0, project="", crew="", probe="")


def _supervised(
    board: officeviews.Board = office.BOARD,
    *,
    stale: bool = False,
    queue: officeviews.Queue = office.QUEUE,
    orphans: officeviews.Orphans = ORPHANS,
    kept: officeviews.Kept = KEPT,
    sla: officeviews.Sla = SLA,
    stock: officeviews.OfficeStock = STOCK,
) -> Callable[[], PreviewTablet]:
    """The tablet of a supervisor, with or without contact to the office."""

    def tablet() -> PreviewTablet:
        shown = msgspec.structs.replace(board, fresh=not stale)
        state = msgspec.structs.replace(
            orders.STATUS,
            role="supervisor",
            project="Electro Ucayali · Pucallpa",
            crew="Supervisión",
            probe="",
        )
        there = office.PreviewOffice(figures=shown, waiting=queue, lost=orphans, held=kept)
        there.stocked = msgspec.structs.replace(stock, fresh=not stale)
        there.deadlines = msgspec.structs.replace(sla, fresh=not stale)
        return PreviewTablet(state=msgspec.structs.replace(state, online=not stale), the_office=there)

    return tablet


def _search(text: str) -> Visit:
    def visit(screens: Screens) -> None:
        screens.app.go("orders")
        screens.app.orders.setSearch(text)

    return visit


def _pin(person: str, pin: str) -> Visit:
    def visit(screens: Screens) -> None:
        screens.app.session.choose(person)
        if pin:
            screens.app.session.enter(pin)

    return visit


def _office(place: str, case: str = "") -> Visit:
    """A supervisor's page; with `case`, that exception open."""

    def visit(screens: Screens) -> None:
        screens.app.session.choose("p4")
        screens.app.session.enter(RIGHT_PIN)
        screens.app.go(place)
        if case:
            screens.app.office.openCase(case)

    return visit


def _orphans(key: str) -> Visit:
    def visit(screens: Screens) -> None:
        _office("orphans")(screens)
        screens.app.orphans.show(key)

    return visit


def _kept(key: str) -> Visit:
    def visit(screens: Screens) -> None:
        _office("kept")(screens)
        screens.app.kept.open(key)

    return visit


def _stocked(*serials: int) -> Visit:
    def visit(screens: Screens) -> None:
        _office("officeStock")(screens)
        for number in serials:
            screens.app.officeStock.pick(STOCK.rows[number].serial)

    return visit


def _pressing(text: str, before: Visit) -> Visit:
    """A page with what a button opens; the button is known by its source text."""

    def visit(screens: Screens) -> None:
        before(screens)
        window, shown = screens.window, QCoreApplication.translate("", text)
        assert isinstance(window, QQuickWindow)
        for item in _all(window.contentItem()):
            if item.inherits("QQuickAbstractButton") and item.property("text") == shown:
                item.metaObject().invokeMethod(item, "click")

    return visit


def _not_done(screens: Screens) -> None:
    screens.app.openOrder("SCZ-118204")
    screens.app.go("notDone")


def _leaving(screens: Screens) -> None:
    _procedure(screens)
    _not_done(screens)


def _other_work(work: str = "", reason: str = "") -> Visit:
    def visit(screens: Screens) -> None:
        _procedure(screens)
        screens.app.openOrder("SCZ-118204")
        screens.app.go("otherWork")
        window = screens.window
        if isinstance(window, QQuickWindow):
            page = next(item for item in _all(window.contentItem()) if item.property("workKey") is not None)
            page.setProperty("workKey", work)
            page.setProperty("reasonKey", reason)

    return visit


def _panel_photo(*acts: str) -> Callable[[Screens], None]:
    def visit(screens: Screens) -> None:
        screens.app.go("panel")
        screens.app.panelPhoto.show()
        for act in acts:
            getattr(screens.app.panelPhoto, act)()

    return visit


def _panel(name: str, shown: manyviews.Panel) -> Scene:
    return Scene(name, lambda: PreviewTablet(the_panels=many.PreviewPanels(shown)), _go("panel"))


def _synced() -> PreviewTablet:
    state = msgspec.structs.replace(orders.STATUS, waiting=0, online=True)
    return PreviewTablet(state=state, sync_view=tools.SYNC_EMPTY)


def _wide_panel() -> PreviewTablet:
    return PreviewTablet(the_panels=many.PreviewPanels(many.READY, many.PHOTO_WIDE))


def _bench(name: str, shown: manyviews.Bench) -> Scene:
    return Scene(name, lambda: PreviewTablet(the_bench=many.PreviewBench(shown)), _go("bench"))


def _meter(meter: views.Meter | None = None, probe: str = "busy") -> Callable[[], PreviewTablet]:
    status = msgspec.structs.replace(orders.STATUS, project="Ciudad PRIME", crew="Cuadrilla 12", probe=probe)
    return lambda: PreviewTablet(state=status, meter_view=meter or tools.METER)


def _image(name: str, shown: imageviews.Image) -> Scene:
    return Scene(name, lambda: PreviewTablet(the_image=images.PreviewImage(shown)), _go("image"))


def _activating(screens: Screens) -> None:
    screens.app.go("image")
    window = screens.window
    if isinstance(window, QQuickWindow):
        page = next(item for item in _all(window.contentItem()) if item.property("activating") is not None)
        page.setProperty("activating", True)


def _recording(name: str, shown: recordingviews.Recording) -> Scene:
    def enter(screens: Screens) -> None:
        screens.app.openRecordings("RN2600041")

    return Scene(name, lambda: PreviewTablet(the_recordings=PreviewRecordings(shown)), enter)


RECORDINGS = (
    ("grabacion", FAILED),
    ("grabacion_bien", WELL),
    ("grabacion_guardada", SAVED),
    ("grabacion_no_esta", NOT_HERE),
)
IMAGES = (
    ("firmware", images.CHOOSING),
    ("firmware_nada", images.NOTHING),
    ("firmware_enviando", images.SENDING),
    ("firmware_detenido", images.STOPPED),
    ("firmware_comprobado", images.VERIFIED),
    ("firmware_de_otro", images.NOT_YOURS),
    ("firmware_reiniciando", images.RESTARTING),
    ("firmware_activo", images.ACTIVATED),
)
SCENES: tuple[Scene, ...] = (
    Scene("ordenes", PreviewTablet, _go("orders")),
    Scene("ordenes_buscar", PreviewTablet, _search("centenario")),
    Scene("ordenes_nada", PreviewTablet, _search("9999")),
    Scene("ordenes_vacias", _offline(()), _go("orders")),
    Scene("ordenes_primera_vez", _offline((), last="", waiting=0), _go("orders")),
    Scene("ordenes_practica", _offline(orders.ROWS, training=True), _go("orders")),
    _at("coincidencia", "match"),
    _at("coincidencia_ok", "match", steps.MATCH_RIGHT),
    _at(
        "escanear_paso_impreso",
        "scan_old",
        msgspec.structs.replace(steps.STEPS["scan_old"], codes=(), printed="ZIV0072418863"),
    ),
    _at("posicion_buscando", "site", msgspec.structs.replace(steps.STEPS["site"], **steps.SEARCHING)),
    _at("posicion_sin", "site", msgspec.structs.replace(steps.STEPS["site"], **steps.NO_POSITION)),
    _at("posicion_dudosa", "place", msgspec.structs.replace(steps.STEPS["place"], **steps.DOUBTFUL)),
    _at("visita_a_medias", "site", STANDING),
    _at("foto_de_panel", "site", panelstep.OPEN),
    _at("foto_de_panel_contada", "site", panelstep.COUNTED),
    _at("plan", "configure"),
    _at("plan_listo", "configure", configuring.PLAN_READY),
    _at("plan_hecho", "configure", configuring.PLAN_DONE),
    _sheet("excepcion", "match", "otherwise"),
    _sheet("permitir", "configure", "allow", configuring.PLAN_ASKING),
    _sheet("no_se_cumple", "voltage", "otherwise"),
    _sheet("otro_concentrador", "place", "place"),
    Scene("entrar", PreviewTablet, _start),
    Scene(
        "inscribir",
        _offline((), enrolled=False, last="", waiting=0, project="", crew=""),
        _start,
    ),
    Scene("frase", _locked("existing"), _start),
    Scene("frase_nueva", _locked("new"), _start),
    Scene("entrar_pin", PreviewTablet, _pin("p2", "")),
    Scene("entrar_pin_errado", PreviewTablet, _pin("p1", "111111")),
    Scene("entrar_bloqueado", PreviewTablet, _pin("p3", "")),
    Scene("escanear", _seeing(views.Sighting()), _scanning),
    Scene("escanear_impreso", _seeing(views.Sighting(printed="ZIV0072418863", torch="on")), _scanning),
    Scene("escanear_linterna", _seeing(views.Sighting(torch="off")), _scanning),
    Scene("escanear_no_es", _seeing(views.Sighting(refused="Ese código no es de inscripción.")), _scanning),
    Scene("escanear_sin_camara", _seeing(views.Failure("No hay cámara.", "", "no-camera")), _scanning),
    Scene("orden", PreviewTablet, lambda screens: screens.app.openOrder("SCZ-118204")),
    Scene("no_ejecutada", PreviewTablet, _not_done),
    Scene("no_ejecutada_en_marcha", PreviewTablet, _leaving),
    Scene("otro_trabajo", PreviewTablet, _other_work()),
    Scene("otro_trabajo_motivo", PreviewTablet, _other_work("irregularity", "bypass")),
    Scene("medidor", _meter(), _go("meter")),
    Scene("medidor_sin_sonda", _meter(views.Meter(state="absent"), "absent"), _go("meter")),
    Scene(
        "medidor_leyendo",
        _meter(views.Meter(state="reading", progress=0.4, progress_text="Leyendo perfil de carga")),
        _go("meter"),
    ),
    *(_image(name, shown) for name, shown in IMAGES),
    *(_recording(name, shown) for name, shown in RECORDINGS),
    Scene(
        "firmware_activar",
        lambda: PreviewTablet(the_image=images.PreviewImage(images.VERIFIED)),
        _activating,
    ),
    Scene("paneles", PreviewTablet, _go("panel")),
    _panel("panel_listo", many.READY),
    _panel("panel_siguiente", many.NEXT),
    _panel("panel_configurando", many.WORKING),
    _panel("panel_ajeno", many.FOREIGN),
    _panel("panel_fallo", many.FAILED),
    Scene(
        "panel_foto_antes", lambda: PreviewTablet(the_panels=many.PreviewPanels(many.READY)), _panel_photo()
    ),
    Scene(
        "panel_foto", lambda: PreviewTablet(the_panels=many.PreviewPanels(many.READY)), _panel_photo("take")
    ),
    Scene("panel_foto_ancho", _wide_panel, _panel_photo("take")),
    _bench("banco", many.CHOOSING),
    _bench("banco_en_marcha", many.BENCH),
    _bench("banco_permiso", many.ASKING),
    Scene("sincronizar", PreviewTablet, _go("sync")),
    Scene("sincronizar_en_marcha", lambda: PreviewTablet(sync_view=tools.SYNC_RUNNING), _go("sync")),
    Scene("sincronizar_firmware", lambda: PreviewTablet(sync_view=tools.SYNC_FIRMWARE), _go("sync")),
    Scene("sincronizar_avisos", lambda: PreviewTablet(sync_view=tools.SYNC_WARNED), _go("sync")),
    Scene("sincronizar_nada", _synced, _go("sync")),
    Scene("mas", PreviewTablet, _go("more")),
    Scene("existencias", PreviewTablet, _go("stock")),
    Scene("red", PreviewTablet, _go("network")),
    Scene("red_transformador", PreviewTablet, _in_network("C1-TR")),
    Scene("red_panel", PreviewTablet, _in_network("C1-P02")),
    Scene("red_sin_hallar", PreviewTablet, _finding),
    Scene("existencias_entregar", PreviewTablet, _handing_on),
    Scene("existencias_conteo", PreviewTablet, _counting),
    Scene("tablero", _supervised(), _office("board")),
    Scene("tablero_sin_conexion", _supervised(stale=True), _office("board")),
    Scene("tablero_vacio", _supervised(office.EMPTY), _office("board")),
    Scene("plazos", _supervised(), _office("sla")),
    Scene("plazos_filtrados", _supervised(sla=FILTERED), _office("sla")),
    Scene("plazos_sin_conexion", _supervised(stale=True), _office("sla")),
    Scene("plazos_filtros_sin_ordenes", _supervised(sla=FILTERED_NONE), _office("sla")),
    Scene("plazos_nada", _supervised(sla=NO_SLA), _office("sla")),
    Scene("ordenes_oficina_filtradas", _supervised(sla=FILTERED), _office("officeOrders")),
    Scene("excepciones", _supervised(), _office("exceptions", "e2")),
    Scene("excepciones_nada", _supervised(queue=officeviews.Queue()), _office("exceptions")),
    Scene("huerfanos", _supervised(), _orphans("3")),
    Scene("huerfanos_nada", _supervised(orphans=NO_ORPHANS), _orphans("")),
    Scene("existencias_oficina", _supervised(), _stocked()),
    Scene("existencias_oficina_elegidas", _supervised(), _stocked(0, 1, 6, 8)),
    Scene("existencias_oficina_corregir", _supervised(), _pressing("Corregir…", _stocked(0, 2))),
    Scene("existencias_oficina_baja", _supervised(), _pressing("Dar de baja…", _stocked(0))),
    Scene("tabletas_revocadas_aceptar", _supervised(), _pressing("Aceptar…", _kept("TB-0417"))),
    Scene("existencias_oficina_mezcladas", _supervised(), _stocked(0, 2)),
    Scene("existencias_oficina_sin_conexion", _supervised(stale=True), _stocked(0)),
    Scene("existencias_oficina_nada", _supervised(stock=NO_STOCK), _stocked()),
    Scene("tabletas_revocadas", _supervised(), _kept("TB-0417")),
    Scene("tabletas_revocadas_nada", _supervised(kept=NOTHING_KEPT), _kept("")),
    Scene("mas_supervision", _supervised(), _office("more")),
    Scene("ordenes_oficina", _supervised(), _office("officeOrders", "e2")),
    *(
        _at(f"paso_{number:02d}_{key}", key)
        for number, key in enumerate(phases.ORDER_OF_STEPS, 1)
        if key not in ("match", "configure")
    ),
    _at("paso_texto", "photo_after", steps.STEPS["note"]),
    _at("paso_custodia", "photo_after", steps.STEPS["custody"]),
    _at("paso_balance", "photo_after", balancing.WALKING),
    _at("paso_balance_no_cuadra", "photo_after", balancing.OFF),
    _at("paso_salida_riesgo", "summary", balancing.LEAVING),
    _at("paso_valor", "photo_after", steps.STEPS["value"]),
    _at("paso_relacion", "photo_after", steps.STEPS["ct_plate"]),
    replace(
        _at("paso_relacion_duda", "photo_after", steps.STEPS["ct_plate"]),
        visit=lambda screens: _doubting(screens, "office_data_wrong"),
    ),
)
