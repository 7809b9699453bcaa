"""On which databases the tests of the office run."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.workorders import offices


@pytest.fixture
def postgres_server() -> postgres.Cluster:
    """A real PostgreSQL; skipped, and said so, where there is none."""
    try:
        return postgres.cluster()
    except postgres.NoServer as missing:
        print(f"\nNOT TESTED ON POSTGRESQL: {missing}", file=sys.__stderr__, flush=True)
        pytest.skip(f"not tested on PostgreSQL: {missing}")


@pytest.fixture
def postgres_url(postgres_server: postgres.Cluster) -> str:
    """A database of it with the office's tables."""
    return postgres.fresh_office()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The offices of a test (`offices.Bureau`) stand on an encrypted file, then on a server."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    request.getfixturevalue("postgres_server")
    with offices.on_server():
        yield "postgresql"
