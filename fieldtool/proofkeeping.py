"""The rounds of asking (`fieldtool.proofs`) beside a serving gateway: a thread of their own, one leader.

Of many gateways on one database one asks for a project; it says so in the database, again and again. One that
died is followed by another once its word has run out, one that was stopped at once.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from fieldtool import proofs
from fieldtool.proofs import LookupSource, Sources
from fieldtool.technologies import Technology
from fieldtool.tomlfile import FileMistake, read_toml
from workorders.gateway import proof
from workorders.gateway.board import projects
from workorders.gateway.office import Office

LOOK_SECONDS = 15.0
LEAD = timedelta(minutes=5)
_PATIENCE_SECONDS = 20.0
"""A device that is being asked for has 15 seconds to answer."""
_LEADER = "@rounds"
_log = logging.getLogger(__name__)


class ProjectSources(Sources, frozen=True, kw_only=True):
    """Who is asked for a project; concentrators of its network file with `url=` are asked too."""

    id: str


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    project: list[ProjectSources]


def read_projects(path: Path) -> list[ProjectSources]:
    """Read the file of a serving gateway: `[[project]] id`, in it `[[project.concentrator]]`,
    `[[project.lookup]]`.

    Raises:
        FileMistake: with its line; for a project named twice, and for a token that stands in the file itself.
    """
    found, _ = read_toml(path, _File)
    names = [one.id for one in found.project]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FileMistake(path.name, 0, f"project {twice!r} stands there twice")
    servers: list[LookupSource] = [server for one in found.project for server in one.lookup]
    proofs.check_tokens(path, servers)
    return found.project


class ProofKeeping:
    """A thread that asks for some projects while it lasts; what goes wrong is logged and tried again."""

    def __init__(
        self,
        office: Office,
        wanted: list[ProjectSources],
        technologies: dict[str, Technology],
        secret: Callable[[str], str],
        look: float = LOOK_SECONDS,
    ) -> None:
        self._office, self._wanted, self._technologies = office, wanted, technologies
        self._secret, self._look = secret, look
        self._holder = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._said: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="proof", daemon=True)

    def __enter__(self) -> ProofKeeping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _work(self) -> None:
        while not self._stopped.is_set():
            for one in self._wanted:
                if self._stopped.is_set():
                    break
                try:
                    self._round(one)
                except Exception:
                    # The database is away or busy, or the project is not loaded yet: the next look will do.
                    _log.exception("nobody could be asked for project %s", one.id)
            self._stopped.wait(self._look)
        for one in self._wanted:
            try:
                proof.release(self._office, one.id, _LEADER, self._holder, again=timedelta(0))
            except Exception:
                _log.exception("another gateway follows only after a while")

    def _round(self, wanted: ProjectSources) -> None:
        if not self._leads(wanted.id):
            return
        known = {project.id: project.technology for project in projects(self._office)}
        if wanted.id not in known:
            _log.warning("there is no project %s to ask for", wanted.id)
            return
        sources = Sources(concentrator=wanted.concentrator, lookup=wanted.lookup)
        found = proofs.poll(
            self._office,
            wanted.id,
            proofs.with_tree(self._office, wanted.id, sources),
            proofs.waits_of(self._technologies.get(known[wanted.id])),
            self._secret,
            lambda source, line: _log.info("%s: %s", source, line),
            stopped=lambda: not self._goes_on(wanted.id),
        )
        if found.failed or found.silent:
            _log.info("%s: %d failed, %d silent", wanted.id, found.failed, found.silent)

    def _leads(self, project: str) -> bool:
        """Whether this gateway asks for the project now: nobody else does, or it did already."""
        self._said[project] = time.monotonic()
        return proof.go_on(self._office, project, _LEADER, self._holder, None, hold=LEAD) or proof.claim(
            self._office, project, _LEADER, self._holder, hold=LEAD
        )

    def _goes_on(self, project: str) -> bool:
        """Between two questions: not stopped, and still the one who asks."""
        if self._stopped.is_set():
            return False
        fresh = time.monotonic() - self._said[project] < LEAD.total_seconds() / 4
        return fresh or self._leads(project)
