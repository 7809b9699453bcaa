"""What all tables share: the metadata that holds them, and types that mean the same on every database."""

from __future__ import annotations

import msgspec
from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def json_type() -> TypeEngine[object]:
    """JSON, with NULL for None."""
    return JSON(none_as_null=True)


def whole() -> TypeEngine[int]:
    """A whole number below 2^63: an entry may hold any below 2^53 (RFC 8785)."""
    return BigInteger().with_variant(Integer(), "sqlite")


_encode = msgspec.json.Encoder().encode


def json_text(value: object) -> str:
    """How a column of JSON is written on a file."""
    return _encode(value).decode()
