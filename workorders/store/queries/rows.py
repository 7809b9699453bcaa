"""Makes values of database rows."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

T = TypeVar("T", bound=msgspec.Struct)


def read(row: Row[*tuple[Any, ...]], kind: type[T], **more: Any) -> T:
    """A struct from the columns of the same names, checked."""
    # SQLAlchemy's names are a subclass of str, which msgspec does not take as keys.
    return msgspec.convert({str(name): value for name, value in row._mapping.items()} | more, kind)
