"""The real wiring over the world of the job's tests: real encrypted store and journal, a scripted meter.

Stands for `fieldtool.tablet.Tablet` where that needs an enrolment; all that a procedure does is the real
thing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import cv2
import numpy as np

import assets
from fieldtool.demo.pictures import meter_photo, seal_photo
from fieldtool.procedure.model import Procedure
from fieldtool.run import ProcedureRun, Surroundings
from fieldtool.run.surroundings import Person
from fieldtool.settings import Settings
from fieldtool.tablet import lists, rows
from fieldtool.tablet.reference import ReferenceDesk
from fieldtool.tablet.syncing import Syncing
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.world import NEW_SERIAL, OLD_SERIAL, World
from ui.officebackend import OfficeBackend
from ui.translator import CatalogueTranslator
from ui.views import Failure
from ui.wiring.camera import LiveCamera
from ui.wiring.tablet import WiredTablet
from workorders.clock import SystemClock
from workorders.journal.words import DeviceRole
from workorders.people import Role
from workorders.store import queries
from workorders.sync.blobs import BlobFiles


class WorldTablet:
    """The methods of a tablet that the screens use, on one world."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.store, self.folder = world, world.store, folder
        self.procedures: dict[str, Procedure] = dict(world.around.procedures)
        self.people_here = self
        self.desk = ReferenceDesk(world.store, lambda: None, folder / "references", assets.root())
        self.ran: dict[str, ProcedureRun] = {}
        self.clock = SystemClock()
        self.syncing = Syncing(cast("Tablet", self))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def status(self) -> rows.TabletStatus:
        with self.store.read() as connection:
            pending = queries.sync_summary(connection).pending
        return rows.TabletStatus(
            realm="training",
            enrolled=True,
            project="Ciudad PRIME",
            crew="PRM-01",
            person=None,
            online=False,
            pending=pending,
            pending_blobs=0,
            last_contact=None,
            problem=None,
            gateway=None,
        )

    def order_counts(self) -> rows.OrderCounts:
        return rows.OrderCounts(today=1, late=0, later=0, done=0, done_today=0)

    def port_for(self, role: DeviceRole) -> str | None:
        return self.world.around.port_for(role)

    def people(self) -> list[rows.PersonRow]:
        return [rows.PersonRow(id="tech-1", name="Silvia", role="installer", crew="PRM-01")]

    def known(self) -> list[Person]:
        return [Person(id="lead-1", name="Luz Soto", role=Role.LEAD, crew="PRM-01")]

    def person(self) -> Person | None:
        return self.world.around.person()

    def sign_in(self, person_id: str, pin: str) -> rows.PersonRow:
        return self.people()[0]

    def sign_out(self) -> None:
        """Nobody is told."""

    def orders(self, filter: rows.OrderFilter, limit: int = 200, offset: int = 0) -> list[rows.OrderRow]:
        with self.store.read() as connection:
            return lists.order_rows(connection, filter, self.now(), self.world.order.crew)

    def order(self, order_id: str) -> rows.OrderDetail:
        with self.store.read() as connection:
            detail = queries.order(connection, order_id)
            assert detail is not None
            return lists.order_detail(connection, detail, self.now(), "exchange")

    @property
    def blobs(self) -> BlobFiles:
        return self.world.around.blobs

    def detail(self, order_id: str) -> queries.OrderDetail:
        with self.store.read() as connection:
            detail = queries.order(connection, order_id)
        assert detail is not None
        return detail

    def find_order(self, text: str) -> str | None:
        return self.world.order.mrid if text == NEW_SERIAL else None

    def procedure(self, order_id: str) -> Procedure:
        return self.procedures["exchange"]

    def start(self, order_id: str) -> ProcedureRun:
        run = self.ran.get(order_id)
        if run is None:
            run = self.ran[order_id] = self.world.run()
        return run

    def surroundings(self) -> Surroundings:
        return self.world.around

    def entries(self, *, pending: bool | None = None, limit: int = 100) -> list[rows.EntryRow]:
        with self.store.read() as connection:
            return lists.entry_rows(connection, pending, limit)

    def sync_summary(self) -> rows.SyncSummary:
        with self.store.read() as connection:
            return lists.sync_summary(connection, self.now(), None, self.syncing.standing())

    def settings(self) -> Settings:
        return Settings()

    def close(self) -> None:
        """Lets go of meters and receiver; the world is closed by its test."""
        for run in self.ran.values():
            run.close()


class CrewOnly(WiredTablet):
    """The wiring without an office: nobody here is a supervisor."""

    def office(self) -> OfficeBackend:
        raise Failure("nobody here may see the office")


class Sight:
    """What the camera sees: the label of one meter at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.look_at(OLD_SERIAL)

    def look_at(self, serial: str, model: str = "prime-1ph") -> None:
        """Puts another meter in front of the camera."""
        made = meter_photo(self.folder.parent, f"made-{serial}", serial, model)
        self._show(made)

    def look_at_seal(self, number: str) -> None:
        """Puts a seal in front of the camera."""
        self._show(seal_photo(self.folder.parent, f"made-{number}", number))

    def look_at_nothing(self) -> None:
        """Nothing with a code is in front of the camera."""
        made = self.folder.parent / "made-nothing.jpg"
        cv2.imwrite(str(made), np.full((240, 320, 3), 128, np.uint8))
        self._show(made)

    def _show(self, made: Path) -> None:
        target = self.folder / f"seen{made.suffix}"
        target.write_bytes(made.read_bytes())


def wired(world: World, folder: Path) -> tuple[WiredTablet, Sight]:
    """The backend of the screens over a world, and what its camera sees."""
    sight = Sight(folder / "camera")
    translator = CatalogueTranslator()
    translator.use("es")
    camera = LiveCamera(sight.folder.as_uri())
    return CrewOnly(cast(Tablet, WorldTablet(world, folder)), translator, camera), sight
