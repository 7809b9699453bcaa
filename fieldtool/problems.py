"""Any error of the program as words for people: what happened, what to try, the code small below.

One place knows the families of errors; screens and command line ask here. A text that is not translated yet
falls back to the English message that the error carries; an error nobody expected says so without its
inside.
"""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec

from fieldtool import words
from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure.answers import AnswerMistake
from fieldtool.procedure.views import Problem
from fieldtool.text import Language
from fieldtool.tomlfile import FileMistake


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """An error for people. `expected` False: a mistake of ours; the log has the rest."""

    code: str
    what: str
    hint: str = ""
    problems: list[str] = []
    expected: bool = True

    def line(self) -> str:
        """One line for a terminal."""
        parts = [self.what, *self.problems, self.hint]
        return " ".join(part for part in parts if part) + f" [{self.code}]"


def explain(error: BaseException, language: Language) -> Explained:
    """The words for an error, whichever part of the program raised it."""
    if isinstance(error, StepRefused):
        told = [problem_text(problem, language) for problem in error.problems]
        return Explained(
            code=error.code,
            what=_word("error.step_refused", language, error.message, error.params),
            problems=told,
        )
    if isinstance(error, JobError):
        return _by_key(f"error.{error.code}", error.code, error.message, "", error.params, language)
    if isinstance(error, FileMistake):
        params = {"file": error.file, "line": str(error.line), "reason": error.reason}
        return _by_key("error.file_mistake", error.code, str(error), "", params, language)
    if isinstance(error, AnswerMistake):
        return Explained(code=error.code, what=str(error))
    return _of_other_packages(error, language)


def _of_other_packages(error: BaseException, language: Language) -> Explained:
    from drivers.errors import DriverError

    if isinstance(error, DriverError):
        key = f"error.driver.{error.code.replace('-', '_')}"
        params = error.fields() | {"message": error.message.rstrip(".")}
        if "result" in params:
            word = f"error.driver.result.{params['result'].replace('-', '_')}"
            params["result"] = _word(word, language, params["result"], {})
        return _by_key(key, error.code, error.message, error.hint, params, language)
    code = getattr(error, "code", None)
    module = type(error).__module__
    if isinstance(code, str) and module.startswith(("workorders", "fieldtool", "drivers")):
        message = str(getattr(error, "message", "") or error)
        hint = str(getattr(error, "hint", "") or "")
        for prefix in _PREFIXES.get(module.split(".")[1] if "." in module else "", ("error",)):
            key = f"{prefix}.{code}"
            if words.has(key, language):
                return _by_key(key, code, message, hint, {"detail": message}, language)
        return Explained(code=code, what=message, hint=hint if hint not in message else "")
    if isinstance(error, OSError):
        return _of_the_system(error, language)
    return Explained(
        code="internal",
        what=_word("error.internal", language, f"an unexpected error ({type(error).__name__})", {}),
        hint=_word("error.internal.hint", language, "", {}),
        expected=False,
    )


_SYSTEM: dict[int, str] = {
    errno.ENOENT: "absent",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENOSPC: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EISDIR: "wrong_kind",
    errno.ENOTDIR: "wrong_kind",
    errno.EEXIST: "wrong_kind",
}


def _of_the_system(error: OSError, language: Language) -> Explained:
    reason = error.strerror or type(error).__name__
    named = error.filename if isinstance(error.filename, str | Path) else "—"
    code = _SYSTEM.get(error.errno or 0)
    key = "error.system" if code is None else f"error.system.{code}"
    params = {"file": str(named), "reason": reason}
    return _by_key(key, code or "system", f"{named}: {reason}", "", params, language)


_PREFIXES: dict[str, tuple[str, ...]] = {
    "store": ("error.store", "error.record"),
    "journal": ("error.journal", "error.record"),
    "sync": ("error.sync",),
    "gateway": ("error.gateway", "error.sync"),
    "people": ("error.security", "error"),
    "security": ("error.security", "error"),
    "documents": ("error.documents", "error"),
    "scanning": ("error.scanning", "error"),
}


def explain_sync(code: str, message: str, language: Language) -> Explained:
    """The words for a round with the gateway that ended early, which is told and not raised."""
    return _by_key(f"error.sync.{code}", code, message, "", {"detail": message}, language)


def problem_text(problem: Problem, language: Language) -> str:
    """Why an answer is not accepted, in words."""
    return _word(f"problem.{problem.code}", language, problem.code, problem.params)


def _by_key(
    key: str, code: str, message: str, hint: str, params: dict[str, str], language: Language
) -> Explained:
    return Explained(
        code=code,
        what=_word(key, language, message, params),
        hint=_word(f"{key}.hint", language, hint, params),
    )


def _word(key: str, language: Language, otherwise: str, params: dict[str, str]) -> str:
    return words.text(key, language, **params) if words.has(key, language) else otherwise
