"""Signing in: the tiles with names and the PIN."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement

from ui import views
from ui.controllers.base import Context, Controller
from ui.qt import Property, QmlUncreatable
from ui.workers import Lane

QML_IMPORT_NAME = "FieldTool.Core"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the program")
class SessionController(Controller):
    """Who may sign in, who is signed in, and how long a lock-out still lasts."""

    peopleChanged = Signal()
    chosenChanged = Signal()
    signedInChanged = Signal()
    lockChanged = Signal()
    attemptChanged = Signal()
    enrolled = Signal()
    unlocked = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(context, parent)
        self._people: list[dict[str, object]] = []
        self._chosen = ""
        self._signed_in = False
        self._role = "crew"
        self._locked = 0
        self._checking = False
        self._attempts_left = -1
        self._timer = QTimer(self)
        self._timer.setInterval(1000)
        self._timer.timeout.connect(self._tick)

    @Property("QVariantList", notify=peopleChanged)
    def people(self) -> list[dict[str, object]]:
        """Tiles: id, name, role, lockedSeconds."""
        return self._people

    @Property("QVariantMap", notify=chosenChanged)
    def chosen(self) -> dict[str, object]:
        """The person whose PIN is asked for; empty while tiles are shown."""
        return next((person for person in self._people if person["id"] == self._chosen), {})

    @Property(bool, notify=signedInChanged)
    def signedIn(self) -> bool:
        return self._signed_in

    @Property(str, notify=signedInChanged)
    def role(self) -> str:
        """`crew` or `supervisor`: decides which places the rail shows."""
        return self._role

    @Property(int, notify=lockChanged)
    def lockedSeconds(self) -> int:
        """Seconds until another attempt is allowed."""
        return self._locked

    @Property(int, notify=attemptChanged)
    def attemptsLeft(self) -> int:
        """Attempts left after a wrong PIN, −1 before one."""
        return self._attempts_left

    @Slot()
    def load(self) -> None:
        """Reads the people of this tablet."""
        self.run(Lane.DATABASE, self.context.backend.people, self._set_people)

    @Slot(str)
    def choose(self, person_id: str) -> None:
        """Asks for the PIN of one person; an empty id goes back to the tiles."""
        self._chosen = person_id
        person = self.chosen
        self._set_attempts(-1)
        self._lock(int(str(person.get("lockedSeconds", 0))) if person else 0)
        self.clear_failure()
        self.chosenChanged.emit()

    @Slot(str)
    def enter(self, pin: str) -> None:
        """Tries a PIN."""
        if self._locked or self._checking or not self._chosen:
            return
        person = self._chosen
        self._checking = True

        def check() -> views.SignIn:
            try:
                return self.context.backend.sign_in(person, pin)
            finally:
                self._checking = False

        self.run(Lane.DATABASE, check, self._answered)

    @Slot(str)
    def unlock(self, passphrase: str) -> None:
        """Opens the data with the passphrase; as often as it takes, nothing is counted or lost."""
        if self._jobs:
            return

        def opened(_: None) -> None:
            self.unlocked.emit()
            self.load()

        self.run(Lane.DATABASE, lambda: self.context.backend.unlock(passphrase), opened)

    @Slot(str, str)
    def enrol(self, url: str, code: str) -> None:
        """Makes this tablet known to an office; then the people of its crew appear."""

        def enrolled(_: None) -> None:
            self.enrolled.emit()
            self.load()

        self.run(Lane.SYNC, lambda: self.context.backend.enrol(url, code), enrolled)

    @Slot()
    def scanTicket(self) -> None:
        """Reads the QR that the office gave and enrols with it."""
        self.context.scan("ticket", lambda text: self.enrol("", text))

    @Slot()
    def leave(self) -> None:
        """Signs out; what is under way stays and continues at the same step."""
        self.run(Lane.DATABASE, self.context.backend.sign_out, lambda _: self._left())

    def _left(self) -> None:
        self._signed_in = False
        self._chosen = ""
        self.chosenChanged.emit()
        self.signedInChanged.emit()
        self.load()

    def _set_people(self, people: object) -> None:
        if isinstance(people, list | tuple):
            self._people = [views.to_qml(person) for person in people]
        self.peopleChanged.emit()
        self.chosenChanged.emit()

    def _answered(self, answer: views.SignIn) -> None:
        if answer.ok:
            self._role = answer.role
            self._signed_in = True
            self._set_attempts(-1)
            self.signedInChanged.emit()
            return
        self._set_attempts(answer.attempts_left)
        self._lock(answer.locked_seconds)

    def _set_attempts(self, left: int) -> None:
        self._attempts_left = left
        self.attemptChanged.emit()

    def _lock(self, seconds: int) -> None:
        self._locked = seconds
        if seconds:
            self._timer.start()
        else:
            self._timer.stop()
        self.lockChanged.emit()

    def _tick(self) -> None:
        self._lock(max(0, self._locked - 1))
