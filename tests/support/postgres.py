"""A real PostgreSQL for tests: a cluster of its own in a folder that goes with them, on a socket.

One cluster a test process, made when a test first asks for it; each test has a database of its own, copied
from one that holds our tables. Nothing of it must survive a power cut, so the server is told not to wait for
the disk. The server refuses to run as root: there it runs as the user that Debian's package makes for it.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

MASTER_KEY = b"m" * 32
USER = "postgres"
_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "autovacuum": "off",
}


class NoServer(Exception):
    """This machine cannot run a PostgreSQL for the tests; the text says what is missing."""


def programs() -> Path:
    """The folder of `initdb` and `pg_ctl`.

    Raises:
        NoServer
    """
    newest_first = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: -float(path.parent.parent.name))
    found = shutil.which("initdb")
    initdb = newest_first[0] if newest_first else Path(found) if found else None
    if initdb is None or not (initdb.parent / "pg_ctl").exists():
        raise NoServer("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    return initdb.resolve().parent


class Cluster:
    """A running server; `url` of a database names it by its socket."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self._bin = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="fieldtool-pg-"))
        self._numbers = itertools.count()
        self._as: list[str] = []
        if os.name == "posix" and os.geteuid() == 0:
            setpriv = shutil.which("setpriv")
            if setpriv is None:
                raise NoServer("root cannot run the server without `setpriv` (Debian: util-linux)")
            shutil.chown(self.folder, USER, USER)
            self._as = [setpriv, f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        lines = [f"{name} = '{value}'" for name, value in (_SETTINGS | (settings or {})).items()]
        lines.append(f"unix_socket_directories = '{self.folder}'")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self._run("pg_ctl", "-D", data, "-l", self.folder / "log", "-w", "-t", "60", "start")
        atexit.register(self.stop)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._as, str(self._bin / program), *map(str, arguments)]
        # The server must not hold our pipes open, so what it says goes to a file.
        with (self.folder / f"{program}.out").open("wb") as out:
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=120
            )
        if done.returncode:
            said = (self.folder / f"{program}.out").read_text(errors="replace")
            raise NoServer(f"{program} failed: {said[-500:]}")

    def url(self, name: str) -> str:
        """The address of a database of this server, as `--database` takes it."""
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    @staticmethod
    def name(url: str) -> str:
        """The database that a `url` names."""
        return url.partition("?")[0].rpartition("/")[2]

    def execute(self, *statements: str) -> None:
        """Statements of the administrator."""
        with psycopg.connect(
            f"host={self.folder} user={USER} dbname=postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def database(self, template: str | None = None) -> str:
        """The name of a fresh database: empty, or a copy of another."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        return name

    def stop(self) -> None:
        """End the server and take its folder away."""
        atexit.unregister(self.stop)
        data = self.folder / "data"
        if (data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


_cluster: Cluster | None = None
_template: str | None = None


def cluster() -> Cluster:
    """The server of this test process.

    Raises:
        NoServer
    """
    global _cluster
    if _cluster is None:
        _cluster = Cluster()
    return _cluster


def fresh_office() -> str:
    """The address of a database that holds the office's tables and nothing else.

    Raises:
        NoServer
    """
    from workorders.store.server import open_server

    global _template
    server = cluster()
    if _template is None:
        name = server.database()
        open_server(server.url(name), MASTER_KEY).close()
        _template = name
    return server.url(server.database(_template))
