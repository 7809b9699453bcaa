"""Where the crew is, at the steps that ask: taken beside the work, never before it, and not between steps.

A step that wants a position opens the receiver when its page comes up. The crew goes on whenever it likes:
what was found by then is kept with the step, or why nothing was. Looking again is one call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from drivers.position.take import NoFix, Taken
from fieldtool import positioning
from fieldtool.procedure import answers as a
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.views import PositionView
from workorders.store import schema

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

_log = logging.getLogger(__name__)
CLOSE_S = 2.0
"""Seconds that a receiver has to let go; one whose driver hangs holds nobody up longer."""


@dataclass
class _Search:
    """One taking for one step. `found` is the best so far; `over` once the receiver is closed."""

    step: str
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    found: Taken | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    heard_at: float = field(default_factory=time.monotonic)

    def take_in(self, taken: Taken) -> None:
        self.found, self.at, self.heard_at = taken, datetime.now(UTC), time.monotonic()


class Positions:
    """Takes positions for the steps of one run."""

    def __init__(self, run: ProcedureRun) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._search: _Search | None = None
        self._looking: list[threading.Thread] = []
        self.changed: Callable[[], None] | None = None
        """Called from another thread when there is something new to show."""

    # --- taking -----------------------------------------------------------------------------------

    def seek(self, *, again: bool = False) -> None:
        """Begin to look for the position of the shown step, beside everything else.

        A step that stands has its position: it is looked for only on `again`.
        """
        step = self._run.shown_step()
        if step is None or not step.position:
            self.stop()
            return
        with self._lock:
            held = self._search
            if held is not None and held.step == step.id and not (again and held.over.is_set()):
                return
            if not again and engine.is_done(step, self._run.procedure, self._run.job(), self._run.state):
                return
            search = self._begin(step.id)
            looking = threading.Thread(target=self._look, args=(search,), name="position", daemon=True)
            self._looking = [one for one in self._looking if one.is_alive()] + [looking]
            looking.start()

    def take(self) -> None:
        """*Slow.* Take the position of the shown step, and wait for it."""
        step = self._run.shown_step()
        if step is None or not step.position:
            return
        with self._lock:
            search = self._begin(step.id)
        self._look(search)

    def stop(self) -> None:
        """Close the receiver, wherever the search is."""
        with self._lock:
            if self._search is not None:
                self._search.stop.set()
            self._search = None

    def close(self) -> None:
        """The same, and wait until the search is over: whom it tells may be gone soon."""
        self.stop()
        for looking in self._looking:
            looking.join(CLOSE_S)

    def _begin(self, step: str) -> _Search:
        if self._search is not None:
            self._search.stop.set()
        self._search = _Search(step)
        return self._search

    def _look(self, search: _Search) -> None:
        def told(taken: Taken) -> None:
            search.take_in(taken)
            self._tell(search)

        rules = self._run.procedure.position
        try:
            search.take_in(self._run.around.locate(rules.wait_s, search.stop, told))
        except Exception:  # a receiver's driver must not take the step with it
            _log.exception("no position could be taken")
            search.take_in(Taken(reason=NoFix.LOST))
        finally:
            search.over.set()
        self._tell(search)

    def _tell(self, search: _Search) -> None:
        changed = self.changed
        if changed is not None and not search.stop.is_set():
            changed()

    # --- what came of it --------------------------------------------------------------------------

    def _of(self, step: m.Step) -> _Search | None:
        search = self._search
        return search if search is not None and search.step == step.id else None

    def has_news(self, step: m.Step) -> bool:
        """Whether there is a fix that is not kept yet."""
        search = self._of(step)
        return search is not None and search.found is not None and search.found.fix is not None

    def completed(self, step: m.Step, answer: a.Answer) -> a.Answer:
        """The answer with the position as far as it is known now, or why there is none."""
        if not step.position or not isinstance(answer, a.PositionedAnswer):
            return answer
        change = msgspec.structs.replace
        if answer.position is not None:
            given = answer.position
            if given.source is None:
                given = change(given, source=positioning.FROM_FILE)
            return change(answer, position=self._placed(given))
        if answer.no_position is not None:
            return answer
        position, reason = self._now(step)
        if position is None:
            kept = self._run.state.answer(step.id)
            if isinstance(kept, a.PositionedAnswer) and kept.position is not None:
                return change(answer, position=kept.position)
        return change(answer, position=position, no_position=None if position else reason)

    def _now(self, step: m.Step) -> tuple[a.Position | None, str | None]:
        search = self._of(step)
        if search is None:
            return None, None
        taken = search.found
        if taken is None:
            return None, NoFix.SEARCHING.value
        if taken.fix is None:
            reason = taken.reason or NoFix.NO_SIGNAL
            return None, (reason if search.over.is_set() else NoFix.SEARCHING).value
        waited = round(time.monotonic() - search.heard_at)
        aged = msgspec.structs.replace(taken, age_s=None if taken.age_s is None else taken.age_s + waited)
        kept = positioning.record(aged, search.at, self.supply_point(), self._run.procedure.position)
        return kept, None

    def _placed(self, position: a.Position) -> a.Position:
        return positioning.placed(position, self.supply_point(), self._run.procedure.position)

    def supply_point(self) -> positioning.Coordinates | None:
        """Where the order says that the supply point is, if its key is here."""
        table = schema.order_text
        with self._run.around.journal.store.read() as connection:
            found: str | None = connection.execute(
                select(table.c.position).where(table.c.order_id == self._run.order_id)
            ).scalar()
        return positioning.coordinates(found)

    def view(self, step: m.Step, given: a.Answer | None) -> PositionView | None:
        """What the page shows; None on a step that takes no position."""
        if not step.position:
            return None
        search = self._of(step)
        if search is None:
            return _kept(given)
        taken, over = search.found, search.over.is_set()
        position, reason = self._now(step)
        if position is None:
            state = "none" if over else "searching"
            return PositionView(state=state, in_view=taken.in_view if taken else None, reason=reason)
        shown = _shown(position)
        return shown if over else msgspec.structs.replace(shown, state="searching")


def _kept(given: a.Answer | None) -> PositionView:
    if isinstance(given, a.PositionedAnswer):
        if given.position is not None:
            return _shown(given.position)
        if given.no_position is not None:
            return PositionView(state="none", reason=given.no_position)
    return PositionView(state="none")


def _shown(position: a.Position) -> PositionView:
    return PositionView(
        state="fix",
        accuracy_m=position.accuracy_m,
        satellites=position.satellites,
        age_s=position.age_s,
        at=position.at,
        flags=position.flags,
        distance_m=position.distance_m,
    )


def nowhere(wait: float, stop: threading.Event, told: Callable[[Taken], None] | None = None) -> Taken:
    """What a tablet without any receiver finds."""
    return Taken(reason=NoFix.NO_RECEIVER)
