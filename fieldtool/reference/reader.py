"""Says whether files of a kind can be used: by the loaders that will read them, with file, line and reason.

The office asks before it publishes, the tablet before it takes a set into use; both get the same answer from
the same version of the program.
"""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import assets
from drivers.errors import ModelFileError
from drivers.model_view import load_view
from drivers.models import MeterModel, load_model, load_models
from drivers.program_check import Severity, check_program
from drivers.programs import load_program
from fieldtool.procedure.model import load_procedure
from fieldtool.technologies import load_technology
from fieldtool.tomlfile import FileMistake, line_of
from workorders.sync.reference import FILE_KINDS, FILE_SCHEMA
from workorders.sync.wire import FileProblem

_Load = Callable[[Path], str]
"""Reads a file by all its rules and returns the id that it gives itself."""


def _label_rules(path: Path) -> str:
    # OpenCV comes with this package; whoever reads no label rules does without.
    from fieldtool.scanning.rules import LabelRuleError, load_file

    try:
        return load_file(path)
    except LabelRuleError as error:
        raise FileMistake(error.file, error.line, error.reason) from None


_LOADERS: dict[str, tuple[str, _Load]] = {
    "procedures": ("id", lambda path: load_procedure(path).id),
    "models": ("name", lambda path: load_model(path).name),
    "programs": ("name", lambda path: load_program(path).name),
    "labels": ("id", _label_rules),
    "technologies": ("id", lambda path: load_technology(path).id),
}
"""By kind: the key that holds a file's id, and what reads it."""
assert set(_LOADERS) == set(FILE_KINDS)


class Reader:
    """`workorders.sync.reference.FileReader` of this version of the program.

    Args:
        installed: folder of the files that the program brings, a folder per kind.
    """

    def __init__(self, installed: Path | None = None) -> None:
        self._installed = installed or assets.root()

    @property
    def fingerprint(self) -> str:
        """Names this version of the program and the files that it brings."""
        total = hashlib.sha256(f"{version('fieldtool')} {FILE_SCHEMA}".encode())
        for kind in FILE_KINDS:
            for name, text in installed_files(self._installed, kind).items():
                total.update(f"\n{kind}/{name} {len(text)}\n".encode() + text)
        return total.hexdigest()

    def problems(self, kind: str, files: Mapping[str, str]) -> list[FileProblem]:
        """What keeps these files from being used, in the order of their names; empty for none."""
        if kind == "programs":
            return self._of_programs(files)
        if kind not in _LOADERS:
            return [FileProblem(kind=kind, file="", line=0, reason="this program knows no such kind of file")]
        with tempfile.TemporaryDirectory(prefix="fieldtool-") as folder:
            return [
                problem
                for name, text in sorted(files.items())
                if (problem := _problem(kind, Path(folder), name, text)) is not None
            ]

    def _of_programs(self, files: Mapping[str, str]) -> list[FileProblem]:
        """Programs are also compared with the models that they name, as far as this version brings those."""
        models = load_models(self._installed / "models") if (self._installed / "models").is_dir() else {}
        found: list[FileProblem] = []
        with tempfile.TemporaryDirectory(prefix="fieldtool-") as folder:
            for name, text in sorted(files.items()):
                problem = _problem("programs", Path(folder), name, text)
                problem = problem or self._against_models(Path(folder) / name, models)
                if problem is not None:
                    found.append(problem)
        return found

    def _against_models(self, path: Path, models: Mapping[str, MeterModel]) -> FileProblem | None:
        program, text = load_program(path), path.read_text(encoding="utf-8")
        for name in program.models:
            if name not in models:
                continue
            view = load_view(self._installed / "models", name)
            for problem in check_program(program, path.name, text, models[name], view).problems:
                if problem.severity is Severity.ERROR:
                    reason = f"{name}: {problem.reason}"
                    return FileProblem(kind="programs", file=path.name, line=problem.line, reason=reason)
        return None

    def doubts(self, kind: str, files: Mapping[str, str], before: Mapping[str, str]) -> list[FileProblem]:
        """Files whose text differs from what it replaces, and whose version number does not grow.

        The record names procedures and programs by their version, so two texts of one version confuse people
        (each entry knows the very text all the same).
        """
        known = {name: data.decode() for name, data in installed_files(self._installed, kind).items()}
        found: list[FileProblem] = []
        for name, text in sorted(files.items()):
            earlier = before.get(name, known.get(name))
            number, was = _version(text), _version(earlier or "")
            if earlier in (None, text) or number is None or was is None or number > was:
                continue
            reason = f"the text has changed; its version is {number} and was {was}"
            found.append(FileProblem(kind=kind, file=name, line=line_of(text, ("version",)), reason=reason))
        return found


def installed_files(installed: Path, kind: str) -> dict[str, bytes]:
    """The files of a kind that the program brings, by name."""
    return {path.name: path.read_bytes() for path in sorted((installed / kind).glob("*.toml"))}


def kind_of_text(text: str) -> str | None:
    """Which kind of file a text is, by what only that kind has; None where it does not show."""
    try:
        keys = set(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return None
    marks = {"phase": "procedures", "code": "labels", "tree": "technologies", "match": "models"}
    found = next((kind for key, kind in marks.items() if key in keys), None)
    return found or ("programs" if {"name", "models"} <= keys else None)


def _problem(kind: str, folder: Path, name: str, text: str) -> FileProblem | None:
    path = folder / name
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    key, load = _LOADERS[kind]
    try:
        own = load(path)
    except (FileMistake, ModelFileError) as error:
        return FileProblem(kind=kind, file=name, line=error.line, reason=error.reason)
    if own != path.stem:
        reason = f"its {key} is {own!r}: file and {key} have one name, so that a file replaces its like"
        return FileProblem(kind=kind, file=name, line=line_of(text, (key,)), reason=reason)
    return None


def _version(text: str) -> int | None:
    try:
        found = tomllib.loads(text).get("version")
    except tomllib.TOMLDecodeError:
        return None
    return found if isinstance(found, int) else None
