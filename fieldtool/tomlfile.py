"""TOML files that people write by hand: read into typed structs, with file, line and reason for a mistake.

msgspec says *which* value is wrong (`$.phase[1].step[0].kind`), TOML parsers do not keep *where* it stood.
The line is found again from the headers of the text, which is enough for hand-written files: tables by
header, keys as `key =` within their table.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"'-]+)\s*\]\]?")
_AT_PATH = re.compile(r" - at `(\$[^`]*)`")
_SYNTAX_LINE = re.compile(r"\(at line (\d+)")
_PART = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[\.\.\.\]")

Path_ = tuple["str | int", ...]


class FileMistake(ValueError):
    """A data file that cannot be used: which file, which line (1-based; 0 unknown) and why."""

    code = "file_mistake"

    def __init__(self, file: str, line: int, reason: str) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")


def read_toml(path: Path, kind: type[_Struct]) -> tuple[_Struct, str]:
    """Return the file as a `kind`, and its text for `line_of`.

    Raises:
        FileMistake: cannot be read, is not UTF-8 or TOML, or a value is not what `kind` says.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileMistake(path.name, 0, error.strerror or "cannot be read") from None
    except UnicodeDecodeError:
        raise FileMistake(path.name, 0, "not UTF-8 text") from None
    return parse_toml(text, kind, path.name), text


def parse_toml(text: str, kind: type[_Struct], file: str) -> _Struct:
    """Return `text` as a `kind`; `file` is the name that a mistake is reported under.

    Raises:
        FileMistake: see `read_toml`.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX_LINE.search(str(error))
        line = int(found.group(1)) if found else len(text.splitlines())
        reason = str(error).split(" (at ")[0]
        raise FileMistake(file, line, reason) from None
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        reason = str(error)
        found = _AT_PATH.search(reason)
        path = _split(found.group(1)) if found else ()
        where = f" ({_spoken(path)})" if path else ""
        line = line_of(text, _with_unknown_field(path, reason))
        raise FileMistake(file, line, _AT_PATH.sub("", reason) + where) from None


def line_of(text: str, path: Path_) -> int:
    """The line (1-based) where the value at `path` is written; the nearest table's header if it is not."""
    headers: dict[Path_, int] = {(): 1}
    counts: dict[Path_, int] = {}
    current: Path_ = ()
    best, depth = 1, -1
    for number, raw in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(raw)
        if header:
            current = _table(header.group(2), array=header.group(1) == "[[", counts=counts)
            headers[current] = number
            if path[: len(current)] == current and len(current) > depth:
                best, depth = number, len(current)
            continue
        if len(path) > len(current) and path[: len(current)] == current:
            key = path[len(current)]
            if re.match(rf"""^\s*["']?{re.escape(str(key))}["']?\s*[=.]""", raw) and len(current) >= depth:
                best, depth = number, len(current) + 1
    return best


def _table(name: str, *, array: bool, counts: dict[Path_, int]) -> Path_:
    parts = [part.strip("\"'") for part in name.split(".")]
    path: Path_ = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if index == len(parts) - 1 and array:
            counts[path] = counts.get(path, -1) + 1
            for known in [known for known in counts if len(known) > len(path) and known[: len(path)] == path]:
                del counts[known]
        if path in counts:
            path = (*path, counts[path])
    return path


def _split(path: str) -> Path_:
    return tuple(
        int(index) if index else name
        for name, index in _PART.findall(path.removeprefix("$"))
        if name or index
    )


def _spoken(path: Path_) -> str:
    return "".join(f" {part + 1}" if isinstance(part, int) else f" {part}" for part in path).strip()


def _with_unknown_field(path: Path_, reason: str) -> Path_:
    unknown = re.search(r"unknown field `([^`]+)`", reason)
    return (*path, unknown.group(1)) if unknown else path
