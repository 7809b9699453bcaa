"""Firmware into the meter at the probe, without an order: the jobs of `fieldtool meter image` on a tablet.

Intents and outcomes are entries of the tablet's own chain. What a cut or a cancel leaves in the meter is
found by the next visit: its intent has no outcome, and the same image goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from drivers.changes import ImageReport
from drivers.connection import Auth, Connection
from drivers.errors import Cancelled, MissingSecret, NeedsConfirmation, OtherMeter
from drivers.session.client import OpticalSession
from fieldtool.associating import Secret, connection_for, counted, no_secret, with_rules
from fieldtool.depot.records import JournalRecord
from fieldtool.errors import JobError
from fieldtool.firmware import FirmwareFile, find_images
from fieldtool.identity import last_four, normalise_serial
from fieldtool.run.recordings import end_of
from workorders.people import MAY_ACTIVATE
from workorders.sync.firmware import firmware_state
from workorders.sync.firmwarefolder import holding

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Progress, Tablet

IMAGE_NAME = "firmware image"
"""What `drivers.session.image` calls the intent of a transfer."""
_Value = TypeVar("_Value")


def images_for(tablet: Tablet, model: str | None, sticks: Iterable[Path]) -> list[FirmwareFile]:
    """The images that can be chosen at a meter of a model: what people brought, whatever it is for, and of
    what the office offers only what is for this model."""
    folder = tablet.home.firmware(tablet.realm)
    with tablet.store.read() as connection:
        offered = {(folder / one.file).resolve() for one in firmware_state(connection).placed}
    found = find_images([folder.parent, tablet.home.folder, *sticks])
    marked = [replace(one, offered=one.path.resolve() in offered) for one in found]
    return [one for one in marked if not one.offered or model in one.models]


class ImageVisit:
    """One meter and its firmware. Blocks, and belongs into one worker thread; only `cancel` may come from
    another one."""

    def __init__(self, tablet: Tablet, port: str, serial: str, progress: Progress) -> None:
        """serial: of the meter that the person looks at; at another one nothing is done."""
        person = tablet.person()
        if person is None:
            raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
        self._tablet, self._port, self._serial, self._progress = tablet, port, serial, progress
        self._record = JournalRecord(tablet.journal, tablet.identity.system_title, person.id)
        self._role = person.role
        self._session: OpticalSession | None = None
        self._stopped = False
        self._trace = tablet.home.cache() / "recordings" / "image.jsonl"
        self.recording = b""
        """What crossed the line, once the job has ended; in clear on the disk only while it runs."""

    def send(self, image: FirmwareFile) -> ImageReport:
        """Send what the meter misses of the image and have it verified; nothing is activated.

        Raises:
            DriverError: `MissingSecret` without the meter's keys, `OtherMeter`, `ImageRefused`, `Cancelled` …
        """

        def job(session: OpticalSession, meter: str) -> ImageReport:
            unsettled = self._record.open_intents(meter)
            last = self._record.last_write(meter, IMAGE_NAME)
            if unsettled:
                session.settle(unsettled)
            return session.send_image(image.path.resolve(), image.identifier, last)

        with holding(image.path):
            return self._at_meter(job)

    def activate(self, image: FirmwareFile, figures: str) -> ImageReport:
        """Let the meter run the verified image; waits for its restart.

        Args:
            figures: the last four digits of the meter's serial, as a person typed them.

        Raises:
            JobError: `firmware_role`: this person's role may send an image, not let it run.
            DriverError: as `send`, and `NeedsConfirmation`.
        """
        if self._role not in MAY_ACTIVATE:
            raise JobError("firmware_role", f"the role {self._role} may not activate firmware")
        if not figures or figures != last_four(self._serial):
            raise NeedsConfirmation

        def job(session: OpticalSession, meter: str) -> ImageReport:
            return session.activate_image(image.path.resolve(), image.identifier, meter)

        with holding(image.path):
            return self._at_meter(job)

    def cancel(self) -> None:
        """Stop as soon as the meter can be left well; from any thread."""
        self._stopped = True
        session = self._session
        if session is not None:
            session.cancel()

    def _at_meter(self, job: Callable[[OpticalSession, str], _Value]) -> _Value:
        def with_name(session: OpticalSession) -> _Value:
            identity = session.identify()
            return job(session, identity.serial or identity.logical_device_name or "")

        self._trace.parent.mkdir(parents=True, exist_ok=True)
        self._trace.unlink(missing_ok=True)
        try:
            connection, secret = self._keyed()
            return self._in(connection, secret, with_name)
        finally:
            self.recording = end_of(self._trace)
            with suppress(OSError):
                self._trace.unlink(missing_ok=True)

    def _keyed(self) -> tuple[Connection, Secret]:
        """The association with this meter's keys, after it was asked who it is."""
        tablet = self._tablet
        title = tablet.identity.system_title
        identity = self._in(connection_for(None, no_secret, title), no_secret, OpticalSession.identify)
        found = normalise_serial(identity.serial) or ""
        if found != normalise_serial(self._serial):
            raise OtherMeter(detail=f"{found or 'nobody'} is at the port, {self._serial} was meant")
        model = tablet.desk.now().models.get(identity.model or "")
        secret = with_rules(model, found, partial(tablet.secrets.get, found))
        connection = connection_for(model, secret, title)
        if connection.auth is Auth.NONE:
            raise MissingSecret(detail=f"no keys for {found}")
        return counted(connection, found), secret

    def _in(self, connection: Connection, secret: Secret, job: Callable[[OpticalSession], _Value]) -> _Value:
        if self._stopped:  # asked between two associations
            raise Cancelled
        files = self._tablet.desk.now()
        session = OpticalSession(
            self._port,
            connection,
            self._record.host(secret, self._progress, None),
            models=files.folders["models"],
            programs=files.folders["programs"],
            cache=self._tablet.home.cache(),
            trace=self._trace,
        )
        self._session = session
        try:
            return job(session)
        finally:
            self._session = None
            session.close()
