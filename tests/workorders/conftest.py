"""On which databases the tests of the office run."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.workorders import offices


@pytest.fixture
def postgres_url() -> str:
    """A database of a real PostgreSQL with the office's tables; skipped, and said so, where there is none."""
    try:
        return postgres.fresh_office()
    except postgres.NoServer as missing:
        print(f"\nNOT TESTED ON POSTGRESQL: {missing}", file=sys.__stderr__, flush=True)
        pytest.skip(f"not tested on PostgreSQL: {missing}")


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The offices of a test (`offices.Bureau`) stand on an encrypted file, then on a server."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    first = [request.getfixturevalue("postgres_url")]
    with offices.on_server(lambda: first.pop() if first else postgres.fresh_office()):
        yield "postgresql"
