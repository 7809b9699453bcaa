"""A panel's photo as the page shows it: slots, frames, what is to be done, in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fieldtool.panelrun.board import Who
from fieldtool.scanning.panel import PanelReading, PanelSlot
from fieldtool.scanning.panelcheck import PanelVerdict, SlotVerdict, Standing
from fieldtool.tablet.panelphoto import PanelPhoto, Registered, Registering, photo_of
from fieldtool.tablet.tablet import Tablet
from ui import manyviews, views
from ui.wiring.camera import LiveCamera
from ui.wiring.formats import Formats

_READ = (Standing.RIGHT,)
_UNREAD = (Standing.UNREAD, Standing.EMPTY, Standing.DOUBTFUL, Standing.COMPETING)
_WRONG = (Standing.FOREIGN, Standing.WRONG_SLOT, Standing.TWICE)


class PhotoOfPanel:
    """The photo of the panel that is open on the page."""

    def __init__(
        self, tablet: Tablet, formats: Callable[[], Formats], camera: LiveCamera, read: Callable[[], str]
    ) -> None:
        self._tablet, self._formats, self._camera, self._read = tablet, formats, camera, read
        self._photo: PanelPhoto | None = None
        self._turn = 0
        self._done: dict[int, Registered] = {}
        self._tried: dict[int, str | None] = {}
        """Slot → serial that hung there when it was registered."""

    def open(self, panel: str) -> None:
        """Another panel; nothing: none."""
        self._photo = photo_of(self._tablet, panel) if panel else None
        self._done, self._tried = {}, {}

    def picture(self) -> np.ndarray | None:
        """The photo for QML."""
        photo = self._photo
        return None if photo is None else photo.picture()

    def take(self) -> manyviews.PanelPhoto:
        """A new photo with the camera."""
        if self._photo is not None:
            self._photo.take_frame(self._camera.large())
            self._turn += 1
        return self.shown()

    def resize(self, rows: int, columns: int) -> manyviews.PanelPhoto:
        """Another number of slots."""
        if self._photo is not None:
            self._photo.resize(rows, columns)
        return self.shown()

    def say(self, slot: int, serial: str) -> manyviews.PanelPhoto:
        """What a person says hangs in a slot."""
        if self._photo is not None:
            self._photo.say(slot, serial, by_camera=serial == self._read())
        return self.shown()

    def register(self) -> manyviews.PanelPhoto:
        """Into the orders."""
        if self._photo is not None:
            self._tried |= {slot.slot: slot.serial for slot in _right(self._photo.verdict())}
            self._done |= {one.slot: one for one in self._photo.register() if not self._settled(one)}
        return self.shown()

    def _settled(self, again: Registered) -> bool:
        """Whether it was registered before and this says nothing new: its next step is the crew's."""
        before = self._done.get(again.slot)
        if before is None or before.serial != again.serial or before.outcome is not Registering.REGISTERED:
            return False
        return again.outcome in (Registering.LATER, Registering.NOTHING)

    def _waiting(self, photo: PanelPhoto, verdict: PanelVerdict) -> int:
        """How many that hang right are worth registering: not tried yet, or tried and possible by now."""
        right = _right(verdict)
        tried = {slot.slot for slot in right if self._tried.get(slot.slot) == slot.serial}
        possible = photo.answerable() if tried else set()
        return sum(slot.slot not in tried or slot.slot in possible for slot in right)

    def shown(self) -> manyviews.PanelPhoto:
        """As the page shows it."""
        photo = self._photo
        if photo is None:
            return manyviews.PanelPhoto()
        plain = manyviews.PanelPhoto(title=photo.name, rows=photo.rows, columns=photo.columns)
        reading, verdict = photo.reading, photo.verdict()
        if reading is None:
            return plain
        source = f"image://panel/{self._turn}"
        if verdict is None:
            return self._unfitted(plain, source)
        judged = {slot.slot: slot for slot in verdict.slots}
        asked = [slot for slot in verdict.slots if slot.standing in _UNREAD]
        return manyviews.PanelPhoto(
            title=photo.name,
            taken=True,
            source=source,
            rows=reading.rows,
            columns=reading.columns,
            codes=tuple(_code(slot, judged[slot.slot], reading) for slot in reading.slots),
            tiles=tuple(self._tile(slot) for slot in verdict.slots),
            notes=(*self._failures(), *self._notes(photo, reading, verdict)),
            count=self._formats().say(
                "{read} de {all}", read=str(verdict.count(*_READ)), all=str(len(verdict.slots))
            ),
            unread=len(asked),
            foreign=verdict.count(*_WRONG),
            ask=tuple(str(slot.slot) for slot in asked),
            register=self._waiting(photo, verdict),
            done=self._outcome(),
        )

    def _unfitted(self, plain: manyviews.PanelPhoto, source: str) -> manyviews.PanelPhoto:
        say = self._formats().say
        note = manyviews.PhotoNote(
            slots=say("Panel"),
            text=say("No se distinguen filas ni columnas. Tome el panel entero, de frente y más cerca."),
        )
        return manyviews.PanelPhoto(
            title=plain.title,
            rows=plain.rows,
            columns=plain.columns,
            taken=True,
            source=source,
            notes=(note,),
        )

    def _tile(self, slot: SlotVerdict) -> manyviews.PhotoTile:
        say = self._formats().say
        state, detail = "free", ""
        if slot.standing in _READ:
            state, detail = "good", (slot.serial or "")[-4:]
        elif slot.standing in _WRONG:
            state, detail = "foreign", (slot.serial or "")[-4:]
        elif slot.standing in _UNREAD:
            state = "unread"
            detail = say("Dudoso") if slot.standing is Standing.DOUBTFUL else say("Sin leer")
        return manyviews.PhotoTile(
            key=str(slot.slot),
            title=f"{slot.slot:02d}",
            state=state,
            detail=detail,
            name=slot.serial or detail,
        )

    def _notes(
        self, photo: PanelPhoto, reading: PanelReading, verdict: PanelVerdict
    ) -> list[manyviews.PhotoNote]:
        """What is to be done: each kind of trouble once, with its slots."""
        say = self._formats().say
        texts = {
            Standing.UNREAD: say("No se lee la etiqueta. Acérquese."),
            Standing.EMPTY: say("No se ve el medidor que va aquí."),
            Standing.DOUBTFUL: say("Se lee al límite: mírelo otra vez."),
            Standing.COMPETING: say("Dos series en una posición: mírelo de cerca."),
            Standing.TWICE: say("La misma serie en dos posiciones: mire cuál es."),
        }
        notes = []
        for standing, text in texts.items():
            at = [str(slot.slot) for slot in verdict.slots if slot.standing is standing]
            if at:
                notes.append(manyviews.PhotoNote(slots=", ".join(at), text=text))
        for slot in verdict.slots:
            if slot.standing in (Standing.FOREIGN, Standing.WRONG_SLOT):
                notes.append(
                    manyviews.PhotoNote(
                        slots=str(slot.slot), text=self._misplaced(photo, slot), tone="wrong", icon="wrong"
                    )
                )
        if reading.unsure_origin:
            notes.append(
                manyviews.PhotoNote(
                    slots=say("Panel"),
                    text=say(
                        "Falta una fila o columna del borde: compruebe que la posición 1 sea la primera."
                    ),
                )
            )
        return notes

    def _misplaced(self, photo: PanelPhoto, slot: SlotVerdict) -> str:
        say, tail = self._formats().say, (slot.serial or "")[-4:]
        if slot.standing is Standing.WRONG_SLOT:
            return say("El {serial} va en la posición {slot}.", serial=tail, slot=str(slot.belongs))
        found = photo.stranger(slot.serial or "")
        if found.who is Who.OTHER_PLACE:
            where = " · ".join(part for part in (found.place, found.order) if part)
            return say("El {serial} va en otro sitio: {where}.", serial=tail, where=where)
        return say("El {serial} no es de este panel ni de este camión. Retírelo.", serial=tail)

    def _outcome(self) -> str:
        if not self._done:
            return ""
        say = self._formats().say
        number = {kind: sum(one.outcome is kind for one in self._done.values()) for kind in Registering}
        parts = [say("{n} registrados", n=str(number[Registering.REGISTERED]))]
        if number[Registering.LATER]:
            parts.append(say("{n} esperan un paso anterior de su orden", n=str(number[Registering.LATER])))
        return " · ".join(parts)

    def _failures(self) -> list[manyviews.PhotoNote]:
        failed = [one for one in self._done.values() if one.outcome is Registering.FAILED]
        return [
            manyviews.PhotoNote(slots=str(one.slot), text=one.what, tone="wrong", icon="wrong")
            for one in failed
        ]


def _right(verdict: PanelVerdict | None) -> list[SlotVerdict]:
    return [slot for slot in (verdict.slots if verdict else ()) if slot.standing is Standing.RIGHT]


def _code(slot: PanelSlot, verdict: SlotVerdict, reading: PanelReading) -> views.Code:
    width, height = max(1, reading.width), max(1, reading.height)
    xs, ys = [x / width for x, _ in slot.frame], [y / height for _, y in slot.frame]
    frame = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    state: views.CodeState = "unread"
    if verdict.standing in _READ:
        state = "read"
    elif verdict.standing in _WRONG:
        state = "foreign"
    if verdict.standing is Standing.FREE:
        frame = (0.0, 0.0, 0.0, 0.0)
    return views.Code(frame=frame, state=state, text=verdict.serial or "")
