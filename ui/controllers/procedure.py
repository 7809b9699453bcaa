"""The procedure of an order: steps on the left, one page on the right."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1

#: Actions that talk to the meter and so run on the lane that owns the port.
PORT_ACTIONS = frozenset({"read", "plan", "apply", "relay", "join", "allow", "power"})


@QmlElement
@QmlUncreatable("made by the program")
class ProcedureController(Controller):
    """Shows what the engine says and passes on what the crew answers."""

    changed = Signal()
    stepChanged = Signal()
    finished = Signal()
    workChanged = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._view: dict[str, object] = {}
        self._step: dict[str, object] = {}
        self._wanted = ""
        context.backend.listen(lambda view: context.workers.post(lambda: self.show(view)))

    @Property(str, notify=changed)
    def orderId(self) -> str:
        return str(self._view.get("orderId", ""))

    @Property(str, notify=changed)
    def title(self) -> str:
        return str(self._view.get("title", ""))

    @Property("QVariantList", notify=changed)
    def phases(self) -> list[object]:
        """Phases with their steps (`ui.views.Phase`)."""
        phases = self._view.get("phases", [])
        return phases if isinstance(phases, list) else []

    @Property("QVariantMap", notify=changed)
    def step(self) -> dict[str, object]:
        """The current page (`ui.views.Step`)."""
        return self._step

    @Property(str, notify=stepChanged)
    def kind(self) -> str:
        return str(self._step.get("kind", ""))

    @Property(str, notify=stepChanged)
    def stepKey(self) -> str:
        return str(self._step.get("key", ""))

    @Property(str, notify=changed)
    def savedAt(self) -> str:
        return str(self._view.get("savedAt", ""))

    @Property("QVariantList", notify=changed)
    def works(self) -> list[object]:
        """Other work that this visit may go on with (`ui.views.Work`)."""
        works = self._view.get("works", [])
        return works if isinstance(works, list) else []

    @Slot(str, str, str, str)
    def changeWork(self, to: str, reason: str, note: str, photo: str) -> None:
        """Goes on with other work; `workChanged` when it is on disk."""
        if self._jobs:
            return
        order_id = self.orderId

        def changed(view: views.Procedure) -> None:
            self.show(view)
            self.workChanged.emit()

        self.run(
            Lane.DATABASE,
            lambda: self.context.backend.change_work(order_id, to, reason, note, photo),
            changed,
        )

    @Slot(str)
    def start(self, order_id: str) -> None:
        """Begins an order or continues where it was left."""
        self._wanted = order_id
        self.run(Lane.DATABASE, lambda: self.context.backend.start(order_id), self.show)

    @Slot("QVariantMap")
    def accept(self, answers: dict[str, object]) -> None:
        """Answers the current step; the next page comes when the answer is on disk."""
        if self._jobs:
            return
        order_id, step, given = self.orderId, self.stepKey, dict(answers)
        self.run(Lane.DATABASE, lambda: self.context.backend.accept(order_id, step, given), self.show)

    @Slot()
    def back(self) -> None:
        """Shows the step before."""
        if self._jobs:
            return
        order_id = self.orderId
        self.run(Lane.DATABASE, lambda: self.context.backend.back(order_id), self.show)

    @Slot(str, "QVariantMap")
    def act(self, action: str, values: dict[str, object]) -> None:
        """Does something inside the step: `scan`, `photo`, `read`, `apply`, `relay` …"""
        if self._jobs:
            return
        order_id, step, given = self.orderId, self.stepKey, dict(values)

        def report(view: views.Procedure) -> None:
            self.context.workers.post(lambda: self.show(view))

        def done(view: views.Procedure) -> None:
            self.show(view)
            if action == "scan" and not given:  # else the scanning view has read it, and said so
                self.context.read()

        lane = Lane.PORT if action in PORT_ACTIONS else Lane.DATABASE
        self.run(lane, lambda: self.context.backend.act(order_id, step, action, given, report), done)

    @Slot(str)
    def scanSeal(self, position: str) -> None:
        """Reads the number of a seal; without a place it goes to the first that has none yet."""

        def seen(number: str) -> None:
            self.act("scan", {"position": position, "number": number})

        self.clear_failure()
        self.context.scan("seal", seen)

    @Slot()
    def scanPlace(self) -> None:
        """Reads the label of a concentrator or a panel, and takes it as the place."""
        self.clear_failure()
        self.context.scan("node", lambda text: self.act("find_place", {"text": text}))

    @Slot()
    def dismiss(self) -> None:
        """Takes the message away: the crew goes another way."""
        self.clear_failure()

    @Slot()
    def cancel(self) -> None:
        """Stops what is under way at the meter; safe at any moment."""
        self.context.backend.cancel()

    def show(self, view: views.Procedure) -> None:
        """Takes a new state of the procedure; one of an order that was left meanwhile is not shown."""
        if view.order_id != self._wanted:
            return
        before = self.stepKey
        self._view = views.to_qml(view)
        step = self._view.get("step")
        self._step = step if isinstance(step, dict) else {}
        self.changed.emit()
        if self.stepKey != before:
            self.stepChanged.emit()
        if view.finished:
            self.finished.emit()
