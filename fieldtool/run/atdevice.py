"""Steps that need no answer of a person where all is well: done at the device, then accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fieldtool.procedure import model as m

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

Progress = Callable[[str, int, int, float | None], None]
BY_ITSELF = (m.MeterReadStep, m.MatchStep, m.PlanApplyStep, m.JoinStep)
"""Kinds of step that are accepted with an empty answer when what they did came out right. Never the relay."""


def work_at_device(
    run: ProcedureRun, step: m.Step, fields: Mapping[str, Any], progress: Progress | None
) -> None:
    """*Slow.* Do at the device what the step is about, before its answer `fields` is accepted.

    Raises:
        DriverError, JobError: what went wrong; writes that were begun are in the journal.
    """
    match step:
        case m.MeterReadStep() if "not_obtainable" not in fields:
            run.read_meter(progress)
        case m.PlanApplyStep():
            run.plan(progress)
            run.apply(list(fields.get("allow", [])), progress)
        case m.RelayStep() if "untested" not in fields:
            run.test_relay(str(fields.get("confirmation", "")), progress)
        case m.JoinStep():
            run.check_join(progress)
