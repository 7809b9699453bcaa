"""What a run needs from the tablet around it, as typed values and small protocols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Protocol

import msgspec

from drivers.models import MeterModel
from drivers.position.take import Taken, Told
from fieldtool.identity import OtherOrder, StockItem
from fieldtool.journalhost import Changing, not_changing
from fieldtool.procedure.bench import PanelSeen, SignedOverride
from fieldtool.procedure.model import Procedure
from fieldtool.procedure.state import Job, RunState
from fieldtool.registration import Heard, Network
from fieldtool.technologies import Technology
from fieldtool.text import Language
from workorders.journal.kinds import OrderStarted
from workorders.journal.words import DeviceRole, Sealed
from workorders.journal.writer import Journal
from workorders.people import Role
from workorders.sync.blobs import BlobFiles

if TYPE_CHECKING:
    # OpenCV and NumPy come with these; a run that scans nothing does without.
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.codes import Code


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    id: str
    name: str
    role: Role
    crew: str | None = None


class OverrideSigner(Protocol):
    """Opens a person's key with their PIN and signs an override; attempts are counted before the try."""

    def sign_override(
        self, person: str, pin: str, *, order_id: str, subject: str, reason: Sealed
    ) -> SignedOverride:
        """Sign that a person passes a rule; `subject` as in `workorders.people.override_message`.

        Raises JobError `wrong_pin`, `locked_out`, `grant_expired` or `override_role`."""
        ...


class IssuedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The installation record: its PDF, its hash and its number."""

    pdf: bytes
    record_hash: str
    number: str


class RecordIssuer(Protocol):
    """Makes the installation record of a finished order."""

    def issue(self, job: Job, state: RunState, *, finished_at: str, flags: list[str]) -> IssuedRecord:
        """The signed record as it will be handed over."""
        ...


class Stock(Protocol):
    """The stock list and what other orders expect."""

    def items(self, serials: list[str]) -> dict[str, StockItem]:
        """Stock items of these serials."""
        ...

    def identities(self, serial: str) -> dict[str, str]:
        """Network identities that the stock list names for a serial."""
        ...

    def holder(self, name: str, value: str, *, besides: Collection[str]) -> str | None:
        """Who has the identity `name` = `value` (a node's mRID or name, a serial); `besides` are our own."""
        ...

    def others(self, order_id: str, serials: list[str]) -> dict[str, OtherOrder]:
        """Other orders of this tablet that expect one of these serials, by serial."""
        ...


class LabelReader(Protocol):
    """Reads and classifies codes by label rules."""

    def classify(self, codes: Sequence[Code], model: str | None) -> LabelReading:
        """What the codes of one label mean for a device of that model."""
        ...

    def decode(self, image: bytes) -> list[Code]:
        """*Slow.* Codes in a picture file's bytes; JobError `unreadable_image` for no picture."""
        ...

    def printed(self, image: bytes) -> str:
        """*Slow.* A serial that the print in a picture file may say, for a person to confirm; or empty."""
        ...


class HeardLists(Protocol):
    """What concentrators and head-end say they heard."""

    def concentrator(self, mrid: str, serial: str) -> list[Heard]:
        """*Slow.* Ask a PRIME concentrator for S24; raises JobError `concentrator_unreachable`."""
        ...

    def head_end(self, serial: str) -> list[Heard]:
        """Lines of the head-end's list about a serial, as last received."""
        ...


class PanelSight(Protocol):
    """The photo of one panel of this tablet."""

    def take(self, picture: bytes) -> None:
        """*Slow.* Read another picture; JobError `unreadable_image`."""
        ...

    def seen(self) -> PanelSeen | None:
        """The photo against the orders as they are now; None before there is a photo."""
        ...

    def jpeg(self) -> bytes | None:
        """The picture itself."""
        ...


def no_panel(panel: str) -> PanelSight | None:
    """For whoever looks at no panels."""
    del panel
    return None


class Locate(Protocol):
    """Takes one position: waits so many seconds at most, ends early on `stop`, tells of better ones."""

    def __call__(self, wait: float, stop: Event, told: Told | None = None) -> Taken:
        """*Slow.* Never raises: why there is no position is in the answer."""
        ...


class Shelf(Protocol):
    """Texts of procedures that runs were begun with."""

    def keep(self, procedure: Procedure) -> str | None:
        """Keep the text of a procedure in use; its SHA-256, or None where it has no file."""
        ...

    def begun(self, started: OrderStarted) -> Procedure | None:
        """The procedure that a run was begun with; None where it is not here."""
        ...


class NoShelf:
    """For whoever has one version of each procedure alone."""

    def keep(self, procedure: Procedure) -> str | None:
        """Nothing is kept."""
        del procedure
        return None

    def begun(self, started: OrderStarted) -> Procedure | None:
        """Nothing was kept."""
        del started
        return None


@dataclass(frozen=True)
class Surroundings:
    """Everything around a run. `port_for`: which probe port serves a device; `crew`: whose truck this is;
    `shelf`: what runs were begun with; `project_values`: what the project says to programs, by name."""

    journal: Journal
    procedures: dict[str, Procedure]
    technologies: dict[str, Technology]
    models: dict[str, MeterModel]
    models_folder: Path
    programs_folder: Path
    cache: Path
    blobs: BlobFiles
    system_title: str
    secrets: Callable[[str, str], bytes | None]
    crew: str | None
    network: Network
    stock: Stock
    labels: LabelReader
    heard: HeardLists
    signer: OverrideSigner
    records: RecordIssuer
    port_for: Callable[[DeviceRole], str | None]
    locate: Locate
    person: Callable[[], Person | None]
    language: Callable[[], Language]
    shelf: Shelf = field(default_factory=NoShelf)
    changing: Callable[[str], Changing | None] = not_changing
    project_values: Callable[[], Mapping[str, str]] = dict
    panel_photo: Callable[[str], PanelSight | None] = no_panel
