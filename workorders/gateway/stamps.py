"""Says that reference data changed, so that the sets for tablets are built anew when next asked for."""

from __future__ import annotations

from sqlalchemy import Connection

from workorders.store.counters import reserve

STAMP = "office.reference"


def touch(connection: Connection) -> int:
    """Something that goes into reference sets was changed; inside the transaction of the change."""
    return reserve(connection, STAMP, at_least=1)
