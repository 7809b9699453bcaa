"""Gathers the files that somebody wants to publish from folders, with their kinds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from fieldtool.reference.reader import kind_of_text
from fieldtool.tomlfile import FileMistake, parse_toml
from workorders.sync.reference import FILE_KINDS
from workorders.sync.wire import FileProblem


class FilesUnreadable(ValueError):
    """Files that cannot be gathered; `problems` says which and why."""

    code = "files_refused"

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def of_folder(folder: Path) -> dict[str, dict[str, str]]:
    """Every TOML file below the folders of kinds that are there, by kind and name.

    Raises:
        FilesUnreadable: there is none of these folders, or a file is not UTF-8 text.
    """
    found: dict[str, dict[str, str]] = {}
    problems: list[FileProblem] = []
    for kind in FILE_KINDS:
        if (folder / kind).is_dir():
            found[kind] = _texts(kind, sorted((folder / kind).glob("*.toml")), problems)
    if not any(found.values()) and not problems:
        reason = f"it holds none of {', '.join(f'{kind}/*.toml' for kind in FILE_KINDS)}"
        problems.append(FileProblem(kind="folder", file=folder.name, line=0, reason=reason))
    if problems:
        raise FilesUnreadable(problems)
    return found


def of_files(files: Iterable[Path], kind: str | None) -> dict[str, dict[str, str]]:
    """These files by kind and name. Without `kind`, a file's folder says what it is, else its words.

    Raises:
        FilesUnreadable: one is not UTF-8 text, or of no kind that shows.
    """
    found: dict[str, dict[str, str]] = {}
    problems: list[FileProblem] = []
    for path in files:
        texts = _texts(kind or path.absolute().parent.name, [path], problems)
        for name, text in texts.items():
            own = kind or _kind(path, text)
            mistake = _syntax(text, name)
            if mistake is not None:
                problems.append(mistake)
            elif own is None:
                reason = f"it does not show which kind of file it is: --kind {'|'.join(FILE_KINDS)}"
                problems.append(FileProblem(kind="?", file=name, line=0, reason=reason))
            elif name in found.setdefault(own, {}):
                reason = "two of the files have this name"
                problems.append(FileProblem(kind=own, file=name, line=0, reason=reason))
            else:
                found[own][name] = text
    if problems:
        raise FilesUnreadable(problems)
    return found


def _kind(path: Path, text: str) -> str | None:
    folder = path.absolute().parent.name
    return folder if folder in FILE_KINDS else kind_of_text(text)


class _AnyTable(msgspec.Struct):
    """A TOML file, whatever it holds."""


def _syntax(text: str, name: str) -> FileProblem | None:
    """What is wrong with a text that is no TOML at all: its kind cannot be told, its line can."""
    try:
        parse_toml(text, _AnyTable, name)
    except FileMistake as error:
        return FileProblem(kind="?", file=name, line=error.line, reason=error.reason)
    return None


def _texts(kind: str, paths: Iterable[Path], problems: list[FileProblem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        try:
            found[path.name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            problems.append(FileProblem(kind=kind, file=path.name, line=line, reason="not UTF-8 text"))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problems.append(FileProblem(kind=kind, file=path.name, line=0, reason=reason))
    return found
