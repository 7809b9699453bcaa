"""The supervisor's pages: board, exceptions, orders."""

from __future__ import annotations

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


@QmlElement
@QmlUncreatable("made by the program")
class OfficeController(Controller):
    """Asks the office and shows what it said; a decision is posted and then everything is asked again."""

    boardChanged = Signal()
    queueChanged = Signal()
    caseChanged = Signal()
    slaChanged = Signal()
    listChanged = Signal()
    photoChanged = Signal()
    recordingWanted = Signal(str, str)
    """Order and key of a recording, which has a page of its own."""
    decided = Signal()

    def __init__(
        self, context: Context, office: Callable[[], OfficeBackend], parent: QObject | None = None
    ) -> None:
        super().__init__(context, parent)
        self._office = office
        self._project = ""
        self._days = 14
        self._board = views.to_qml(officeviews.Board())
        self._queue = views.to_qml(officeviews.Queue())
        self._list = views.to_qml(officeviews.OrderList())
        self._sla = views.to_qml(officeviews.Sla())
        self._case: officeviews.Case | None = None
        self._shown_case: dict[str, object] = {}
        self._which = str(self._list["key"])
        self._shown_count = PAGE
        self._photo = ""

    @Property("QVariantMap", notify=boardChanged)
    def board(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Board`."""
        return self._board

    @Property("QVariantMap", notify=queueChanged)
    def queue(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Queue`."""
        return self._queue

    @Property("QVariantMap", notify=slaChanged)
    def sla(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Sla`."""
        return self._sla

    @Property("QVariantMap", notify=caseChanged)
    def case(self) -> dict[str, object]:
        """Fields of `ui.officeviews.Case`; empty when none is open."""
        return self._shown_case

    @Property("QVariantMap", notify=listChanged)
    def list(self) -> dict[str, object]:
        """Fields of `ui.officeviews.OrderList`."""
        return self._list

    @Property(str, notify=photoChanged)
    def photo(self) -> str:
        """URL of the opened photo; empty when none is open."""
        return self._photo

    @Slot()
    def loadBoard(self) -> None:
        """Asks for the figures."""
        project, days = self._project, self._days
        self.run(Lane.SYNC, lambda: self._office().board(project, days), self.show_board)

    @Slot(str)
    def chooseProject(self, project: str) -> None:
        """Another project; the filter stays while moving between pages."""
        self._project = project
        self.loadBoard()

    @Slot(str)
    def choosePeriod(self, days: str) -> None:
        """How far back the plots reach."""
        self._days = int(days)
        self.loadBoard()

    @Slot()
    def loadSla(self) -> None:
        """Asks for the table of orders on time and late."""
        self.run(Lane.SYNC, lambda: self._office().sla(), self._show_sla)

    @Slot(str, str)
    def choose(self, name: str, key: str) -> None:
        """By what the table is (`group_by`), or a filter; an empty name takes all filters away."""
        self.run(Lane.SYNC, lambda: self._office().choose(name, key), self._show_sla)

    @Slot(str)
    def openLate(self, key: str) -> None:
        """Makes a row a filter, and its late orders that still run what the page of orders shows next."""
        name = str(self._sla["groupBy"])
        self.run(Lane.SYNC, lambda: self._office().choose(name, key), self._show_sla)
        self.behind("late")

    @Slot(str)
    def dropFilter(self, name: str) -> None:
        """Takes a filter off the open list; an empty name takes all."""
        self.run(Lane.SYNC, lambda: self._office().choose(name, ""), self._show_sla)
        self.openList(self._which)

    @Slot()
    def loadQueue(self) -> None:
        """Asks for the exceptions."""
        self.run(Lane.SYNC, lambda: self._office().queue(), self._show_queue)

    @Slot(str)
    def openCase(self, exception_id: str) -> None:
        """Opens an exception."""
        self.run(Lane.SYNC, lambda: self._office().case(exception_id), self.show_case)

    @Slot(str)
    def behind(self, name: str) -> None:
        """Which list the page of orders asks for when it opens."""
        self._which, self._shown_count = name, PAGE

    @Slot(str)
    def openList(self, name: str) -> None:
        """Another list on the page of orders."""
        self.behind(name)
        self.loadList()

    @Slot()
    def loadList(self) -> None:
        """Asks for the open list."""
        name, count = self._which, self._shown_count
        self.run(Lane.SYNC, lambda: self._office().listed(name, count), self._show_list)

    @Slot()
    def more(self) -> None:
        """The next page of the open list."""
        self._shown_count += PAGE
        self.loadList()

    @Slot(str)
    def openOrder(self, order_id: str) -> None:
        """Opens an order with its evidence."""
        self.run(Lane.SYNC, lambda: self._office().order_case(order_id), self.show_case)

    def reopen(self) -> None:
        """Asks again for the open case, whose words are of another language."""
        case = self._case
        if case is not None:
            self.openCase(case.id) if case.kind == "exception" else self.openOrder(case.order_id)

    @Slot()
    def closeCase(self) -> None:
        """Back to the list."""
        self._case = None
        self._shown_case = {}
        self.clear_failure()
        self.caseChanged.emit()

    @Slot(str, str)
    def decide(self, decision: str, reason: str) -> None:
        """Posts a decision on what is open."""
        case = self._case
        if case is None or self._jobs:
            return
        self.run(
            Lane.SYNC, lambda: self._office().decide(case, decision, reason), lambda _: self._decided(case)
        )

    @Slot(str)
    def openPhoto(self, key: str) -> None:
        """Fetches a photo of the open case; a recording is read on its own page."""
        case = self._case
        if case is not None and any(one.key == key and one.recording for one in case.photos):
            self.recordingWanted.emit(case.order_id, key)
        elif case is not None:
            self.run(Lane.SYNC, lambda: self._office().photo(case.order_id, key), self._show_photo)

    @Slot()
    def closePhoto(self) -> None:
        """Lets go of the photo."""
        self._show_photo("")

    def show_board(self, board: officeviews.Board) -> None:
        """Takes new figures."""
        self._project = board.project
        self._board = views.to_qml(board)
        self.boardChanged.emit()

    def _show_sla(self, sla: officeviews.Sla) -> None:
        self._project = sla.project
        self._sla = views.to_qml(sla)
        self.slaChanged.emit()

    def show_case(self, case: officeviews.Case) -> None:
        """Takes a case."""
        self._case = case
        self._shown_case = views.to_qml(case)
        self.caseChanged.emit()

    def _show_queue(self, queue: officeviews.Queue) -> None:
        self._queue = views.to_qml(queue)
        self.queueChanged.emit()
        if self._case is not None and self._case.kind == "exception":
            self.caseChanged.emit()

    def _show_list(self, found: officeviews.OrderList) -> None:
        self._list = views.to_qml(found)
        self.listChanged.emit()

    def _show_photo(self, url: str) -> None:
        self._photo = url
        self.photoChanged.emit()

    def _decided(self, case: officeviews.Case) -> None:
        self.context.toast(self.context.text("Decisión registrada por la oficina"), "good")
        self.closeCase()
        self.decided.emit()
        if case.kind == "exception":
            self.loadQueue()
        else:
            self.loadList()
