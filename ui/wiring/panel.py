"""A panel run as the page *Panel* shows it: the tablet's codes in words."""

from __future__ import annotations

from collections.abc import Callable

from fieldtool.panelrun.board import Hint, PanelView, Phase, SlotState, SlotView, Stranger, Who
from fieldtool.panelrun.run import PanelRun
from fieldtool.tablet.panel import panel_run, panels
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui import manyviews
from ui.views import Tone
from ui.wiring.camera import LiveCamera
from ui.wiring.formats import Formats
from ui.wiring.panelphoto import PhotoOfPanel
from ui.wiring.wording import worded

_ICONS: dict[SlotState, str] = {
    SlotState.READY: "target",
    SlotState.WAITING: "waiting",
    SlotState.WORKING: "busy",
    SlotState.DONE: "check",
    SlotState.ENDED: "check",
    SlotState.FAILED: "wrong",
    SlotState.LOCKED: "lock",
    SlotState.STOPPED: "hand",
    SlotState.STANDING: "meter",
}
_TONES: dict[SlotState, Tone] = {
    SlotState.WORKING: "action",
    SlotState.FAILED: "wrong",
    SlotState.LOCKED: "attention",
    SlotState.STOPPED: "attention",
}


class WiredPanel:
    """See `ui.manybackend.PanelBackend`."""

    def __init__(
        self, tablet: Tablet, formats: Callable[[], Formats], camera: LiveCamera, read: Callable[[], str]
    ) -> None:
        """read: what the scanning view read with the camera last."""
        self._tablet = tablet
        self.photos = PhotoOfPanel(tablet, formats, camera, read)
        self._formats = formats
        self._run: PanelRun | None = None
        self._running = False
        self._said: int | None = None

    @property
    def language(self) -> Language:
        """Language of the screens."""
        return self._formats().language

    @worded
    def load(self) -> manyviews.Panel:
        """The panels, or the open one as its orders stand now."""
        if self._run is None:
            return manyviews.Panel(rows=self._rows())
        if not self._running:
            self._run.load()
        return self._shown(self._run.view)

    def _rows(self) -> tuple[manyviews.PanelRow, ...]:
        say = self._formats().say
        return tuple(
            manyviews.PanelRow(
                key=row.panel,
                title=row.name,
                detail=say("{open} de {all} órdenes abiertas", open=str(row.open), all=str(row.orders)),
            )
            for row in panels(self._tablet)
        )

    @worded
    def open(self, key: str) -> manyviews.Panel:
        """One panel, judged by its orders; nothing is read from a meter."""
        self.stop()
        self._said = None
        self._run = panel_run(self._tablet, key) if key else None
        self.photos.open(self._run.view.panel if self._run is not None else "")
        return self.load()

    @worded
    def run(self, report: Callable[[manyviews.Panel], None]) -> manyviews.Panel:
        """Works meter after meter."""
        before = self._run
        if before is None:
            return self.load()
        # A run that was stopped is over: a new one knows nothing of its failures, for somebody begins anew.
        run = self._run = panel_run(self._tablet, before.view.panel)
        run.at(self._said)
        self._running = True

        def told(view: PanelView) -> None:
            if view.here is not None or view.stranger is not None:
                self._said = None
            report(self._shown(view))

        try:
            run.run(told)
        finally:
            self._running = False
        return self._shown(run.view)

    def stop(self) -> None:
        """Ends the run."""
        run = self._run
        if run is not None and self._running:
            run.cancel()

    def again(self) -> None:
        """The meter under the probe once more."""
        run = self._run
        if run is not None:
            run.again()

    def at(self, slot: str) -> manyviews.Panel:
        """Where a person says that the probe is."""
        run, number = self._run, int(slot) if slot.isdigit() else None
        if run is None:
            return manyviews.Panel()
        self._said = None if number == self._said else number
        run.at(self._said)
        return self._shown(run.view)

    # --- the photo --------------------------------------------------------------------------------

    @worded
    def photo(self) -> manyviews.PanelPhoto:
        """The photo as it stands."""
        return self.photos.shown()

    @worded
    def take_photo(self) -> manyviews.PanelPhoto:
        """A new photo."""
        return self.photos.take()

    @worded
    def size_photo(self, rows: int, columns: int) -> manyviews.PanelPhoto:
        """Another number of slots."""
        return self.photos.resize(rows, columns)

    @worded
    def say_slot(self, slot: str, serial: str) -> manyviews.PanelPhoto:
        """What hangs in a slot."""
        return self.photos.say(int(slot), serial)

    @worded
    def register_photo(self) -> manyviews.PanelPhoto:
        """Into the orders."""
        return self.photos.register()

    # --- words ------------------------------------------------------------------------------------

    def _shown(self, view: PanelView) -> manyviews.Panel:
        formats = self._formats()
        say = formats.say
        word, detail, tone, icon = _words(view, formats, running=self._running)
        here = view.here
        failed = here is not None and here.trouble is not None and view.phase is Phase.HELD
        working = view.working
        return manyviews.Panel(
            key=view.panel,
            title=view.name,
            running=self._running,
            finished=view.phase is Phase.FINISHED,
            word=word,
            detail=detail,
            tone=tone,
            icon=icon,
            serial=(here.serial if here else view.stranger.serial if view.stranger else None) or "",
            order_id=(here.order_id if here else None) or "",
            order=say("Orden {number}", number=here.number or "") if here and here.number else "",
            count=say("{done} de {total} hechos", done=str(view.done), total=str(view.total)),
            share=view.done / view.total if view.total else 0.0,
            progress=working.done / working.total if working and working.total else 0.0,
            progress_text=_progress(view, formats),
            hints=tuple(_hint(hint, formats) for hint in view.hints),
            tiles=tuple(self._tile(one, view, formats) for one in view.slots),
            can_again=failed and self._running,
        )

    def _tile(self, one: SlotView, view: PanelView, formats: Formats) -> manyviews.MeterTile:
        here = view.here is not None and view.here.order_id == one.order_id and one.order_id is not None
        return manyviews.MeterTile(
            key=str(one.slot if one.slot is not None else ""),
            title=str(one.slot if one.slot is not None else "?"),
            word=_state_word(one.state, formats),
            detail=(one.serial or "")[-4:],
            icon=_ICONS[one.state],
            tone=_TONES.get(one.state, ""),
            here=here,
            said=one.slot is not None and one.slot == self._said,
            order_id=one.order_id or "",
        )


def _state_word(state: SlotState, formats: Formats) -> str:
    say = formats.say
    return {
        SlotState.READY: say("listo"),
        SlotState.WAITING: say("espera"),
        SlotState.WORKING: say("ahora"),
        SlotState.DONE: say("hecho"),
        SlotState.ENDED: say("cerrado"),
        SlotState.FAILED: say("falló"),
        SlotState.LOCKED: say("bloqueado"),
        SlotState.STOPPED: say("decidir"),
        SlotState.STANDING: say("sin orden"),
    }[state]


def _words(view: PanelView, formats: Formats, *, running: bool) -> tuple[str, str, Tone, str]:
    """The big word, its sentence, tone and icon."""
    say = formats.say
    if view.phase is Phase.FINISHED:
        detail = say("Lo que falta de cada orden se hace en su página.")
        return say("Panel terminado"), detail, "good", "confirmed"
    if not running:
        return (
            say("Recorrer el panel"),
            say("La sonda reconoce cada medidor, lo lee y lo configura según su orden."),
            "",
            "panel",
        )
    if view.phase is Phase.STRANGER and view.stranger is not None:
        return say("No es de este panel"), _stranger(view.stranger, formats), "wrong", "wrong"
    here = view.here
    if view.phase is Phase.LOOKING or here is None:
        detail = (
            say("Sigue la posición {slot}", slot=str(view.expected))
            if view.expected is not None
            else say("Ninguno espera a la sonda: haga antes los pasos de sus órdenes.")
        )
        return say("Ponga la sonda"), detail, "action", "optical"
    where = say("Posición {slot}", slot=str(here.slot)) if here.slot is not None else ""
    if view.phase is Phase.WORKING:
        return here.step_title or say("Leyendo"), where, "action", "busy"
    if view.phase is Phase.NEXT:
        following = (
            say("Pase a la posición {slot}", slot=str(view.expected)) if view.expected is not None else ""
        )
        done = say("{where}: hecho.", where=where) if where else say("Hecho.")
        return say("Siguiente"), f"{done} {following}".strip(), "good", "forward"
    return _held(here, view.hints, where, formats)


def _held(here: SlotView, hints: list[Hint], where: str, formats: Formats) -> tuple[str, str, Tone, str]:
    say = formats.say
    wrong = next((hint for hint in hints if hint.code == "wrong_slot"), None)
    if wrong is not None:
        return say("Otra posición"), _hint(wrong, formats), "attention", "attention"
    trouble = here.trouble
    if trouble is None:
        return (
            say("Todavía no"),
            f"{where}. " + say("Antes falta: {step}", step=here.step_title),
            "attention",
            "waiting",
        )
    told = f"{trouble.what} {trouble.hint}".strip()
    if here.state is SlotState.LOCKED:
        until = say("Hasta las {time}.", time=formats.clock(trouble.until, seconds=True))
        return say("Bloqueado"), f"{trouble.what} {until}", "attention", "lock"
    if here.state is SlotState.STOPPED:
        return say("Falta decidir"), told, "attention", "hand"
    return say("No se pudo"), told, "wrong", "wrong"


def _stranger(found: Stranger, formats: Formats) -> str:
    say = formats.say
    place = " · ".join(
        part
        for part in (
            say("orden {number}", number=found.order) if found.order else "",
            found.place or "",
            say("posición {slot}", slot=str(found.slot)) if found.slot is not None else "",
        )
        if part
    )
    what = {
        Who.OTHER_PLACE: say("Su sitio es otro: {place}.", place=place or "—"),
        Who.STANDING: say("Está en la posición {slot}, sin orden.", slot=str(found.slot or "?")),
        Who.ON_TRUCK: say("Es del camión, pero ninguna orden de este panel lo pide."),
        Who.FOREIGN: say("Este equipo no lo conoce."),
        Who.UNNAMED: say("No dice su serie."),
    }[found.who]
    return f"{what} " + say("No se escribió nada.")


def _hint(hint: Hint, formats: Formats) -> str:
    say, params = formats.say, hint.params
    if hint.code == "wrong_slot":
        return say(
            "Se dijo la {said}, pero este medidor es de la {slot}. Levante la sonda y revise.",
            said=params["said"],
            slot=params["slot"],
        )
    if hint.code == "stands_elsewhere":
        return say(
            "La red lo tiene en la {listed}, su orden en la {slot}.",
            listed=params["listed"],
            slot=params["slot"],
        )
    return say("Quedó sin hacer: {slots}", slots=params.get("slots", ""))


def _progress(view: PanelView, formats: Formats) -> str:
    if view.working is None or view.phase is not Phase.WORKING:
        return ""
    text = formats.word_or(f"progress.{view.working.step}", view.working.step)
    left = view.working.seconds_left
    if left is None:
        return text
    return f"{text} · " + formats.say("quedan {seconds} s", seconds=str(round(left)))
