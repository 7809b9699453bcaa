"""TOML files written by utility engineers: typed, and every mistake named with file, line and reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from drivers.errors import ModelFileError

_Struct = TypeVar("_Struct")
_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)")
_PATH = re.compile(r" - at `(.*)`$")
_TOKEN = re.compile(r"\[(\d+|\.\.\.)\]|\.?([A-Za-z0-9_-]+)|\.?\"([^\"]+)\"")


def load_toml(path: Path, kind: type[_Struct]) -> tuple[_Struct, str]:
    """Read and check a file. Returns the value and the text. Raises ``ModelFileError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(path.name, 0, f"cannot be read ({type(error).__name__})") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line = _SYNTAX.search(message)
        at_end = text.count("\n") + 1
        reason = _SYNTAX.sub("", message).replace("(at end of document)", "").strip()
        raise ModelFileError(path.name, int(line[1]) if line else at_end, reason) from None
    try:
        return msgspec.convert(raw, kind), text
    except msgspec.ValidationError as error:
        message = str(error)
        found = _PATH.search(message)
        where = found[1] if found else "$"
        reason = f"{where.removeprefix('$.')}: {_PATH.sub('', message)}" if found else message
        raise ModelFileError(path.name, line_of(text, where, message), reason) from None


def line_of(text: str, where: str, message: str = "") -> int:
    """The 1-based line of a path like ``$.readings[3].item``; of its nearest parent if it is not in the text.

    An unknown field named in ``message`` is looked for inside of that.
    """
    lines = text.splitlines()
    tokens = [a or b or c for a, b, c in _TOKEN.findall(where.removeprefix("$"))]
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if unknown:
        tokens.append(unknown[1])
    position, end, found, prefix = 0, len(lines), 1, ""
    for step in tokens:
        if step == "...":
            continue
        if step.isdigit():
            headers = [n for n in range(len(lines)) if _header(lines[n]) == (prefix, True)]
            if int(step) < len(headers):
                position = headers[int(step)]
                later = [n for n in range(position + 1, len(lines)) if _header(lines[n]) is not None]
                found, end = position + 1, next((n for n in later if _leaves(lines[n], prefix)), len(lines))
            continue
        dotted = f"{prefix}.{step}" if prefix else step
        line = _line_of_key(lines, position, end, step, dotted, _offender(message))
        if line is not None:
            position, found = line, line + 1
        prefix = dotted
    return found


def _header(line: str) -> tuple[str, bool] | None:
    match = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?", line)
    if match is None or "=" in line.split("#")[0].split("]")[0]:
        return None
    return match[2].replace(" ", "").replace('"', ""), match[1] == "[["


def _leaves(line: str, prefix: str) -> bool:
    header = _header(line)
    return header is not None and not header[0].startswith(prefix + ".")


def _offender(message: str) -> str:
    """The value that the message quotes: it tells apart the same key in several tables."""
    found = re.search(r"value '([^']+)'", message)
    return found[1] if found else ""


def _line_of_key(lines: list[str], start: int, end: int, key: str, dotted: str, offender: str) -> int | None:
    for number in range(start, end):
        header = _header(lines[number])
        if header is not None and header[0] == dotted:
            return number
    pattern = re.compile(rf'(^\s*|[{{,.]\s*)"?{re.escape(key)}"?\s*=')
    found = [n for n in range(start, end) if pattern.search(lines[n])]
    return next((n for n in found if offender and offender in lines[n]), found[0] if found else None)
