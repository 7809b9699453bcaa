"""The list of orders: a model with roles, searched without asking the database again."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

ROLES = [
    "id",
    "section",
    "address",
    "supply",
    "task",
    "kind",
    "distance",
    "extra",
    "due",
    "sla_tone",
    "sla_filled",
    "step",
    "unsent",
    "first_in_section",
    "last_in_section",
]
FIRST_ROLE = int(Qt.ItemDataRole.UserRole)


def fold(text: str) -> str:
    """Text as the search compares it: no accents, no case, no spaces or dashes between figures."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if not unicodedata.combining(mark) and mark not in " -·.")


def search_keys(rows: Sequence[views.OrderRow]) -> list[str]:
    """What the search looks through, a key a row."""
    return [fold(f"{row.address}|{row.supply}|{row.serials}|{row.id}") for row in rows]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


@QmlElement
@QmlUncreatable("made by the program")
class OrdersModel(QAbstractListModel):
    """Rows that match the search, in the order given; `section` groups them."""

    countChanged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Sequence[views.OrderRow] = ()
        self._keys: list[str] = []
        self._rows: list[views.OrderRow] = []
        self._search = ""
        self._matching: list[int] = []

    @Property(int, notify=countChanged)
    def count(self) -> int:
        return len(self._rows)

    @property
    def total(self) -> int:
        """Rows without the search."""
        return len(self._all)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def roleNames(self) -> dict[int, QByteArray]:
        return {FIRST_ROLE + at: QByteArray(_camel(name).encode()) for at, name in enumerate(ROLES)}

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        at = index.row()
        if not 0 <= at < len(self._rows) or role < FIRST_ROLE:
            return None
        name = ROLES[role - FIRST_ROLE]
        row = self._rows[at]
        if name == "first_in_section":
            return at == 0 or self._rows[at - 1].section != row.section
        if name == "last_in_section":
            return at == len(self._rows) - 1 or self._rows[at + 1].section != row.section
        return getattr(row, name)

    def section_count(self, section: str) -> int:
        """Rows of one section that match."""
        return sum(1 for row in self._rows if row.section == section)

    def fill(self, rows: Sequence[views.OrderRow], keys: list[str] | None = None) -> None:
        """Takes all rows and keeps the search; `keys` are what `search_keys` made of them elsewhere."""
        self._all = rows
        self._keys = search_keys(rows) if keys is None else keys
        self._matching = list(range(len(rows)))
        wanted, self._search = self._search, ""
        self.search(wanted, force=True)

    def search(self, text: str, *, force: bool = False) -> None:
        """Keeps rows that hold all the words; a longer search looks only through what matched before."""
        wanted = text.strip()
        if wanted == self._search and not force:
            return
        candidates = (
            self._matching if self._search and wanted.startswith(self._search) else range(len(self._all))
        )
        words = [fold(word) for word in wanted.split()]
        joined = fold(wanted)
        matching = [
            at
            for at in candidates
            if joined in self._keys[at] or all(word in self._keys[at] for word in words)
        ]
        self.beginResetModel()
        self._search = wanted
        self._matching = matching
        self._rows = [self._all[at] for at in matching]
        self.endResetModel()
        self.countChanged.emit()


@QmlElement
@QmlUncreatable("made by the program")
class OrdersController(Controller):
    """The page *Órdenes*."""

    changed = Signal()
    searchChanged = Signal()
    found = Signal(str)
    loadedAnew = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._model = OrdersModel(self)
        self._search = ""
        self._loaded = False

    @Property(OrdersModel, constant=True)
    def model(self) -> OrdersModel:
        return self._model

    @Property(str, notify=searchChanged)
    def search(self) -> str:
        return self._search

    @Property(bool, notify=changed)
    def loaded(self) -> bool:
        """False until the first answer of the database."""
        return self._loaded

    @Property(int, notify=changed)
    def total(self) -> int:
        """Orders on this tablet."""
        return self._model.total

    @Property("QVariantMap", notify=changed)
    def counts(self) -> dict[str, int]:
        """Matching rows by section."""
        return {name: self._model.section_count(name) for name in ("today", "late", "rest", "done")}

    @Slot()
    def load(self) -> None:
        """Reads the list again; the search stays. The worker makes the keys: 0.3 s for 50,000 rows."""

        def read() -> tuple[Sequence[views.OrderRow], list[str]]:
            rows = self.context.backend.orders()
            return rows, search_keys(rows)

        self.run(Lane.DATABASE, read, self._fill)

    @Slot(str)
    def setSearch(self, text: str) -> None:
        """Filters by serial, supply number or address."""
        if text != self._search:
            self._search = text
            self._model.search(text)
            self.searchChanged.emit()
            self.changed.emit()

    @Slot()
    def scan(self) -> None:
        """Reads a code; one order opens at once, anything else becomes the search."""
        self.context.scan("order", self._look_up)

    def _look_up(self, code: str) -> None:
        self.run(Lane.DATABASE, lambda: (code, self.context.backend.find(code)), self._scanned)

    def _scanned(self, answer: tuple[str, str]) -> None:
        code, order_id = answer
        if order_id:
            self.found.emit(order_id)
        elif code:
            self.setSearch(code)

    def _fill(self, answer: tuple[Sequence[views.OrderRow], list[str]]) -> None:
        self._loaded = True
        self._model.fill(*answer)
        self.changed.emit()
        self.loadedAnew.emit()


@QmlElement
@QmlUncreatable("made by the program")
class OrderController(Controller):
    """The page *Orden* and the way to close one as not executed."""

    changed = Signal()
    reasonsChanged = Signal()
    closed = Signal()
    photoChanged = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._order: dict[str, object] = {}
        self._reasons: list[dict[str, object]] = []
        self._photo = ""

    @Property("QVariantMap", notify=changed)
    def order(self) -> dict[str, object]:
        """Fields of `ui.views.OrderView`; empty while loading."""
        return self._order

    @Property("QVariantList", notify=reasonsChanged)
    def reasons(self) -> list[dict[str, object]]:
        return self._reasons

    @Property(str, notify=photoChanged)
    def photo(self) -> str:
        """Picture taken for *No ejecutada*."""
        return self._photo

    @Slot(str)
    def load(self, order_id: str) -> None:
        """Reads one order."""
        self._photo = ""
        self.photoChanged.emit()
        self.run(Lane.DATABASE, lambda: self.context.backend.order(order_id), self._set)

    @Slot()
    def loadReasons(self) -> None:
        """Reads the reasons not to complete."""
        order_id = str(self._order.get("id", ""))
        self.run(Lane.DATABASE, lambda: self.context.backend.reasons(order_id), self._set_reasons)

    @Slot()
    def takePhoto(self) -> None:
        """Takes the photo that a reason asks for."""
        self.run(Lane.DATABASE, self.context.backend.take_photo, self._set_photo)

    @Slot(str, str)
    def notDone(self, reason: str, note: str) -> None:
        """Closes the order as not executed; `closed` when it is on disk."""
        order_id = str(self._order.get("id", ""))
        photo = self._photo
        self.run(
            Lane.DATABASE,
            lambda: self.context.backend.not_done(order_id, reason, note, photo),
            lambda _: self.closed.emit(),
        )

    def _set(self, order: views.OrderView) -> None:
        self._order = views.to_qml(order)
        self.changed.emit()

    def _set_reasons(self, reasons: Sequence[views.Choice]) -> None:
        self._reasons = [views.to_qml(reason) for reason in reasons]
        self.reasonsChanged.emit()

    def _set_photo(self, path: str) -> None:
        self._photo = path
        self.photoChanged.emit()
