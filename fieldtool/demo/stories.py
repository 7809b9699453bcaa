"""The stories of the demo, each one thing that happens to a crew, each on real programs.

A story raises `DemoError` where the tool did not do what it should; nothing is made to look right.
"""

from __future__ import annotations

import time
from typing import Any

from fieldtool.demo import pictures
from fieldtool.demo.crew import PLATES, Crew, Visit, answers
from fieldtool.demo.probe import Probe
from fieldtool.demo.processes import DemoError, Outcome
from fieldtool.demo.stage import Stage

FAILED = (1,)
LOCKOUT_SECONDS = 5.0
"""Of the virtual meter here; by its model, which the tablet goes by, it is a minute."""
LOCKED = "locked_out"
WRONG_TRIES = 6


def clean(stage: Stage, crew: Crew) -> None:
    """A meter is exchanged, and nothing goes wrong."""
    began = time.monotonic()
    order = stage.next_order(crew)
    with stage.visit(order) as visit:
        stage.say(crew.project, f"{visit.number}: clean exchange")
        given = answers(visit, stage.procedure, crew.home)
        stage.finished(visit, crew.commission(visit, given))
    stage.told(crew, "clean exchange", order, "completed", began)


def swapped_labels(stage: Stage, crew: Crew) -> None:
    """The label on the new meter is that of another one: the match stops; with the right label it passes."""
    began = time.monotonic()
    order, other = stage.next_order(crew), stage.next_order(crew)
    with stage.visit(order) as visit:
        stage.say(crew.project, f"{visit.number}: swapped labels")
        wrong = answers(visit, stage.procedure, crew.home, label=other["new_asset"]["serial"])
        stopped = crew.commission(visit, wrong, allowed=FAILED)
        expect_stop(stopped, "match")
        with stage.count.lock:
            stage.count.stopped += 1
        right = answers(visit, stage.procedure, crew.home)
        stage.finished(visit, crew.commission(visit, right, redo="new_scan"))
    stage.told(crew, "swapped labels", order, "stopped, then resolved", began)


def cut_line(stage: Stage, crew: Crew) -> None:
    """The line is cut as the new meter is being written to: the crew stops, mends it, and goes on.

    What was about to be written is in the journal; the next run asks the meter what became of it.
    """
    began = time.monotonic()
    order = stage.next_order(crew)
    with stage.visit(order, "--cut-before-write", "1", "--clock-offset-s", "300") as visit:
        stage.say(crew.project, f"{visit.number}: line cut while configuring")
        given = answers(visit, stage.procedure, crew.home)
        port = str(visit.new.ready()["listen"])
        probe = Probe(lambda: port, fragile=True)
        try:
            crew.commission(visit, given, new_port=probe.url, dies_on=probe.cut, gently=True)
        finally:
            probe.close()
        expect_at(stage, crew, visit, "configure")
        said = stage.finished(visit, crew.commission(visit, given))
        if not said["meters"]["resumed"]:
            raise DemoError(f"order {visit.number}: the configuration did not resume")
    stage.told(crew, "line cut in configuration", order, "resumed", began)


def locked_meter(stage: Stage, crew: Crew) -> None:
    """Somebody tries old passwords on the new meter until it is locked: the crew waits and goes on."""
    began = time.monotonic()
    order = stage.next_order(crew)
    # On a slow machine a try takes longer than five seconds, and the lock would be over before it is seen.
    lockout = max(LOCKOUT_SECONDS, 1.25 * crew.last_seconds)
    with stage.visit(order, "--lockout-s", f"{lockout:.1f}") as visit:
        stage.say(crew.project, f"{visit.number}: meter locked by wrong passwords")
        given = answers(visit, stage.procedure, crew.home)
        crew.commission(visit, given, stop_before="new_read")
        wrong_passwords(crew, str(visit.new.ready()["listen"]))
        outcome = crew.commission(visit, given, allowed=(0, *FAILED))
        if outcome.status:
            expect_stop(outcome, "new_read")
            error = outcome.json["error"]
            if error["code"] != LOCKED:
                raise DemoError(f"order {visit.number}: not locked out but {error}")
            stage.say(crew.project, f"{visit.number}: waits {lockout:.0f} s")
            time.sleep(lockout)
            outcome = crew.commission(visit, given)
        stage.finished(visit, outcome)
    stage.told(crew, "locked by wrong passwords", order, "waited, completed", began)


def wrong_passwords(crew: Crew, port: str) -> None:
    """Wrong passwords in a row, each because a person asked for it, until the meter says that it is locked.

    Raises:
        DemoError: the meter does not say that it is locked.
    """
    wrong = crew.home / "wrong-password.txt"
    wrong.write_text("00000000", encoding="utf-8")
    command = ["meter", "read", "--port", port, "--mode", "hdlc", "--client", "2", "--auth", "low"]
    said = ""
    for _ in range(WRONG_TRIES):
        said = crew.tool(*command, "--password", f"file:{wrong}", "--json").stderr
        if LOCKED in said.replace("-", "_"):
            return
    raise DemoError(f"{WRONG_TRIES} wrong passwords, and the meter is not locked: {said}")


def nobody_home(stage: Stage, crew: Crew) -> None:
    """The gate is locked: the order is left as not executed, with reason and photo."""
    began = time.monotonic()
    order = stage.next_order(crew)
    number = order["number"]
    stage.say(crew.project, f"{number}: locked gate")
    photo = pictures.form_photo(crew.home, f"{number}-gate", "PORTÓN CERRADO")
    said = crew.leave(number, {"not_done": {"reason": "locked_gate", "photos": [photo.name]}}).json
    stage.count.take(said)
    if said["state"] != "not_done":
        raise DemoError(f"order {number}: {said['state']} instead of not done")
    stage.told(crew, "locked gate", order, "not executed", began)


def cancelled_too_late(stage: Stage, crew: Crew) -> None:
    """The office cancels an order that the crew has executed without signal: it lands in the queue."""
    began = time.monotonic()
    order = stage.next_order(crew)
    with stage.visit(order) as visit:
        stage.say(crew.project, f"{visit.number}: executed without signal, cancelled meanwhile")
        given = answers(visit, stage.procedure, crew.home)
        stage.finished(visit, crew.commission(visit, given))
    office, project = stage.office, crew.project
    office.cancel(project, visit.order_id, "El cliente desistió")
    stage.sync(crew)
    queue = office.exceptions(project, visit.order_id)
    if not any(item["kind"] == "executed_after_cancel" for item in queue):
        raise DemoError(f"order {visit.number}: not in the supervisor's queue but {queue}")
    with stage.count.lock:
        stage.count.flagged.add(visit.order_id)
    for item in queue:
        office.decide(project, item["exception_id"], "accepted", "El medidor ya está instalado")
    stage.told(crew, "cancelled after execution", order, "flagged, accepted", began)


def battery_dies(stage: Stage, crew: Crew) -> None:
    """The tablet dies as the probe touches the new meter; started again, it stands at the same step."""
    began = time.monotonic()
    order = stage.next_order(crew)
    with stage.visit(order) as visit:
        stage.say(crew.project, f"{visit.number}: the tablet dies")
        given = answers(visit, stage.procedure, crew.home)
        probe = Probe(lambda: None)
        try:
            crew.commission(visit, given, new_port=probe.url, dies_on=probe.touched)
        finally:
            probe.close()
        expect_at(stage, crew, visit, "new_read")
        stage.finished(visit, crew.commission(visit, given))
    stage.told(crew, "tablet killed", order, "went on at the same step", began)


def expect_at(stage: Stage, crew: Crew, visit: Visit, step: str) -> None:
    """The order stands at this step, as its page on the tablet shows.

    Raises:
        DemoError: it stands elsewhere.
    """
    shown = crew.run("orders", "show", visit.number, "--json").json["step"]
    # The page counts the steps that this order has: without current transformers nobody reads their plates.
    with_ct = visit.order["new_asset"]["model"] in PLATES
    steps = [each for each in stage.procedure.steps if with_ct or all(one.fact != "ct" for one in each.when)]
    names = [each.id for each in steps]
    if shown != names.index(step) + 1:
        at = names[shown - 1] if isinstance(shown, int) else shown
        raise DemoError(f"order {visit.number} stands at {at}, not at {step}")


def expect_stop(outcome: Outcome, step: str) -> None:
    """The command ended at this step with a reason.

    Raises:
        DemoError: it ended elsewhere, or without one.
    """
    said: dict[str, Any] = outcome.json
    if said["state"] != "stopped" or said["step"] != step or not said["error"]:
        raise DemoError(
            f"{outcome.command}: {said['state']} at {said['step']} ({said['error']}), not at {step}"
        )
