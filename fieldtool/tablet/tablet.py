"""One tablet in one realm: opens its store, knows its people and orders, starts runs, syncs.

Methods may be called from any thread. Reading needs no lock (each call has a connection of its own);
writing is serialised by the store; `_lock` guards what lives in this object: who is signed in, ports, open
runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import assets
from fieldtool.errors import JobError
from fieldtool.journalhost import Changing
from fieldtool.procedure.model import Procedure
from fieldtool.reference.begun import ProcedureShelf
from fieldtool.run import ProcedureRun, Surroundings
from fieldtool.run.surroundings import Person
from fieldtool.run.which import begun_with
from fieldtool.security.people import KnownPerson, People
from fieldtool.security.realm import check_realm
from fieldtool.security.secrets import MeterSecrets
from fieldtool.settings import Home, Settings
from fieldtool.tablet import enrolling, lists, rows, wipe
from fieldtool.tablet.around import StoreHeard, StoreNetwork, StoreStock, panel_sight
from fieldtool.tablet.forgetting import forget_expired
from fieldtool.tablet.keeping import Keeping
from fieldtool.tablet.position import PositionReceiver
from fieldtool.tablet.records import Documents, issued_record
from fieldtool.tablet.reference import ReferenceDesk, ReferenceRow
from fieldtool.tablet.stockroom import Stockroom
from fieldtool.tablet.syncing import Syncing
from workorders.clock import SystemClock
from workorders.journal.entry import Realm
from workorders.journal.words import DeviceRole
from workorders.journal.writer import Journal, JournalError
from workorders.orders import OrderStatus, can_start
from workorders.store import queries
from workorders.store.counters import skip_invocation_counters
from workorders.store.engine import FileStore, open_store
from workorders.sync.blobs import BlobFiles
from workorders.sync.enrolment import journal_of
from workorders.sync.identity import TabletIdentity
from workorders.sync.round import SyncProgress, SyncReport, SyncState, last_sync_of

if TYPE_CHECKING:
    from workorders.sync.http import HttpTransport

Progress = Callable[[str, int, int, float | None], None]


class Tablet:
    """See `fieldtool.tablet.api.TabletFace`, which this implements."""

    def __init__(self, home: Home, realm: Realm, store: FileStore, keeping: Keeping) -> None:
        self.home = home
        self.realm = realm
        self.store = store
        self.keeping = keeping
        last = last_sync_of(store)
        self.clock = SystemClock(last.offset_ms, last.met)
        self.tree = StoreNetwork(store)
        self.secrets = MeterSecrets(store, self.clock)
        self._lock = threading.RLock()
        self.syncing = Syncing(self)
        self._identity = TabletIdentity.load(store)
        check_realm(realm, self._identity.realm if self._identity else None)
        self._journal: Journal | None = None
        self._person: Person | None = None
        self._ports: dict[DeviceRole, str | None] = {}
        self.receiver = PositionReceiver(self)
        self._runs: dict[str, ProcedureRun] = {}

    @classmethod
    def open(
        cls,
        home: Home | None = None,
        realm: Realm | None = None,
        *,
        create: bool = False,
        passphrase: Callable[[], str | None] | None = None,
    ) -> Tablet:
        """Open this machine's tablet.

        Args:
            create: make a new database where there is none (enrolment does).
            passphrase: asked where there is no keyring; None: the variable FIELDTOOL_PASSPHRASE.

        Raises:
            StoreError: the database cannot be opened (missing, foreign, corrupt, wrong key, …).
            JobError: `not_enrolled`, `passphrase_needed`, `wrong_passphrase`, `database_key_missing`, …
        """
        home = home or Home.default()
        realm = realm or home.realm()
        path = home.database(realm)
        if not create and not path.exists():
            raise JobError("not_enrolled", "this tablet is not enrolled: `fieldtool enrol URL CODE`")
        keeping = Keeping(home, realm, passphrase)
        store = open_store(path, keeping.database_key(), role="tablet", create=create)
        tablet = cls(home, realm, store, keeping)
        forget_expired(tablet)
        return tablet

    # --- who this is ------------------------------------------------------------------------------

    @property
    def enrolment(self) -> TabletIdentity | None:
        """The enrolment; None before it."""
        return self._identity

    @property
    def identity(self) -> TabletIdentity:
        """The enrolment; JobError `not_enrolled` before it."""
        if self._identity is None:
            raise JobError("not_enrolled", "this tablet is not enrolled: `fieldtool enrol URL CODE`")
        return self._identity

    @property
    def journal(self) -> Journal:
        """The author of this tablet's chain.

        Where the store is an older copy than the vault's mark says, a chain is begun that names the lost
        head; and as nobody knows what was sent to meters since, their counters go on far ahead.
        """
        with self._lock:
            if self._journal is None:
                mark = self.keeping.mark()
                author = journal_of(
                    self.store, self.identity, self.clock, mark=mark, on_head=self.keeping.raise_mark
                )
                try:
                    author.check_mark(mark)
                except JournalError:
                    skip_invocation_counters(self.store)
                    author.begin_chain("restored", mark)
                self._journal = author
            return self._journal

    @property
    def people_here(self) -> People:
        """Who may sign in here, by the office's grants."""
        return People(self.store, self.identity.office_key(), self.realm.value, self.clock)

    def now(self) -> datetime:
        """Now, by the gateway's clock as far as it is known."""
        offset = self.clock.offset_ms() or 0
        return datetime.now(UTC) + timedelta(milliseconds=offset)

    def enrol(self, url: str, code: str) -> None:
        """*Slow.* Make this tablet known to a gateway; `code` may be the text of the QR."""
        identity = enrolling.enrol(self, url, code)
        with self._lock:
            self._identity, self._journal = identity, None
            head = self.journal.head()
            if head is not None:
                self.keeping.raise_mark(head)
        chosen = self.home.settings()
        if chosen.realm is None:  # else a try in another realm, which leaves a database too, hides this one
            self.home.save_settings(msgspec.structs.replace(chosen, realm=self.realm))
        enrolling.deposit(self)

    # --- people -----------------------------------------------------------------------------------

    def people(self) -> list[rows.PersonRow]:
        """Who may sign in here."""
        desk = self.people_here
        return [_person_row(person, desk.wait_seconds(person.id)) for person in desk.known()]

    def sign_in(self, person_id: str, pin: str) -> rows.PersonRow:
        """*Slow.* Open a person's key with their PIN; attempts are counted before they are tried."""
        wipe.check_lock(self)
        known = self.people_here.sign_in(person_id, pin)
        with self._lock:
            self._person = Person(id=known.id, name=known.name, role=known.role, crew=known.crew)
        return _person_row(known, 0)

    def sign_out(self) -> None:
        """Nobody is signed in."""
        with self._lock:
            self._person = None

    def person(self) -> Person | None:
        """Who is signed in."""
        return self._person

    # --- looking ----------------------------------------------------------------------------------

    def status(self) -> rows.TabletStatus:
        """The strip at the top."""
        last, identity, standing = last_sync_of(self.store), self._identity, self.syncing.standing()
        with self.store.read() as connection:
            summary = queries.sync_summary(connection)
            project = lists.project(connection)
        person = self._person
        language = self.settings().language.value
        return rows.TabletStatus(
            realm=self.realm.value,
            enrolled=identity is not None,
            project=project.name.get(language) or (identity.project if identity else None),
            crew=identity.crew if identity else None,
            person=rows.PersonRow(id=person.id, name=person.name, role=person.role.value, crew=person.crew)
            if person
            else None,
            online=None if last.state is SyncState.NEVER else last.state is SyncState.DONE,
            pending=summary.pending,
            pending_blobs=summary.blobs.get("local", 0),
            last_contact=last.contact,
            problem=last.code,
            gateway=identity.url if identity else None,
            syncing=standing.state is SyncState.RUNNING,
            stale_days=standing.stale_days,
            skew_seconds=standing.skew_seconds,
        )

    def orders(self, filter: rows.OrderFilter, limit: int = 200, offset: int = 0) -> list[rows.OrderRow]:
        """Orders of this tablet's crew, today first, then late, then the rest."""
        with self.store.read() as connection:
            found = lists.order_rows(connection, filter, self.now(), self._crew())
        here = self.receiver.here()
        return [lists.with_distance(row, here) for row in found[offset : offset + limit]]

    def order_counts(self) -> rows.OrderCounts:
        """How many a section."""
        now = self.now()
        with self.store.read() as connection:
            found = lists.order_rows(connection, rows.OrderFilter(), now, self._crew())
            return lists.counts(found, connection, now)

    def order(self, order_id: str) -> rows.OrderDetail:
        """One order by id or number."""
        detail = self.detail(order_id)
        procedure = detail.order.procedure or detail.order.kind.value
        with self.store.read() as connection:
            return lists.order_detail(connection, detail, self.now(), procedure)

    def find_order(self, text: str) -> str | None:
        """Id of the order with this id, number, supply number or serial; None for none or several."""
        with self.store.read() as connection:
            if queries.order(connection, text) is not None:
                return text
            # What was ended here stays at hand, also where the order has gone to another crew since.
            which = queries.OrderFilter(crew=self._crew(), executed_here=True)
            hits = queries.orders(connection, which, text, limit=20)
        exact = [
            row for row in hits if text in (row.number, row.supply_number, row.old_serial, row.new_serial)
        ]
        return exact[0].order_id if len(exact) == 1 else None

    def entries(self, *, pending: bool | None = None, limit: int = 100) -> list[rows.EntryRow]:
        """Own entries, newest first."""
        with self.store.read() as connection:
            return lists.entry_rows(connection, pending, limit)

    @property
    def stockroom(self) -> Stockroom:
        """The stock and what can be done with it."""
        return Stockroom(self)

    def stock(self) -> list[rows.StockRow]:
        """The stock list."""
        with self.store.read() as connection:
            return lists.stock_rows(connection, self._crew())

    def settings(self) -> Settings:
        """Choices of this machine."""
        return self.home.settings()

    def save_settings(self, settings: Settings) -> None:
        """Keep the choices of this machine."""
        self.home.save_settings(settings)

    def _crew(self) -> str | None:
        return self._identity.crew if self._identity else None

    def detail(self, order_id: str) -> queries.OrderDetail:
        """An order with all that came of it; JobError `no_such_order`."""
        found = self.find_order(order_id)
        if found is not None:
            with self.store.read() as connection:
                detail = queries.order(connection, found)
            if detail is not None:
                return detail
        raise JobError("no_such_order", f"there is no order {order_id!r} on this tablet", order=order_id)

    # --- working ----------------------------------------------------------------------------------

    def start(self, order_id: str) -> ProcedureRun:
        """Begin the order's procedure, or go on where it stopped."""
        wipe.check_lock(self)
        detail = self.detail(order_id)
        with self._lock:
            order = msgspec.structs.replace(detail.order, attempts=detail.row.attempts)
            run = self._runs.get(order.mrid)
            if not can_start(OrderStatus(detail.row.status)) and not (run is not None and run.touched):
                raise JobError(
                    "not_open",
                    f"order {detail.order.number} is {detail.row.status}: there is nothing to do",
                    order=detail.order.number,
                    status=detail.row.status,
                )
            if run is not None and run.state.end is None:
                run.use(self.surroundings(), order)
                return run
            if self._person is None:
                raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
            self.receiver.set_out()
            run = ProcedureRun(self.surroundings(), order)
            run.start()
            self._runs[order.mrid] = run
            return run

    def resume(self, order_id: str) -> ProcedureRun:
        """The same as `start`, for an order that was begun."""
        detail = self.detail(order_id)
        if detail.row.started_at is None:
            raise JobError("not_started", f"order {detail.order.number} was not begun")
        return self.start(order_id)

    def leave(self, order_id: str) -> None:
        """Let go of an order's run and its meter; the next start reads what the journal says of it."""
        with self._lock:
            run = self._runs.pop(order_id, None)
        if run is not None:
            run.close()

    def use_ports(
        self, *, old: str | None = None, new: str | None = None, position: str | None = None
    ) -> None:
        """Ports of the probe for old and new meter, and where positions come from, in this process."""
        with self._lock:
            self._ports = {DeviceRole.OLD: old, DeviceRole.NEW: new}
            self.receiver.named = position

    def ports(self) -> list[rows.PortRow]:
        """*Slow.* Ports a probe may be on."""
        from drivers.ports import discover

        return [rows.PortRow(url=port.url, description=port.description) for port in discover()]

    def port_for(self, role: DeviceRole) -> str | None:
        """The port that a step for this device uses: named here, of the settings, or the first on USB."""
        named = self._ports.get(role) or self.settings().probe
        if named:
            return named
        from drivers.ports import discover

        return next((port.url for port in discover() if port.vid is not None), None)

    def read_any_meter(self, port: str, progress: Progress | None = None) -> rows.MeterView:
        """*Slow.* Identify and read a meter without an order, with its keys where they are here."""
        from fieldtool.tablet.meterpage import read_meter

        return read_meter(self, port, progress)

    def surroundings(self) -> Surroundings:
        """What a run needs around it."""
        files = self.desk.now()
        return Surroundings(
            journal=self.journal,
            procedures=files.procedures,
            technologies=files.technologies,
            models=files.models,
            models_folder=files.folders["models"],
            programs_folder=files.folders["programs"],
            cache=self.home.cache(),
            blobs=self.blobs,
            system_title=self.identity.system_title,
            crew=self.identity.crew,
            network=self.tree,
            stock=StoreStock(self.store),
            labels=files.labels,
            heard=StoreHeard(self.store, self.tree),
            secrets=self.secrets.get,
            signer=self.people_here,
            records=Documents(self),
            port_for=self.port_for,
            locate=self.receiver.take,
            person=self.person,
            language=lambda: self.settings().language,
            shelf=self.shelf,
            changing=self.changing,
            project_values=lambda: lists.project_values(self.store),
            panel_photo=lambda panel: panel_sight(self, panel),
        )

    def changing(self, serial: str) -> Changing:
        """How the secrets of a meter change here: kept in the database, sealed to the office."""
        return Changing(serial, self.secrets.changes, self.identity.recovery())

    @cached_property
    def desk(self) -> ReferenceDesk:
        """Procedures, models, programs, label rules and technologies: which are in use, and which came."""
        return ReferenceDesk(
            self.store,
            lambda: self._identity.project if self._identity else None,
            self.home.realm_folder(self.realm) / "reference",
            assets.root(),
        )

    @property
    def shelf(self) -> ProcedureShelf:
        """Procedures that runs were begun with."""
        return ProcedureShelf(self.store, self.desk.now())

    def procedure(self, order_id: str) -> Procedure:
        """The procedure that an order is worked by, or would be if it were begun now."""
        detail = self.detail(order_id)
        procedures = self.desk.now().procedures
        started = lists.last_start(self.store, detail.order.mrid) if detail.row.started_at else None
        return begun_with(started, self.shelf, procedures, detail.order)

    def references(self) -> list[ReferenceRow]:
        """Which reference files are in use, and how they stand to what the office last said."""
        return self.desk.rows()

    @cached_property
    def blobs(self) -> BlobFiles:
        """Sealed photos and documents."""
        return BlobFiles(self.home.blobs(self.realm))

    # --- syncing ----------------------------------------------------------------------------------

    def sync(
        self,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        *,
        all_files: bool = False,
        firmware: bool = False,
    ) -> SyncReport:
        """*Slow.* One round. Never raises for a gateway that fails: the report says how it went."""

        def told(at: SyncProgress) -> None:
            if progress is not None:
                done, total = (at.size, at.total_size) if at.total_size else (at.done, at.total)
                progress(f"sync.{at.stage.value}", done, total, None)

        return self.syncing.round(told, cancelled, all_files=all_files, firmware=firmware)

    def stop_work(self) -> None:
        """Nobody works on this tablet from here on: the office has revoked it."""
        self.sign_out()
        with self._lock:
            runs, self._runs = list(self._runs.values()), {}
        for run in runs:
            run.cancel()

    def keep_synced(self) -> None:
        """From now on sync by itself, until `close`."""
        self.syncing.keep()

    def transport(self) -> HttpTransport:
        """The way to the gateway, as this tablet; to be closed."""
        # Loaded where the network is used: most commands and visits do without.
        from workorders.sync.http import HttpTransport

        identity = self.identity
        me, root = identity.tablet, identity.root_der()
        return HttpTransport(identity.url, tablet=me, key=identity.signer(), root=root)

    def hand_over(self, folder: Path) -> Path:
        """Write what is not answered yet into a file for the gateway; returns its path."""
        from fieldtool.tablet.handover import export

        return export(self, folder)[0]

    def record_pdf(self, order_id: str) -> bytes:
        """The installation record as issued; JobError `no_record`, `record_erased`, `no_such_order`."""
        return issued_record(self, self.detail(order_id).order)

    def sync_summary(self) -> rows.SyncSummary:
        """Figures of the sync page."""
        with self.store.read() as connection:
            return lists.sync_summary(
                connection, self.now(), last_sync_of(self.store).contact, self.syncing.standing()
            )

    def close(self) -> None:
        """Let go of meters and store."""
        self.syncing.stop()
        with self._lock:
            for run in self._runs.values():
                run.close()
            self._runs.clear()
        self.store.close()


def _person_row(person: KnownPerson, wait: int) -> rows.PersonRow:
    return rows.PersonRow(
        id=person.id, name=person.name, role=person.role.value, crew=person.crew, locked_seconds=wait
    )
