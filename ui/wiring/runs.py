"""Orders under way: one run each, what was entered into its current step, and the actions inside a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fieldtool.errors import StepRefused
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.devices import device_serial
from fieldtool.run import ProcedureRun, panels
from fieldtool.run.evidence import own_serials
from fieldtool.tablet.tablet import Tablet
from ui import views
from ui.backend import Answers, Report
from ui.wiring import answers as given
from ui.wiring.accepted import measured, says_the_same, stands
from ui.wiring.camera import LiveCamera
from ui.wiring.formats import Formats
from ui.wiring.procedure import Pending, procedure_view
from ui.wiring.scanwords import not_read
from ui.wiring.signature import draw_signature
from workorders.journal.words import DeviceRole

SCAN_TRIES = 6
REPORT_EVERY_S = 0.2
#: Kept in memory only: how the page stands, and the signature, which is drawn anew when it is accepted.
NOT_IN_DRAFT = ("image", "printed", "retake", "customer", "stands", "measured", "device")


class Runs:
    """Starts runs and keeps what belongs to the step on the page."""

    def __init__(
        self,
        tablet: Tablet,
        camera: LiveCamera,
        formats: Callable[[], Formats],
        permitting: Callable[[], tuple[views.Choice, ...]],
    ) -> None:
        self.tablet = tablet
        self.camera = camera
        self.formats = formats
        self.permitting = permitting
        self._runs: dict[str, ProcedureRun] = {}
        self._pending: dict[tuple[str, str], Pending] = {}
        self._current: ProcedureRun | None = None
        self._loose_photo: bytes | None = None
        self.listener: Report | None = None
        """Told when the page changes by itself: a position has come."""

    # ── Walking ─────────────────────────────────────────────────────────────

    def start(self, order_id: str) -> views.Procedure:
        """Begins the order or goes on where it stopped."""
        return self.show(self.run(order_id))

    def run(self, order_id: str) -> ProcedureRun:
        """The run of an order; JobError where nothing is to be done.

        The tablet says each time which one it is: a panel run or a panel's photo lets go of it and writes
        into another, and the page of the old one would write the same steps once more.
        """
        run = self.tablet.start(order_id)
        if self._runs.get(order_id) is not run:
            self._runs[order_id] = run
            # What was entered lies in the run's draft; photos that lay on the old bench went with it.
            self._pending = {key: kept for key, kept in self._pending.items() if key[0] != order_id}
        if self._current is not None and self._current is not run:
            self._current.positions.stop()
        self._current = run
        run.positions.changed = lambda: self._tell(run)
        return run

    def _tell(self, run: ProcedureRun) -> None:
        listener = self.listener
        if listener is not None and run is self._current:
            listener(self.show(run))

    def show(self, run: ProcedureRun) -> views.Procedure:
        """The page as it is now; a step that wants a position begins to look for it."""
        run.positions.seek()
        formats = self.formats()
        view = run.view(formats.language)
        pending = self._at(run, view)
        pending.fields["stands"] = stands(run)
        pending.fields["device"] = device_serial(run.state, DeviceRole.NEW)
        pending.fields["measured"] = measured(run)
        return procedure_view(view, pending, formats, self.permitting())

    def _at(self, run: ProcedureRun, view: v.RunView) -> Pending:
        if view.current is None:
            return Pending()
        key = (run.order_id, view.current.id)
        if key not in self._pending:
            self._pending[key] = Pending(fields=dict(run.draft() or {}))
            if isinstance(view.current.body, v.SignatureBody):
                self._pending[key].fields["customer"] = self.tablet.order(run.order_id).customer.name
        return self._pending[key]

    def accept(self, order_id: str, answers: Answers) -> views.Procedure:
        """Accepts the current step; what it lacks is raised as StepRefused."""
        run = self.run(order_id)
        view = run.view(self.formats().language)
        if view.current is None:
            return self.show(run)
        if view.standing is not None and view.standing.ask:
            run.go_on()
            return self.show(run)
        pending, step = self._at(run, view), view.current
        self._collect(run, step, answers, pending)
        fields = given.answer_fields(step.kind, answers, pending.fields)
        shown = run.shown_step()
        news = measured(run) or (shown is not None and run.positions.has_news(shown))
        if stands(run) and not news and says_the_same(step, fields):
            run.next()
        else:
            self._take(run, fields, step, pending)
        return self.show(run)

    def _take(self, run: ProcedureRun, fields: dict[str, Any], step: v.StepView, pending: Pending) -> None:
        try:
            run.accept(fields)
        except StepRefused as refused:
            pending.overridable = any(problem.overridable for problem in refused.problems)
            raise
        self._pending.pop((run.order_id, step.id), None)

    def _collect(self, run: ProcedureRun, step: v.StepView, answers: Answers, pending: Pending) -> None:
        if isinstance(step.body, v.PhotoBody):
            pending.fields["photos"] = [photo.sha256 for photo in step.body.photos]
        if isinstance(step.body, v.PanelPhotoBody):
            self._panel_photo(run, pending)
        if isinstance(step.body, v.ConfirmBody):
            taken = {row.id: row.photo_sha256 for row in step.body.checks if row.photo_sha256}
            pending.fields["photos"] = taken
        if isinstance(step.body, v.SignatureBody):
            picture = draw_signature(answers)
            if picture is not None:
                pending.fields["image"] = run.add_photo(picture, "signature", "image/png").sha256

    def _panel_photo(self, run: ProcedureRun, pending: Pending) -> None:
        """The photo that lies on the page *Panel*; where none was taken, a reason needs one of its own."""
        shown = run.shown_step()
        if isinstance(shown, m.PanelPhotoStep) and panels.seen(run) is not None:
            pending.fields["photos"] = [panels.take(run, shown)]

    def back(self, order_id: str) -> views.Procedure:
        """Shows the step before."""
        run = self.run(order_id)
        run.back()
        return self.show(run)

    # ── Inside a step ───────────────────────────────────────────────────────

    def act(self, order_id: str, action: str, values: Answers, report: Report) -> views.Procedure:
        """One action of the page."""
        run = self.run(order_id)
        view = run.view(self.formats().language)
        if view.current is None:
            return self.show(run)
        step, pending = view.current, self._at(run, view)
        _ACTIONS[action](self, run, step, pending, values, report)
        return self.show(run)

    def _keep(self, run: ProcedureRun, pending: Pending, **fields: object) -> None:
        pending.fields.update(fields)
        run.keep_draft({name: value for name, value in pending.fields.items() if name not in NOT_IN_DRAFT})

    def _do_photo(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        shown = run.shown_step()
        what = shown.what if isinstance(shown, m.PhotoStep) else _subject(step, str(values.get("what") or ""))
        taken = run.add_photo(self.camera.still(), what)
        pending.fields.pop("retake", None)
        photos = pending.fields.get("photos")
        self._keep(run, pending, photos=[*(photos if isinstance(photos, list) else []), taken.sha256])

    def _do_retake(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        pending.fields["retake"] = True

    def _do_scan(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        if isinstance(step.body, v.SealsBody):
            self._scan_seal(run, step.body, pending, values)
            return
        from fieldtool.scanning.codes import to_keep
        from fieldtool.scanning.live import FrameVotes

        found: list[tuple[str, str]] = []
        votes = FrameVotes()
        why = not_read(self.formats(), None)
        pending.fields["printed"] = ""
        picture = b""
        for _ in range(SCAN_TRIES):
            picture = self.camera.still()
            # near the limit of reading a second frame must say the same
            look = np.frombuffer(picture, np.uint8)[:, None]
            codes, doubtful = votes.take(look, run.around.labels.decode(picture))
            reading = run.scanned(codes)
            found = [(to_keep(code.text), "foreign") for code in codes if code.text != reading.serial]
            found += [(to_keep(code.text), "unread") for code in doubtful]
            why = not_read(self.formats(), reading)
            if reading.serial:
                self._keep(
                    run,
                    pending,
                    serial=reading.serial,
                    identities={name: text for name, text in reading.fields.items() if name != "serial"},
                    codes=[to_keep(code.text) for code in codes],
                    found=[(reading.serial, "read"), *found],
                    unreadable="",
                )
                return
        pending.fields["found"] = found
        if not found:
            pending.fields["printed"] = run.around.labels.printed(picture)
        report(self.show(run))  # what was seen stands beside the reason
        raise why

    def _scan_seal(self, run: ProcedureRun, body: v.SealsBody, pending: Pending, values: Answers) -> None:
        """Takes a number that was scanned; without a place it goes to the first that has no seal yet."""
        seals = _seals(pending)
        free = [place.id for place in body.positions if place.id not in {seal["position"] for seal in seals}]
        where = str(values.get("position") or "") or (free[0] if free else body.positions[0].id)
        condition = body.conditions[0].id if body.conditions else ""
        self._put_seal(run, pending, where, str(values.get("number") or ""), condition)

    def _do_seal(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        position, number = str(values.get("position") or ""), str(values.get("number") or "")
        self._put_seal(run, pending, position, number, str(values.get("condition") or ""))

    def _put_seal(
        self, run: ProcedureRun, pending: Pending, position: str, number: str, condition: str
    ) -> None:
        seals = [seal for seal in _seals(pending) if seal["position"] != position]
        seal = {"number": number, "position": position}
        if condition:
            seal["condition"] = condition
        self._keep(run, pending, seals=[*seals, seal])

    def _do_typed(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        serial, reason = str(values.get("serial") or ""), str(values.get("reason") or "")
        self._keep(run, pending, serial=serial, unreadable=reason, identities={}, codes=[], found=[])

    def _do_select(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._keep(run, pending, **{str(values.get("key")): str(values.get("value"))})

    def _do_find_place(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        found = run.place_called(str(values.get("text") or ""))
        if found is None:
            raise views.Failure(
                self.formats().say("Eso no es un concentrador ni un panel de esta red"),
                self.formats().say(
                    "Escanee la etiqueta del concentrador o del panel, o elíjalo de la lista."
                ),
                "place.unknown",
            )
        field, node = found
        # The slot of another panel says nothing about this one.
        fresh = {"slot": ""} if field == "panel" else {}
        self._keep(run, pending, **{field: node}, **fresh)

    def _do_rescan(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        if isinstance(step.body, v.MatchBody) and step.body.rescan_step:
            run.go(step.body.rescan_step)
            # The serial that was read before is the wrong one: the page asks for another.
            self._pending[run.order_id, step.body.rescan_step] = Pending(fields={"again": True})

    def _do_go(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        run.go(str(values.get("step") or ""))

    def _do_override(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        fields = given.answer_fields(step.kind, {}, pending.fields)
        self._take(run, fields | {"override": given.override(values)}, step, pending)

    def _do_position(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        run.positions.seek(again=True)

    # ── At the meter ────────────────────────────────────────────────────────

    def _do_read(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._slow(run, pending, report, run.read_meter)

    def _do_recording(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        run.attach_recording()

    def _do_plan(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._slow(run, pending, report, run.plan)

    def _do_apply(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._slow(run, pending, report, lambda told: run.apply([], told))

    def _do_allow(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        wanted = values.get("allow")
        allow = [str(one) for one in wanted] if isinstance(wanted, list) else []
        self._keep(run, pending, allow=allow)
        self._slow(run, pending, report, lambda told: run.apply(allow, told))

    def _do_relay(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        confirmation = str(values.get("confirmation") or "")
        self._slow(run, pending, report, lambda told: run.test_relay(confirmation, told))
        self._keep(run, pending, confirmation=confirmation)

    def _do_join(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._slow(run, pending, report, run.check_join)

    def _do_power(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        self._slow(run, pending, report, run.read_power)

    def _do_meter_is(
        self, run: ProcedureRun, step: v.StepView, pending: Pending, values: Answers, report: Report
    ) -> None:
        run.say_of_power(str(values.get("serial") or ""), str(values.get("what") or ""))

    def _slow(
        self,
        run: ProcedureRun,
        pending: Pending,
        report: Report,
        work: Callable[[Callable[[str, int, int, float | None], None]], None],
    ) -> None:
        formats = self.formats()
        last = 0.0

        def told(step: str, done: int, total: int, left: float | None) -> None:
            nonlocal last
            pending.progress = done / total if total else 0.0
            pending.progress_text = formats.word(f"progress.{step}")
            pending.seconds_left = -1 if left is None else round(left)
            if time.monotonic() - last >= REPORT_EVERY_S:
                last = time.monotonic()
                report(self.show(run))

        pending.progress, pending.progress_text = 0.0, formats.say("Poniéndose en contacto")
        report(self.show(run))
        try:
            work(told)
        except Exception:
            # Nothing runs any more: the page offers to try again, and shows how far it came.
            self._rest(pending)
            report(self.show(run))
            raise
        self._rest(pending)

    @staticmethod
    def _rest(pending: Pending) -> None:
        pending.progress, pending.progress_text, pending.seconds_left = -1.0, "", -1

    def cancel(self) -> None:
        """Stops the slow call under way; from any thread."""
        if self._current is not None:
            self._current.cancel()

    # ── Not executed, loose pictures ────────────────────────────────────────

    def reasons(self, order_id: str) -> list[v.Option]:
        """Reasons not to complete, of the order's procedure."""
        procedure = self.tablet.procedure(order_id)
        language = self.formats().language
        return [
            v.Option(id=one.id, text=one.text.in_language(language), photo=one.photo, note=one.note)
            for one in procedure.not_done
        ]

    def not_done(self, order_id: str, reason: str, note: str, with_photo: bool) -> None:
        """Closes an order as not executed; the loose photo is sealed under its key."""
        run = self.run(order_id)
        photos = []
        if with_photo and self._loose_photo is not None:
            photos.append(run.add_photo(self._loose_photo, "not_done").sha256)
        run.not_done(reason, note or None, photos)
        self._loose_photo = None

    def change_work(
        self, order_id: str, to: str, reason: str, note: str, with_photo: bool
    ) -> views.Procedure:
        """Goes on with other work; the loose photo is sealed under the order's key."""
        run = self.run(order_id)
        photos = []
        if with_photo and self._loose_photo is not None:
            photos.append(run.add_photo(self._loose_photo, "change").sha256)
        run.change_work(to, reason, note or None, photos)
        self._loose_photo = None
        return self.show(run)

    def take_loose_photo(self) -> str:
        """Takes a photo that no step asks for and keeps it in memory."""
        self._loose_photo = self.camera.still()
        return "taken"

    def own_serials(self) -> frozenset[str]:
        """Serials of the meters of the order on the page: none of them is a seal."""
        return own_serials(self._current) if self._current is not None else frozenset()

    def any_picture(self, sha256: str) -> bytes | None:
        """The plain bytes of a photo of the order on the page."""
        return self._current.photo(sha256) if self._current is not None else None


def _subject(step: v.StepView, key: str) -> str:
    """What a photo shows, as the engine names it: a check names its own, a reason stands for itself."""
    if isinstance(step.body, v.ConfirmBody):
        check = next((row for row in step.body.checks if row.id == key), None)
        return (check.photo if check else None) or key
    return key or step.id


def _seals(pending: Pending) -> list[dict[str, str]]:
    kept = pending.fields.get("seals")
    return [dict(seal) for seal in kept] if isinstance(kept, list) else []


Action = Callable[[Runs, ProcedureRun, v.StepView, Pending, Answers, Report], None]
_ACTIONS: dict[str, Action] = {
    "photo": Runs._do_photo,
    "retake": Runs._do_retake,
    "scan": Runs._do_scan,
    "seal": Runs._do_seal,
    "typed": Runs._do_typed,
    "select": Runs._do_select,
    "find_place": Runs._do_find_place,
    "rescan": Runs._do_rescan,
    "go": Runs._do_go,
    "override": Runs._do_override,
    "read": Runs._do_read,
    "recording": Runs._do_recording,
    "plan": Runs._do_plan,
    "apply": Runs._do_apply,
    "allow": Runs._do_allow,
    "relay": Runs._do_relay,
    "join": Runs._do_join,
    "power": Runs._do_power,
    "meter_is": Runs._do_meter_is,
    "position": Runs._do_position,
}
