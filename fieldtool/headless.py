"""Runs the procedure of an order without a screen: the same run, the same rules, answers from a file.

Answers are `{step: {field: value}}`. Where a field wants a photo, the path of a picture stands there; where a
scan step has `image`, the picture is decoded and classified as a camera frame would be. Steps at a device are
worked first (read, plan and apply, relay, join) and need an answer only where something is to be decided.
`change` = {at, to, reason, note, photos} goes on with other work at step `at` (the next one without it). A
step without an answer stops the run, which goes on there when it is called again: nothing is invented for a
crew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from drivers.errors import DriverError
from fieldtool.commands import secrets
from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.effects import flags_of
from fieldtool.procedure.views import Accepted, RunEnd
from fieldtool.run import ProcedureRun, panels
from fieldtool.run.atdevice import BY_ITSELF, work_at_device
from workorders.store import queries

Progress = Callable[[str, int, int, float | None], None]
NOT_DONE = "not_done"
CHANGE = "change"


class AnswersMistake(JobError):
    """The answers file cannot be used: not JSON, not steps with fields, or a step that does not exist."""

    def __init__(self, reason: str) -> None:
        super().__init__("answers_mistake", f"answers: {reason}", reason=reason)


class MissingAnswer(JobError):
    """The run has reached a step that the answers say nothing about."""

    def __init__(self, step: str, kind: str) -> None:
        message = f"step {step!r} ({kind}) has no answer: the run stops there and goes on when it has one"
        super().__init__("answer_missing", message, step=step, kind=kind)


class Outcome(msgspec.Struct, kw_only=True):
    """How a headless run stands; what `commission --json` prints.

    `state`: completed, not_done, unsafe, or stopped at `step`. `match`: verdict and cause of the last match.
    `meters`: reads taken, whether a program was applied, whether it went on from an earlier cut. `goes_on`:
    the visit went on from one that had changed the site; its steps count as done. `procedure`: what it
    was worked by in the end, which after a change is not the order's.
    """

    order: str
    order_id: str
    state: str = "stopped"
    step: str | None = None
    steps_done: int = 0
    match: dict[str, Any] | None = None
    meters: dict[str, Any] = msgspec.field(
        default_factory=lambda: {"read": 0, "configured": False, "resumed": False}
    )
    flags: list[str] = []
    record: str | None = None
    error: dict[str, Any] | None = None
    seconds: float = 0.0
    goes_on: bool = False
    procedure: str = ""


def read_answers(path: Path) -> dict[str, dict[str, Any]]:
    """Read an answers file (JSON).

    Raises:
        AnswersMistake: with line and column where it is no JSON.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnswersMistake(f"{path.name}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise AnswersMistake(f"{path.name} is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise AnswersMistake(f"{path.name}, line {error.lineno}: {error.msg}") from None
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise AnswersMistake(f"{path.name} must be an object of steps, each an object of fields")
    return found


class HeadlessRun:
    """Walks a run with the answers of a file."""

    def __init__(
        self,
        run: ProcedureRun,
        answers: dict[str, dict[str, Any]],
        *,
        pictures: Path,
        progress: Progress | None = None,
        stop_before: str | None = None,
    ) -> None:
        may_be = [run.procedure, *_changed_to(run, answers)]
        known = {step.id for procedure in may_be for step in procedure.steps} | {NOT_DONE, CHANGE}
        unknown = sorted(set(answers) - known)
        if unknown:
            raise AnswersMistake(f"the procedure has no step {unknown[0]!r}")
        self._run = run
        self._answers = answers
        self._changed = False
        self._pictures = pictures
        self._progress = progress
        self._stop_before = stop_before
        self.outcome = Outcome(order=run.order.number, order_id=run.order_id)

    def go(self) -> Outcome:
        """Walk until the end, a stop or an error; the outcome stands in `outcome` in every case.

        Raises:
            StepRefused, JobError, DriverError: what stopped it; everything accepted so far is kept.
        """
        began = time.monotonic()
        run = self._run
        unsettled = any(write.state is None for write in run.state.writes.values())
        written = bool(run.state.writes)
        try:
            self._walk()
        finally:
            outcome, state = self.outcome, run.state
            shown = run.shown_step()
            outcome.state = state.end.value if state.end else "stopped"
            outcome.step = shown.id if shown else None
            outcome.steps_done = len(state.done)
            outcome.goes_on = state.earlier is not None
            outcome.procedure = run.procedure.id
            outcome.meters["read"] = sum(found.how == "optical" for found in state.reads.values())
            outcome.meters["configured"] = any(
                getattr(done.answer, "program", None) for done in state.done.values()
            )
            outcome.meters["resumed"] = unsettled or (written and outcome.meters["configured"])
            if state.match is not None:
                payload = state.match.payload
                outcome.match = {
                    "verdict": payload.verdict,
                    "cause": payload.cause,
                    "overridden_by": state.match.overridden_by,
                }
            outcome.seconds = round(time.monotonic() - began, 3)
            run.close()
        return self.outcome

    def _walk(self) -> None:
        run = self._run
        while True:
            step = run.shown_step()
            if step is None:
                return
            if step.id == self._stop_before:
                return
            change = self._answers.get(CHANGE)
            if change is not None and not self._changed and change.get("at", step.id) == step.id:
                self._change(dict(change))
                continue
            ending = self._answers.get(NOT_DONE)
            if ending is not None and ending.get("at", step.id) == step.id:
                self._leave(dict(ending))
                return
            accepted = self._answer(step)
            if accepted.end is RunEnd.COMPLETED:
                self._completed()

    def _answer(self, step: m.Step) -> Accepted:
        given = self._answers.get(step.id)
        if given is None:
            if not isinstance(step, BY_ITSELF):
                raise MissingAnswer(step.id, m.kind_of(step))
            given = {}
        fields = dict(given)
        if isinstance(step, m.ScanStep) and "image" in fields:
            self._scan(step, fields)
        if isinstance(step, m.PanelPhotoStep) and "image" in fields:
            picture = self._bytes(str(fields.pop("image")))
            fields["photos"] = [panels.take(self._run, step, picture)]
        else:
            self._take_photos(step, fields)
        self._work(step, fields)
        override = fields.get("override")
        if isinstance(override, dict) and isinstance(override.get("pin"), str):
            fields["override"] = override | {"pin": _pin(override["pin"])}
        return self._run.accept(fields)

    def _work(self, step: m.Step, fields: dict[str, Any]) -> None:
        """Do at the device what the step is about, before its answer is accepted."""
        if step.position and not {"position", "no_position"} & set(fields):
            self._run.positions.take()
        work_at_device(self._run, step, fields, self._progress)

    def _scan(self, step: m.ScanStep, fields: dict[str, Any]) -> None:
        reading = self._run.scan_picture(self._bytes(str(fields.pop("image"))))
        if reading.serial is None:
            raise JobError("label_unread", f"step {step.id!r}: no serial of this model is on the label")
        fields["serial"] = reading.serial
        fields.setdefault("identities", dict(reading.fields))
        fields.setdefault("codes", _texts(reading))

    def _take_photos(self, step: m.Step, fields: dict[str, Any]) -> None:
        """Replace paths of pictures by the photos taken of them."""
        what = step.what if isinstance(step, m.PhotoStep) else step.id
        if isinstance(fields.get("photos"), list):
            fields["photos"] = [self._photo(str(path), what) for path in fields["photos"]]
        elif isinstance(fields.get("photos"), dict) and isinstance(step, m.ConfirmStep):
            run = self._run
            asked = {check.id: check.photo for check in engine.checks_of(step, run.job(), run.state)}
            fields["photos"] = {
                check: self._photo(str(path), asked[check] or check)
                for check, path in fields["photos"].items()
                if check in asked
            }
        if isinstance(step, m.SignatureStep) and "image" in fields:
            fields["image"] = self._photo(str(fields["image"]), "signature")

    def _photo(self, path: str, what: str) -> str:
        media_type = "image/png" if path.lower().endswith(".png") else "image/jpeg"
        return self._run.add_photo(self._bytes(path), what, media_type).sha256

    def _bytes(self, path: str) -> bytes:
        try:
            return (self._pictures / path).read_bytes()
        except OSError as error:
            raise JobError(
                "picture_missing", f"{path}: {error.strerror or 'cannot be read'}", file=path
            ) from None

    def _change(self, change: dict[str, Any]) -> None:
        self._changed = True
        change.pop("at", None)
        photos = [self._photo(str(path), CHANGE) for path in change.pop("photos", [])]
        to, reason, note = str(change.pop("to", "")), str(change.pop("reason", "")), change.pop("note", None)
        if change:
            raise AnswersMistake(f"change has no field {sorted(change)[0]!r}")
        self._run.change_work(to, reason, note, photos)

    def _leave(self, ending: dict[str, Any]) -> None:
        ending.pop("at", None)
        photos = [self._photo(str(path), "not_done") for path in ending.pop("photos", [])]
        reason, note = str(ending.pop("reason", "")), ending.pop("note", None)
        if ending:
            raise AnswersMistake(f"not_done has no field {sorted(ending)[0]!r}")
        self._run.not_done(reason, note, photos)

    def _completed(self) -> None:
        run = self._run
        with run.around.journal.store.read() as connection:
            detail = queries.order(connection, run.order_id)
        self.outcome.record = detail.record_number if detail is not None else None
        self.outcome.flags = flags_of(run.procedure, run.job(), run.state)


def _changed_to(run: ProcedureRun, answers: dict[str, dict[str, Any]]) -> list[m.Procedure]:
    found = run.around.procedures.get(str(answers.get(CHANGE, {}).get("to")))
    return [found] if found is not None else []


def _texts(reading: Any) -> list[str]:
    codes = [claim.code.text for claim in (*reading.competing, *reading.box)]
    codes += [code.text for code in reading.unknown]
    return list(dict.fromkeys([reading.serial, *reading.fields.values(), *codes]))


def _pin(given: str) -> str:
    """A PIN in an answers file may be named like any secret; six digits stand for themselves."""
    return given if given.isdigit() else secrets.resolve(given, "override.pin") or ""


def failure(error: Exception, explained: str) -> dict[str, Any]:
    """What stopped a run, for `--json`."""
    found: dict[str, Any] = {
        "code": getattr(error, "code", "internal").replace("-", "_"),
        "message": explained,
    }
    if isinstance(error, StepRefused):
        found["problems"] = [msgspec.to_builtins(problem) for problem in error.problems]
    elif isinstance(error, JobError):
        found["params"] = error.params
    elif isinstance(error, DriverError):
        found["params"] = error.fields()
    return found
