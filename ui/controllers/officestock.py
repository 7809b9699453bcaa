"""*Existencias* of the office: devices by place and serial, picked over pages, moved all or none."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import officeviews, views
from ui.controllers.base import Context, Controller
from ui.officebackend import OfficeBackend
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

PAGE = 100
MOST = 200
"""Devices that the office moves at once."""


@QmlElement
@QmlUncreatable("made by the program")
class OfficeStockController(Controller):
    """What is picked stays picked while another place or serial is looked for."""

    changed = Signal()
    pickedChanged = Signal()

    def __init__(
        self, context: Context, office: Callable[[], OfficeBackend], parent: QObject | None = None
    ) -> None:
        super().__init__(context, parent)
        self._office = office
        self._where, self._serial, self._wanted, self._turn = "", "", PAGE, 0
        self._shown = views.to_qml(officeviews.OfficeStock())
        self._picked: dict[str, dict[str, object]] = {}
        self._asked: tuple[object, ...] = ()
        self._key = ""

    @Property("QVariantMap", notify=changed)
    def shown(self) -> dict[str, object]:
        """Fields of `ui.officeviews.OfficeStock`."""
        return self._shown

    @Property("QVariantList", notify=pickedChanged)
    def serials(self) -> list[str]:
        """Serials of what is picked."""
        return list(self._picked)

    @Property(bool, notify=pickedChanged)
    def full(self) -> bool:
        """No more can be moved at once."""
        return len(self._picked) >= MOST

    @Property(str, notify=pickedChanged)
    def movement(self) -> str:
        """How what is picked would go to a crew: `handed_out`, `transferred`; empty where it lies in both."""
        places = {str(row["place"]) for row in self._picked.values()}
        return {"store": "handed_out", "truck": "transferred"}.get("+".join(places), "")

    @Property(bool, notify=pickedChanged)
    def returnable(self) -> bool:
        """Whether all of it may be taken back into the store."""
        return all(row["place"] in ("truck", "removed") for row in self._picked.values())

    @Slot()
    def load(self) -> None:
        """Asks the office; an answer that another question has overtaken is not shown."""
        self._turn += 1
        turn, where, serial, count = self._turn, self._where, self._serial, self._wanted

        def show(found: officeviews.OfficeStock) -> None:
            if turn == self._turn:
                self._shown = views.to_qml(found)
                self.changed.emit()

        self.run(Lane.SYNC, lambda: self._office().stock(where, serial, count), show)

    @Slot(str)
    def look(self, where: str) -> None:
        """Another place."""
        self._where, self._wanted = where, PAGE
        self.load()

    @Slot(str)
    def search(self, serial: str) -> None:
        """Devices with this part in their serial."""
        plain = serial.strip().upper()
        if plain != self._serial:
            self._serial, self._wanted = plain, PAGE
            self.load()

    @Slot()
    def more(self) -> None:
        """The next page too."""
        self._wanted += PAGE
        self.load()

    @Slot(str)
    def pick(self, serial: str) -> None:
        """Picks a device, or drops it again."""
        if self._picked.pop(serial, None) is None:
            rows = self._shown["rows"]
            row = (
                next((one for one in rows if one["serial"] == serial), None)
                if isinstance(rows, list)
                else None
            )
            if row is None or not row["movable"] or self.full:
                return
            self._picked[serial] = row
        self.pickedChanged.emit()

    @Slot()
    def dropAll(self) -> None:
        """Picks nothing."""
        self._picked = {}
        self.pickedChanged.emit()

    @Slot(str, str, str)
    def move(self, movement: str, crew: str, reason: str) -> None:
        """Has the office move what is picked; asked again after a failure it is the same act."""
        serials = tuple(self._picked)
        if not serials or self._jobs:
            return
        asked = (movement, serials, crew)
        if asked != self._asked:
            self._asked, self._key = asked, uuid.uuid4().hex
        key = self._key
        self.run(
            Lane.SYNC,
            lambda: self._office().move_stock(key, movement, serials, crew, reason.strip()),
            lambda _: self._moved(),
        )

    def _moved(self) -> None:
        self.context.toast(self.context.text("La oficina lo aceptó"), "good")
        self._asked = ()
        self.dropAll()
        self.load()
