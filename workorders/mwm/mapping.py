"""How a utility's sheet maps to orders: one TOML file, written once by somebody who knows the sheet."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from workorders.mwm.port import ForeignOrder

TEXTS = frozenset(
    {
        "number",
        "usage_point",
        "supply_number",
        "old_serial",
        "new_serial",
        "customer_document",
        "customer_phone",
    }
)
"""Identities: a spreadsheet that takes one for a number or a date has spoilt it."""
TIMES = frozenset({"scheduled_start", "scheduled_end", "due"})
DAYS = frozenset({"last_reading_date"})
DECIMALS = frozenset({"last_reading", "latitude", "longitude"})
FIELDS = frozenset(ForeignOrder.__struct_fields__) - {"values"}


class MappingError(ValueError):
    """The file is missing or wrong."""

    code = "bad_mapping"


class FileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file is written. `encoding`: auto is UTF-8, else cp1252; `delimiter`: auto looks at it.

    `decimal` and `thousands`: the signs in numbers that stand as text. Without `decimal` it is the point, and
    a number that could be meant either way (`1.234`) is refused; so is one with a single sign that `decimal`
    leaves open, until `thousands` names it.

    `heading`: the row of the headings (1 is the first); `headings`: how many rows they take. With two, a
    merged cell above goes on to the right, and the column is called `above / below`.
    """

    sheet: str | None = None
    heading: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    headings: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    encoding: str = "auto"
    delimiter: Annotated[str, msgspec.Meta(pattern=r"^(auto|.)$")] = "auto"
    decimal: Annotated[str, msgspec.Meta(pattern=r"^[.,]$")] | None = None
    thousands: Annotated[str, msgspec.Meta(pattern=r"^[., ']$")] | None = None
    date: str = "%Y-%m-%d"
    time: str = "%Y-%m-%dT%H:%M"


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`columns`: our field → heading of the file. `values`: our field → {what the file says: what it means}.

    `constants`: our field → what it is in every row.
    """

    columns: dict[str, str]
    file: FileForm = FileForm()
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises:
        MappingError: says what is wrong with it.
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
        datetime.now().strftime(found.file.date + found.file.time)  # noqa: DTZ005 - only the form is tried
        "".encode("utf-8" if found.file.encoding == "auto" else found.file.encoding)
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError) as error:
        raise MappingError(f"{path.name}: {error}") from None
    for part, names in (("columns", found.columns), ("values", found.values), ("constants", found.constants)):
        unknown = sorted(names.keys() - FIELDS)
        if unknown:
            known = ", ".join(sorted(FIELDS))
            raise MappingError(f"{path.name}: [{part}] names {', '.join(unknown)}; the fields are {known}")
    if found.file.thousands is not None and found.file.thousands == (found.file.decimal or "."):
        raise MappingError(f"{path.name}: [file] names one sign as decimal and as thousands")
    if "number" not in found.columns:
        raise MappingError(f"{path.name}: [columns] must name `number`, by which an order is known again")
    return found
