"""Which reference files this tablet works by, and whether the office has newer ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec
from sqlalchemy import select

from fieldtool.reference.layers import ReferenceFiles, files_in_use, installed_only
from workorders.store import schema
from workorders.store.engine import Store
from workorders.sync import reference
from workorders.sync.reference import FILE_KINDS


class ReferenceState(StrEnum):
    """How the files in use stand to what the office last said."""

    CURRENT = "current"
    OUTDATED = "outdated"
    REFUSED = "refused"


class ReferenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one kind that are in use.

    Attributes:
        version, published_at, received_at: of the published set; None where the program's own are in use.
        files: those of the published set.
        offered_version: what the office last said is in force, if it said anything.
        code, reason: why the offered one is not in use; `error.sync.<code>`.
    """

    kind: str
    state: ReferenceState
    version: int | None = None
    published_at: str | None = None
    received_at: str | None = None
    files: list[str] = []
    offered_version: int | None = None
    code: str | None = None
    reason: str | None = None


class ReferenceDesk:
    """The files in use, looked up anew when sets came in, from whichever program of this tablet."""

    def __init__(
        self, store: Store, project: Callable[[], str | None], folder: Path, installed: Path
    ) -> None:
        self._store = store
        self._project = project
        self._folder = folder
        self._installed = installed
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] = ()
        self._files = installed_only(installed)

    def now(self) -> ReferenceFiles:
        """The files to work by; the same object as long as they are the same."""
        project = self._project()
        with self._lock:
            stamp = self._sets(project)
            if stamp != self._stamp:
                found = files_in_use(self._store, project, self._folder, self._installed)
                if not found.same_as(self._files) or found.sets != self._files.sets:
                    self._files = found
                self._stamp = stamp
            return self._files

    def _sets(self, project: str | None) -> tuple[object, ...]:
        if project is None:
            return ()
        table = schema.reference_set
        names = [reference.files_of(project, kind) for kind in FILE_KINDS]
        query = select(table.c.name, table.c.version, table.c.sha256).where(table.c.name.in_(names))
        with self._store.read() as connection:
            return tuple(tuple(row) for row in connection.execute(query.order_by(*table.primary_key)))

    def rows(self) -> list[ReferenceRow]:
        """Every kind, as it stands."""
        files, project = self.now(), self._project()
        with self._store.read() as connection:
            told = reference.offered(connection)
            refused = {item.name: item for item in reference.refused(connection)}
        offered = {item.name: item for item in told.sets} if told else {}
        found: list[ReferenceRow] = []
        for kind in FILE_KINDS:
            name = reference.files_of(project or "", kind)
            used, wanted, why = files.sets.get(kind), offered.get(name), refused.get(name)
            state = ReferenceState.CURRENT
            if wanted is not None and (used is None or used.sha256 != wanted.sha256):
                state = ReferenceState.REFUSED if why else ReferenceState.OUTDATED
            row = ReferenceRow(
                kind=kind,
                state=state,
                version=used.version if used else None,
                published_at=used.published_at if used else None,
                received_at=used.received_at if used else None,
                files=used.files if used else [],
                offered_version=wanted.version if wanted else None,
                code=why.code if why else None,
                reason=why.reason if why else None,
            )
            found.append(row)
        return found
