"""A head-end's list of devices heard, as it writes it: a mapping file says how its CSV is to be read."""

from __future__ import annotations

import codecs
import csv
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from fieldtool.tomlfile import FileMistake, line_of, read_toml
from workorders.clock import utc_text
from workorders.gateway.proof import Sighting

MAX_BYTES = 256 * 1024 * 1024
_DELIMITERS = ";,\t|"
_FIELDS = ("serial", "identity", "heard_at", "concentrator", "status")


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is written. `columns`: ours to theirs; `time_format` of strptime, else ISO 8601; times
    without an
    offset are of `time_zone`, else of the project; `status`: their words to 2 fine, 1 warning, 0 error."""

    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    source: str = "headEnd"
    columns: dict[str, str] = {}
    status: dict[str, int] = {}


def read_mapping(path: Path | None) -> Mapping:
    """Read a mapping file; the usual form without one.

    Raises:
        FileMistake: with its line.
    """
    if path is None:
        return Mapping()
    mapping, text = read_toml(path, Mapping)
    for name in mapping.columns:
        if name not in _FIELDS:
            reason = f"{name!r} is none of {', '.join(_FIELDS)}"
            raise FileMistake(path.name, line_of(text, ("columns", name)), reason)
    try:
        codecs.lookup(mapping.encoding)
    except LookupError:
        raise FileMistake(
            path.name, line_of(text, ("encoding",)), f"no encoding {mapping.encoding!r}"
        ) from None
    try:
        if mapping.time_zone:
            ZoneInfo(mapping.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise FileMistake(
            path.name, line_of(text, ("time_zone",)), f"no zone {mapping.time_zone!r}"
        ) from None
    return mapping


def read_list(path: Path, mapping: Mapping, time_zone: str) -> tuple[list[Sighting], list[str]]:
    """The good rows, and a line of text for each bad one.

    Raises:
        JobError: `bad_list`: not readable at all, or without the columns that it needs.
    """
    zone = ZoneInfo(mapping.time_zone or time_zone)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise JobError("bad_list", f"{path.name} is larger than any list: {MAX_BYTES} bytes at most")
        text = path.read_text(encoding=mapping.encoding)
    except OSError as error:
        raise JobError("bad_list", f"{path.name}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError as error:
        message = (
            f"{path.name} is not {mapping.encoding} at byte {error.start}: say its encoding in the mapping"
        )
        raise JobError("bad_list", message) from None
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = mapping.delimiter or max(_DELIMITERS, key=(lines[0] if lines else "").count)
    reader = csv.DictReader(lines, delimiter=delimiter)
    header = [(name or "").strip() for name in reader.fieldnames or []]
    reader.fieldnames = header
    theirs = {name: mapping.columns.get(name, name) for name in _FIELDS}
    if theirs["heard_at"] not in header or not {theirs["serial"], theirs["identity"]} & set(header):
        wanted = f"{theirs['heard_at']!r} and {theirs['serial']!r} or {theirs['identity']!r}"
        raise JobError(
            "bad_list", f"{path.name}: columns {wanted} are needed; it has {', '.join(header)[:200]}"
        )
    found: list[Sighting] = []
    errors: list[str] = []
    try:
        for row in reader:
            try:
                found.append(
                    _sighting({name: row.get(column) for name, column in theirs.items()}, mapping, zone)
                )
            except ValueError as error:
                errors.append(f"{path.name}:{reader.line_num}: {error}")
    except csv.Error as error:
        errors.append(f"{path.name}:{reader.line_num}: not readable as CSV from here: {error}")
    return found, errors


def _sighting(row: dict[str, str | None], mapping: Mapping, zone: ZoneInfo) -> Sighting:
    cells = {name: (value or "").strip() for name, value in row.items()}
    serial = normalise_serial(cells["serial"]) if cells["serial"] else None
    if not serial and not cells["identity"]:
        raise ValueError("no serial and no identity")
    if serial and "E+" in serial:
        raise ValueError(f"{serial!r} was rewritten by a spreadsheet: its digits are lost")
    return Sighting(
        serial=serial,
        identity=cells["identity"] or None,
        heard_at=_moment(cells["heard_at"], mapping, zone),
        concentrator=cells["concentrator"] or None,
        status=_status(cells["status"], mapping),
    )


def _moment(text: str, mapping: Mapping, zone: ZoneInfo) -> str | None:
    if not text:
        return None
    try:
        if mapping.time_format:
            at = datetime.strptime(text, mapping.time_format)  # noqa: DTZ007  # its zone comes below
        else:
            at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time ({mapping.time_format or 'ISO 8601'})") from None
    return utc_text((at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC))


def _status(text: str, mapping: Mapping) -> int | None:
    if not text:
        return None
    if text in mapping.status:
        return mapping.status[text]
    if text in ("0", "1", "2"):
        return int(text)
    raise ValueError(f"status {text!r} is neither 0, 1, 2 nor among those of the mapping")
