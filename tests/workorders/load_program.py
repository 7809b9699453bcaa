"""A program of its own that loads a project until it is killed; prints a line after each page, flushed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.postgres import MASTER_KEY
from workorders.gateway.load import load_project, staging
from workorders.gateway.office import Office
from workorders.journal.entry import Realm
from workorders.store.engine import Store, open_store
from workorders.store.server import is_server_url, open_server


def open_at(where: str) -> Store:
    """The office's store: a file, or a database of a server."""
    if is_server_url(where):
        return open_server(where, MASTER_KEY)
    return open_store(Path(where), b"g" * 32, role="gateway")


def main(where: str, project: str, page: str) -> None:
    """Load `project` into the office at `where`, `page` rows at once."""
    staging.PAGE = int(page)
    with open_at(where) as store:
        office = Office.open(store, Realm.DEMO)
        load_project(office, Path(project), progress=lambda *told: print(*told, flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
