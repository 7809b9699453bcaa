"""One order being worked on: shows the current step, accepts answers, works on meters, ends the order.

Everything accepted is one transaction of the journal before the method returns. The lock serialises callers;
slow work on a meter does not hold it, so the page can be looked at meanwhile and `cancel` gets through.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fieldtool.balancing import PowerBoard
from fieldtool.commissioning import MeterWork
from fieldtool.errors import JobError, StepRefused
from fieldtool.journalhost import OrderContext, Progress
from fieldtool.procedure import answers as a
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import Bench
from fieldtool.procedure.effects import effects, match_payload, photos_in
from fieldtool.procedure.rules import problems, safety_failures
from fieldtool.procedure.state import Job, RunState, fold, restore, under_way
from fieldtool.procedure.views import Accepted, PhotoView, Problem, RunEnd, RunView
from fieldtool.run import balances, changing, ending, evidence, judging, pages, photos, placing, which
from fieldtool.run.book import OrderBook
from fieldtool.run.meters import MeterSteps
from fieldtool.run.positions import Positions
from fieldtool.run.recordings import Recordings
from fieldtool.run.surroundings import Surroundings
from fieldtool.text import Language
from workorders.clock import utc_text
from workorders.journal import kinds
from workorders.journal.entry import Entry
from workorders.journal.words import DeviceRole
from workorders.orders import WorkOrder

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.codes import Code


class ProcedureRun:
    """See `fieldtool.tablet.api.RunFace`, which this implements."""

    def __init__(self, around: Surroundings, order: WorkOrder) -> None:
        self.order_id = order.mrid
        self.order = order
        self.around = around
        self.procedure = which.procedure_for(around.procedures, order)
        self._lock = threading.RLock()
        self._shown: str | None = None
        self._opened_at = datetime.now(UTC)
        self.book = OrderBook(around.journal, order.mrid)
        self._folded = RunState()
        self.state = RunState()
        """What was accepted and still applies: what a corrected answer has hidden counts for nothing."""
        self.bench = Bench()
        self._meters: MeterSteps | None = None
        self.trace: Path | None = None
        """Where the optical sessions of this run are recorded, if anywhere."""
        self.recordings = Recordings(self)
        self.positions = Positions(self)
        self._mismatch = judging.OldMismatch()
        self._meters_outdated = False
        self.went_on = False
        """Whether the crew has seen what an earlier visit left here."""
        self._reload()
        # What was taken before the program died lies sealed on the disk: the steps find it as they left it.
        # So do the readings of a balance, which takes a walk from meter to meter.
        taken = photos.still_there(around.blobs, self.book.taken())
        self.bench = Bench(photos=taken, power=balances.kept(self))

    # --- looking ----------------------------------------------------------------------------------

    def job(self) -> Job:
        """The job's facts as of now."""
        return Job(
            order=self.order,
            facts=evidence.facts(self.order, self.around, self.state),
            today=utc_text(datetime.now(UTC)),
            crew=self.around.crew,
        )

    def view(self, language: Language) -> RunView:
        """Everything the procedure page shows now."""
        with self._lock:
            return pages.run_view(self, language)

    def shown_step(self) -> m.Step | None:
        """The step on the page: the one gone back to, else the first open one."""
        job = self.job()
        if self._shown is not None:
            step = self.procedure.step(self._shown)
            if engine.may_show(step, self.procedure, job, self.state):
                return step
            self._shown = None
        return engine.open_step(self.procedure, job, self.state)

    def check(self, answer: a.Answer | dict[str, Any]) -> list[Problem]:
        """Why this answer to the current step could not be accepted; writes nothing."""
        with self._lock:
            step = self._current()
            read = self.positions.completed(step, self._read(step, answer))
            return problems(step, read, self.job(), self.state, self.bench_for(step, read))

    # --- walking ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Journal that work began, unless it has."""
        with self._lock:
            if not under_way(self.state):
                self.procedure = which.to_begin(self.around.procedures, self.order, self._folded)
                self._append(
                    [
                        kinds.OrderStarted(
                            procedure=self.procedure.id,
                            procedure_version=self.procedure.version,
                            crew=self.around.crew,
                            procedure_sha256=self.around.shelf.keep(self.procedure),
                        )
                    ]
                )
            self._arrive()

    def go_on(self) -> None:
        """The crew has seen what stands, and goes on from there; its next step is what is journalled."""
        self.went_on = True

    def back(self) -> None:
        """Show the step before; nothing is undone."""
        with self._lock:
            self._move(-1)

    def next(self) -> None:
        """Show the step after the shown one, never past the first open step."""
        with self._lock:
            self._move(+1)

    def go(self, step_id: str) -> None:
        """Show a step that is done or is the first open one."""
        with self._lock:
            step = self.procedure.step(step_id)
            if not engine.may_show(step, self.procedure, self.job(), self.state):
                raise JobError("step_closed", f"step {step_id!r} cannot be opened yet", step=step_id)
            self._shown = step_id
            self._opened_at = datetime.now(UTC)
            self._arrive()

    def accept(self, answer: a.Answer | dict[str, Any]) -> Accepted:
        """Accept the current step; see RunFace."""
        with self._lock:
            step, job = self._current(), self.job()
            read = self.positions.completed(step, self._read(step, answer))
            read = engine.only_asked(step, read, job, self.state)
            failed = safety_failures(step, read, job, self.state)
            if failed:
                return self._end(step.id, ending.unsafe_end(self, step, read, job, failed), RunEnd.UNSAFE)
            self._mismatch.note(self, step, read)
            bench = self.bench_for(step, read)
            self.bench = judging.signed(self, step, read, bench, self._mismatch.entry)
            found = problems(step, read, job, self.state, self.bench)
            if found:
                self.bench = msgspec.structs.replace(self.bench, override=None)
                raise StepRefused(step.id, found)
            return self._accepted(step, read, job)

    def keep_draft(self, fields: dict[str, Any]) -> None:
        """Keep what is typed so far into the current step; it survives the program. Never a PIN."""
        with self._lock:
            self.book.keep_draft(self._current().id, fields)

    def draft(self) -> dict[str, Any] | None:
        """What was typed into the current step before."""
        with self._lock:
            return self.book.draft(self._current().id)

    def not_done(self, reason: str, note: str | None = None, photos: list[str] | None = None) -> Accepted:
        """End the order as not executed."""
        with self._lock:
            payloads = ending.not_done(self, reason, note, photos or [])
            return self._end("not_done", payloads, RunEnd.NOT_DONE)

    def change_work(
        self, to: str, reason: str, note: str | None = None, photos: list[str] | None = None
    ) -> None:
        """Go on with other work than was ordered (`RunView.works`): by its procedure, with what was done so
        far where it means the same; see `fieldtool.run.changing.change` for what is refused."""
        with self._lock:
            procedure, payloads = changing.change(self, to, reason, note, photos or [])
            self._let_go()
            self._append(payloads, by=procedure)
            self._clear_bench([])
            self._mismatch = judging.OldMismatch()
            self._shown, self.went_on = None, True
            self._opened_at = datetime.now(UTC)
            self._arrive()

    # --- photos and codes -------------------------------------------------------------------------

    def add_photo(self, image: bytes, what: str, media_type: str = "image/jpeg") -> PhotoView:
        """Strip, seal and store an image; it counts once a step that names it is accepted, also after a
        restart."""
        plain = photos.cleaned(image, media_type)
        with self._lock:
            step = self.shown_step()
            blob = photos.store_blob(
                self.around.blobs,
                self.book.key,
                plain,
                media_type=media_type,
                what=what,
                step=step.id if step else None,
            )
            self.book.keep_taken(blob)
            self._on_bench(photos={**self.bench.photos, blob.sha256: blob})
        return PhotoView(sha256=blob.sha256, what=what, size=blob.size)

    def photo(self, sha256: str) -> bytes:
        """The plain bytes of a photo of this order."""
        return photos.read_blob(self.around.blobs, self.book.key, sha256)

    def scanned(self, codes: Sequence[Code]) -> LabelReading:
        """What the codes of one label mean, by the rules of the device that the current step expects."""
        step = self.shown_step()
        old = isinstance(step, m.ScanStep) and step.device is DeviceRole.OLD
        asset = self.order.old_asset if old else self.order.new_asset
        return self.around.labels.classify(codes, asset.model if asset else None)

    def scan_picture(self, image: bytes) -> LabelReading:
        """*Slow.* Read the codes in a picture and classify them."""
        return self.scanned(self.around.labels.decode(image))

    # --- meters and network -----------------------------------------------------------------------

    def read_meter(self, progress: Progress | None = None) -> None:
        """*Slow.* Read the meter of the current step."""
        self.meters.read(progress)

    def plan(self, progress: Progress | None = None) -> None:
        """*Slow.* Settle what a cut left open, and compare the meter with the program."""
        self.meters.plan(progress)

    def apply(self, allow: list[str], progress: Progress | None = None) -> None:
        """*Slow.* Write what differs; dangerous changes only if allowed."""
        self.meters.apply(allow, progress)

    def test_relay(self, confirmation: str, progress: Progress | None = None) -> None:
        """*Slow.* Open and close the relay."""
        self.meters.test_relay(confirmation, progress)

    def check_join(self, progress: Progress | None = None) -> None:
        """*Slow.* Ask whether the network has heard the device."""
        self.meters.check_join(progress)

    def read_power(self, progress: Progress | None = None) -> None:
        """*Slow.* Read the power of the meter under the probe into the balance of the current step."""
        self.meters.read_power(progress)

    def place_called(self, text: str) -> tuple[str, str] | None:
        """What a scanned label is: (`concentrator` or `panel`, its mRID); None for no node of the tree."""
        return placing.find(self, text)

    def say_of_power(self, serial: str, what: str) -> None:
        """A person says what a meter of the balance is: `macro`, `member`, `silent` (it cannot be read)."""
        with self._lock:
            self.keep_power(balances.said(self, serial, what))

    def attach_recording(self) -> bool:
        """Lay the recording of the last optical session on the order; False where nothing was said."""
        return self.recordings.attach()

    def cancel(self) -> None:
        """Stop the running slow call; from any thread."""
        meters = self._meters
        if meters is not None:
            meters.cancel()

    def use(self, around: Surroundings, order: WorkOrder | None = None) -> None:
        """Go on with the models, programs, label rules and technologies of now, and with the order as the
        office has it now: another serial, somebody who depends on the supply. The procedure stays."""
        with self._lock:
            was, self.around = self.around, around
            changed = order is not None and order != self.order
            if order is not None and changed:
                self.order, self._mismatch = order, judging.OldMismatch()
                self._on_bench(match=None)
            self._stand()
            if changed and around.person() is not None:
                self._arrive()
            if (was.models_folder, was.programs_folder) != (around.models_folder, around.programs_folder):
                self._meters_outdated = True  # the next work on a meter begins with a fresh session

    def close(self) -> None:
        """Let go of meter and receiver; returns when nobody is told anything any more."""
        self.positions.close()
        self._let_go()

    def _let_go(self) -> None:
        self.positions.stop()
        meters, self._meters = self._meters, None
        if meters is not None:
            meters.close()
        self.recordings.close()

    @property
    def meters(self) -> MeterSteps:
        """The work on meters of this run."""
        with self._lock:
            context = self.context()
            if self._meters is not None and (self._meters.context != context or self._meters_outdated):
                self.close()  # somebody else signed in: what is written from here on is theirs
            self._meters_outdated = False
            if self._meters is None:
                around = self.around
                work = MeterWork(
                    around.journal,
                    context,
                    models=around.models_folder,
                    programs=around.programs_folder,
                    cache=around.cache,
                    system_title=around.system_title,
                    secrets=around.secrets,
                    recording=self.recordings.begin,
                    changing=around.changing,
                )
                self._meters = MeterSteps(self, work, context)
            return self._meters

    # --- for the parts of this folder -------------------------------------------------------------

    @property
    def touched(self) -> bool:
        """Whether the visit under way has changed the site: whatever others wrote, it is to be ended here."""
        state = self.state
        return state.end is None and bool(state.removed or state.placed or state.writes)

    @property
    def passed_over(self) -> list[str]:
        """Steps that were accepted and that an answer corrected later has hidden."""
        return sorted(self._folded.done.keys() - self.state.done.keys())

    def context(self) -> OrderContext:
        """In whose name entries are written; JobError `nobody_signed_in`."""
        person = self.around.person()
        if person is None:
            raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
        return OrderContext(order_id=self.order_id, order_version=self.order.version, actor=person.id)

    def put_on_bench(self, **found: object) -> None:
        """Lay down what a meter or the network gave, for the page and for accepting."""
        with self._lock:
            self._on_bench(**found)

    def keep_power(self, board: PowerBoard) -> None:
        """Lay down the readings of a balance: they outlast the step that is shown, and the program."""
        with self._lock:
            self.book.keep_power(board)
            self._on_bench(power=board)

    def append_beside(self, payloads: list[kinds.Payload]) -> list[Entry]:
        """Write what belongs to the order and to no answer."""
        with self._lock:
            return self._append(payloads)

    def reload(self) -> None:
        """Fold the order's entries again, after somebody else wrote some (a session's intents)."""
        with self._lock:
            self._reload()

    # --- inside -----------------------------------------------------------------------------------

    def _current(self) -> m.Step:
        step = self.shown_step()
        if step is None:
            raise JobError("already_ended", "this order has ended; there is no step to accept")
        return step

    @staticmethod
    def _read(step: m.Step, answer: a.Answer | dict[str, Any]) -> a.Answer:
        return a.read_answer(step, answer) if isinstance(answer, dict) else answer

    def _on_bench(self, **found: object) -> None:
        self.bench = msgspec.structs.replace(self.bench, **found)

    def _move(self, by: int) -> None:
        steps = engine.visible_steps(self.procedure, self.job(), self.state)
        step = self.shown_step()
        if step is None or step not in steps:
            return
        index = steps.index(step) + by
        if 0 <= index < len(steps) and engine.may_show(steps[index], self.procedure, self.job(), self.state):
            self._shown = steps[index].id
            self._opened_at = datetime.now(UTC)

    def bench_for(self, step: m.Step, answer: a.Answer) -> Bench:
        """The bench as it counts for this answer: match and place are judged anew."""
        return judging.bench_for(self, step, answer)

    def _arrive(self) -> None:
        """On reaching the match: a mismatch is journalled when it is seen, not when somebody answers it."""
        step = self.shown_step()
        if not isinstance(step, m.MatchStep):
            return
        self._on_bench(match=evidence.match_now(self, step))
        result = self.bench.match
        if result is None or result.equal:
            return
        payload = match_payload(self.bench)
        known = self.state.match
        if known is None or known.payload != payload:
            self._append([payload])

    def _accepted(self, step: m.Step, answer: a.Answer, job: Job) -> Accepted:
        seconds = max(0, round((datetime.now(UTC) - self._opened_at).total_seconds()))
        written = effects(step, answer, job, self.state, self.bench, self.book.seal, seconds)
        end = None
        if isinstance(step, m.SummaryStep):
            written += ending.completion(self, step, job, written)
            end = RunEnd.COMPLETED if step.not_done is None else RunEnd.NOT_DONE
        stored = self._append(written, drafts_of=step.id)
        self._clear_bench(photos_in(answer))
        if isinstance(step, m.ScanStep):
            self._mismatch = judging.OldMismatch()
        self._shown = None
        self._opened_at = datetime.now(UTC)
        self.positions.stop()
        if end is not None:
            self._let_go()
        self._arrive()
        following = engine.open_step(self.procedure, self.job(), self.state)
        return Accepted(
            step=step.id,
            saved_at=stored[-1].envelope.time.device,
            next_step=following.id if following else None,
            end=end,
        )

    def _end(self, step: str, payloads: list[kinds.Payload], end: RunEnd) -> Accepted:
        stored = self._append(payloads)
        self._let_go()
        return Accepted(step=step, saved_at=stored[-1].envelope.time.device, next_step=None, end=end)

    def _clear_bench(self, used: list[str]) -> None:
        kept = {sha: blob for sha, blob in self.bench.photos.items() if sha not in used}
        self.bench = Bench(photos=kept, power=self.bench.power)

    # --- journal ----------------------------------------------------------------------------------

    def _append(
        self, payloads: list[kinds.Payload], drafts_of: str | None = None, by: m.Procedure | None = None
    ) -> list[Entry]:
        """Write and fold; `by`: the procedure that the last of them goes on by."""
        written = self.book.append(payloads, self.context(), drafts_of=drafts_of)
        self.procedure = by or self.procedure
        for payload, entry in zip(payloads, written, strict=True):
            envelope = entry.envelope
            self._folded = fold(
                self.procedure, self._folded, payload, envelope.id, envelope.time.device, self.book.unseal
            )
        self._stand()
        return written

    def _stand(self) -> None:
        self.state = self._folded  # the facts of the job are asked of what was read, whichever step did it
        self.state = engine.standing(self.procedure, self.job(), self._folded)

    def _reload(self) -> None:
        """Fold what was accepted; a run that was begun goes on by the procedure that it began with."""
        texts: dict[tuple[str, int, str | None], m.Procedure] = {}
        around, order = self.around, self.order

        def of(started: kinds.OrderStarted) -> m.Procedure:
            key = (started.procedure, started.procedure_version, started.procedure_sha256)
            if key not in texts:
                texts[key] = which.begun_with(started, around.shelf, around.procedures, order)
            return texts[key]

        self._folded = restore(self.procedure, self.book.entries(), self.book.unseal, of)
        if under_way(self._folded) and self._folded.by is not None:
            self.procedure = self._folded.by
        self._stand()
