"""What all tables share: the metadata that holds them, and the type of columns with parts of payloads."""

from __future__ import annotations

from sqlalchemy import JSON, MetaData
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def json_type() -> TypeEngine[object]:
    """JSON, with NULL for None."""
    return JSON(none_as_null=True)
