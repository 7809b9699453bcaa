"""A run that was begun goes on by the text of the procedure that it began with.

The text is kept under its hash before the entry that names it is written, wherever it came from: a published
set, or a file of the program, which an update replaces while orders are open.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

from fieldtool.procedure.model import Procedure, load_procedure
from fieldtool.reference.layers import ReferenceFiles
from fieldtool.tomlfile import FileMistake
from workorders.clock import utc_text
from workorders.journal.kinds import OrderStarted
from workorders.store import schema
from workorders.store.engine import Store
from workorders.sync import reference
from workorders.sync.reference import SetRefused

_log = logging.getLogger(__name__)
_BEGUN = "begun/procedures/"
"""Name, in the table of sets, of a text that a run was begun with; its hash follows."""


class ProcedureShelf:
    """`fieldtool.run.surroundings.Procedures`: those in use, and those that begun runs go by."""

    def __init__(self, store: Store, files: ReferenceFiles) -> None:
        self._store = store
        self._files = files

    def keep(self, procedure: Procedure) -> str | None:
        """Keep the text of a procedure in use for as long as entries may name it; returns its SHA-256."""
        path = self._files.folders["procedures"] / f"{procedure.id}.toml"
        try:
            text = path.read_bytes()
            if load_procedure(path) != procedure:
                return None
        except (OSError, FileMistake):
            return None
        sha256 = hashlib.sha256(text).hexdigest()
        with self._store.write() as connection:
            _put(connection, sha256, text, procedure.version)
        return sha256

    def begun(self, started: OrderStarted) -> Procedure | None:
        """The procedure that a run was begun with; None where this tablet never had it.

        An entry without a hash (of an earlier program) is served by id and version.
        """
        with self._store.read() as connection:
            texts = list(_texts(connection, started))
        for text in texts:
            found = _read(started.procedure, text)
            if found is not None and found.version == started.procedure_version:
                return found
        return None


def _put(connection: Connection, sha256: str, text: bytes, version: int) -> None:
    table = schema.reference_set
    name = _BEGUN + sha256
    if connection.execute(select(table.c.version).where(table.c.name == name)).first() is None:
        now = utc_text(datetime.now(UTC))
        values = {"name": name, "version": version, "sha256": sha256, "body": text, "received_at": now}
        connection.execute(insert(table).values(values))


def _texts(connection: Connection, started: OrderStarted) -> list[bytes]:
    """Texts that may be the one, best first."""
    table = schema.reference_set
    if started.procedure_sha256 is not None:
        query = select(table.c.body).where(table.c.name == _BEGUN + started.procedure_sha256)
        kept = list(connection.execute(query).scalars())
        if kept:
            return kept
    query = select(table.c.body).where(table.c.name.contains("/files/procedures", autoescape=True))
    found: list[bytes] = []
    for body in connection.execute(query.order_by(table.c.version.desc())).scalars():
        try:
            text = reference.read_files(body).files.get(f"{started.procedure}.toml", "").encode()
        except SetRefused:
            continue
        if started.procedure_sha256 in (None, hashlib.sha256(text).hexdigest()):
            found.append(text)
    return found


def _read(name: str, text: bytes) -> Procedure | None:
    with tempfile.TemporaryDirectory(prefix="fieldtool-") as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_bytes(text)
        try:
            return load_procedure(path)
        except FileMistake as error:
            _log.warning("a procedure that a run was begun with cannot be read any more: %s", error)
            return None
