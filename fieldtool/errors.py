"""What can go wrong in the job, with a stable code and the parameters of its text.

Text: key `error.<code>` (what happened) and `error.<code>.hint` (what to try).
"""

from __future__ import annotations

from fieldtool.procedure.views import Problem


class JobError(Exception):
    """Base. `code` is stable; `params` fill the text; `message` is English, for logs and scripts."""

    def __init__(self, code: str, message: str, **params: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.params = params


class StepRefused(JobError):
    """An answer that cannot be accepted. `problems` say why; nothing was written."""

    def __init__(self, step: str, problems: list[Problem]) -> None:
        codes = ", ".join(problem.code for problem in problems)
        super().__init__("step_refused", f"step {step!r} is not accepted: {codes}", step=step)
        self.step = step
        self.problems = problems
