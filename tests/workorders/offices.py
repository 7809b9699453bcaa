"""An office with a small project, and tablets beside it: real encrypted stores, in one process."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support import postgres, stores
from tests.support.postgres import MASTER_KEY
from tests.support.stores import fresh_store
from workorders.clock import SystemClock
from workorders.gateway import enrolment, load
from workorders.gateway.direct import DirectTransport
from workorders.gateway.office import Office
from workorders.journal.entry import Realm
from workorders.journal.writer import Journal
from workorders.store.engine import FileStore, Store, open_store
from workorders.store.server import open_server
from workorders.sync.blobs import BlobFiles
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol, journal_of
from workorders.sync.identity import TabletIdentity
from workorders.sync.reference import FileReader
from workorders.sync.round import SyncReport, SyncRound, Transport

PROJECT = """
id = "demo"
name = { es = "Demostración", en = "Demo", pt = "Demonstração" }
utility = "Eléctrica"
contractor = "Contratas"
time_zone = "America/Lima"
country = "PE"
technology = "prime"
exported = "2026-03-01"
[[crew]]
id = "A"
name = "Cuadrilla A"
[[crew]]
id = "B"
name = "Cuadrilla B"
[files]
network = "network.csv"
usage_points = "usage_points.csv"
customers = "customers.csv"
meters = "meters.csv"
orders = "orders.csv"
stock = "stock.csv"
secrets = "secrets.csv"
users = "users.csv"
heard = "heard.csv"
[columns.orders]
number = "NRO"
[plan]
daily = 4
total = 8
start = "2026-02-20"
[[sla.rule]]
id = "execute"
start = "issued"
stop = ["completed"]
limit = "2d"
"""
FILES = {
    "network.csv": "mrid;kind;parent;name;identity;capacity\nSE;substation;;Subestación;;\n"
    "T1;transformer;SE;SED 1;;\n"
    "C1;concentrator;T1;Concentrador;mac=404022000001;10\nT2;transformer;SE;SED 2;;\n",
    "customers.csv": "mrid;name;document;phone\nK1;Rosa Quispe;DNI 1;+51 1\nK2;Luis Mamani;DNI 2;\n",
    "usage_points.csv": "mrid;number;customer;address;lat;lon;transformer\n"
    + "".join(f"U{n};S-{n};K{1 + n % 2};Calle {n};-13.5;-71.9;T{1 + n % 2}\n" for n in range(8)),
    "meters.csv": "serial;model;place;usage_point;last_reading;last_reading_date;usual_daily_use\n"
    + "".join(f"OLD{n};em-1ph;T{1 + n % 2};U{n};1000;2026-02-01;5.5\n" for n in range(8)),
    "orders.csv": "NRO;kind;usage_point;crew;scheduled_start;due;old_serial;new_model;procedure;priority;"
    "notes;flags\n"
    + "".join(
        f"{n:03d};exchange;U{n};{'AB'[n % 2]};2026-03-01T08:00;2026-03-05T18:00;OLD{n};prime-1ph;exchange;0;"
        f"Perro bravo;dog|locked_gate\n"
        for n in range(8)
    ),
    "stock.csv": "serial;model;state;crew;identities\nZIV0000000001;prime-1ph;on_truck;A;mac=404022000101\n"
    "ZIV0000000002;prime-1ph;on_truck;B;mac=404022000102\n",
    "secrets.csv": "serial;password;block_key;auth_key\n"
    "ZIV0000000001;clave001;00112233445566778899AABBCCDDEEFF;"
    "FFEEDDCCBBAA99887766554433221100\nZIV0000000002;clave002;;\n",
    "users.csv": "id;name;role;crew\nana;Ana Flores;installer;A\nbeto;Beto Ríos;installer;B\n"
    "luz;Luz Soto;lead;A\nsofia;Sofía Vega;supervisor;\n",
    "heard.csv": "serial;heard_at;concentrator\nOLD1;2026-02-28T01:00;C1\n",
}


OFFICE_KEY = b"g" * 32
_databases: Callable[[], str] | None = None
_own_cluster = False
_urls: dict[Path, str] = {}


@contextlib.contextmanager
def on_server(databases: Callable[[], str] | None = None) -> Iterator[None]:
    """Until this ends, each office of a test stands in a database of its own.

    databases: makes one; None: the tests' own cluster does, and may give it with the project in it.
    """
    global _databases, _own_cluster
    _databases, _own_cluster = databases or postgres.fresh_office, databases is None
    try:
        yield
    finally:
        _databases, _own_cluster = None, False
        _urls.clear()


def open_office_store(folder: Path) -> Store:
    """The store of the office of a folder; opened again, it is the same."""
    if _databases is None:
        return fresh_store(folder / "gateway.db", OFFICE_KEY, "gateway")
    if folder not in _urls:
        _urls[folder] = _databases()
    return open_server(_urls[folder], MASTER_KEY)


def copy_of(store: Store) -> Callable[[], Store]:
    """Make a copy of an office's store as it is now, as an operator's backup is; returns what opens it."""
    if isinstance(store, FileStore):
        copy = store.path.with_name("gateway.copy")
        store.backup(copy)
        return lambda: open_store(copy, OFFICE_KEY, role="gateway")
    store.engine.dispose()
    server = postgres.cluster()
    name = server.database(str(store.engine.url.database))
    return lambda: open_server(server.url(name), MASTER_KEY)


Loaded = tuple[Realm, frozenset[tuple[str, str]]]
"""What tells one loaded office from another: its realm, and the PINs by person."""


@functools.cache
def _loaded_file(loaded: Loaded) -> Path:
    folder = Path(tempfile.mkdtemp(dir=stores.folder()))
    path = folder / "gateway.db"
    with fresh_store(path, OFFICE_KEY, "gateway") as store:
        _load(store, folder, loaded)
    return path


@functools.cache
def _loaded_database(loaded: Loaded) -> str:
    server, folder = postgres.cluster(), Path(tempfile.mkdtemp(dir=stores.folder()))
    url = postgres.fresh_office()
    with open_server(url, MASTER_KEY) as store:
        _load(store, folder, loaded)
        store.engine.dispose()
    return server.name(url)


def _load(store: Store, folder: Path, loaded: Loaded) -> None:
    realm, pins = loaded
    office = Office.open(store, realm, TestTime())
    assert load.load_project(office, write_project(folder / "project"), pins=dict(pins)).errors == []


def _copy_loaded(folder: Path, loaded: Loaded) -> bool:
    """Put a copy of an office that has loaded the small project where the folder's office will stand.

    False where one stands there, or where its database is not ours to make.
    """
    if _databases is None:
        path = folder / "gateway.db"
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_loaded_file(loaded), path)
        return True
    if folder in _urls or not _own_cluster:
        return False
    server = postgres.cluster()
    _urls[folder] = server.url(server.database(_loaded_database(loaded)))
    return True


class TestTime:
    """A clock that a test moves."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


def write_project(folder: Path, **changed: str) -> Path:
    """Write the small project; `changed` replaces files by name without ending."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.toml").write_text(changed.pop("project", PROJECT), "utf-8")
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.removesuffix(".csv"), text), "utf-8")
    return folder


@dataclass
class Bureau:
    """An office on its store, with the project loaded."""

    folder: Path
    office: Office
    files: BlobFiles
    now: TestTime

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        realm: Realm = Realm.DEMO,
        pins: dict[str, str] | None = None,
        stranger: bool = False,
    ) -> Bureau:
        """The office of a folder.

        stranger: with keys that no other office has; else those of one realm are copies of one.
        """
        now = TestTime()
        project = write_project(folder / "project")
        loaded = not stranger and _copy_loaded(folder, (realm, frozenset((pins or {}).items())))
        office = Office.open(open_office_store(folder), realm, now)
        if not loaded:
            assert load.load_project(office, project, pins=pins).errors == []
        return cls(folder, office, BlobFiles(folder / "gateway-blobs"), now)

    def tablet(self, crew: str = "A", name: str = "t1") -> Tablet:
        """Enrol a tablet in process."""
        code = enrolment.create_enrolment_code(
            self.office, crew=crew, project="demo", url="https://office.example"
        )
        folder = self.folder / name
        key = os.urandom(32)
        store = fresh_store(folder / "tablet.db", key, "tablet")
        ticket = EnrolTicket(url="https://office.example", code=parse_code(code.code), root=code.root_sha256)
        identity = enrol(
            store, DirectTransport(self.office, self.files), ticket, name=name, realm=self.office.realm
        )
        return Tablet(self, store, identity, BlobFiles(folder / "blobs"), key)


@dataclass
class Tablet:
    """A tablet beside the office."""

    bureau: Bureau
    store: Store
    identity: TabletIdentity
    blobs: BlobFiles
    key: bytes = b""
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = journal_of(self.store, self.identity, SystemClock())

    def transport(self) -> DirectTransport:
        return DirectTransport(self.bureau.office, self.bureau.files, self.identity.tablet)

    def sync(self, transport: Transport | None = None, reader: FileReader | None = None) -> SyncReport:
        """One round."""
        return SyncRound(
            self.store,
            self.identity,
            self.journal,
            transport or self.transport(),
            self.blobs,
            now=self.bureau.now,
            reader=reader,
        ).run()

    def order_ids(self) -> list[str]:
        """Orders of this tablet's crew."""
        from sqlalchemy import select

        from workorders.store.schema import work_order

        with self.store.read() as connection:
            query = select(work_order.c.order_id).where(work_order.c.crew == self.identity.crew)
            return [row.order_id for row in connection.execute(query.order_by(work_order.c.number))]
