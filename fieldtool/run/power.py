"""The power of whichever meter is under the probe: who it is, then what it draws now, and nothing else.

Who is there is asked of the public client, so no password reaches a meter whose secrets are not here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from drivers.connection import Mode
from drivers.errors import UnsupportedObject
from drivers.models import Protocols
from drivers.session.client import OpticalSession
from fieldtool.associating import Secret, connection_for, counted, no_secret, with_rules
from fieldtool.balancing import power_items, watts_of
from fieldtool.commissioning import reading_values
from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from fieldtool.journalhost import JournalHost, OrderContext, Progress
from workorders.clock import utc_text
from workorders.network import PowerReading

if TYPE_CHECKING:
    from drivers.connection import Connection
    from fieldtool.run.surroundings import Surroundings


class PowerProbe:
    """One probe that goes from meter to meter. `read` blocks; only `cancel` may come from another thread."""

    def __init__(
        self,
        around: Surroundings,
        context: OrderContext,
        head: Mode = Mode.AUTO,
        recording: Path | None = None,
    ) -> None:
        """recording: file that the sessions are recorded in."""
        self._around, self._context, self._head = around, context, head
        self._recording = recording
        self._session: OpticalSession | None = None

    def read(self, port: str, progress: Progress | None) -> PowerReading:
        """*Slow.* Who is there and what it draws.

        Raises:
            DriverError: what went wrong at the port.
            JobError: `meter_unnamed` (it says no serial), `no_power` (it has no register of power, or none
                that the secrets here open).
        """
        around = self._around
        public = connection_for(None, no_secret, around.system_title)
        public = msgspec.structs.replace(public, mode=self._head)
        with self._open(port, public, no_secret, progress) as session:
            identity = session.identify()
        serial = normalise_serial(identity.serial)
        if serial is None:
            raise JobError(
                "meter_unnamed", "this meter does not say its serial, so nobody knows whose power it is"
            )
        model = around.models.get(identity.model or "")
        secret = with_rules(model, serial, partial(around.secrets, serial))
        connection = counted(connection_for(model, secret, around.system_title), serial)
        if self._head is Mode.C12:
            connection = msgspec.structs.replace(connection, mode=Mode.C12)
        readout = model is not None and model.protocol is Protocols.IEC
        items = None if readout else power_items([named.item for named in model.readings] if model else [])
        with self._open(port, connection, secret, progress) as session:
            try:
                found = session.read(items)
            except UnsupportedObject:
                found = None
            at = utc_text(datetime.now(UTC))
        watts = watts_of(reading_values(found.readings)) if found is not None else None
        if watts is None:
            raise JobError("no_power", f"the meter {serial} says no power", serial=serial)
        ratio = model is not None and model.connection == "ct"
        return PowerReading(serial=serial, watts=watts, at=at, ratio=ratio)

    def cancel(self) -> None:
        """Stop what runs; from any thread."""
        session = self._session
        if session is not None:
            session.cancel()

    def _open(self, port: str, connection: Connection, secret: Secret, progress: Progress | None) -> _Opened:
        around = self._around
        host = JournalHost(around.journal, self._context, secret)
        host.progress = progress
        return _Opened(
            self,
            OpticalSession(
                port,
                connection,
                host,
                models=around.models_folder,
                programs=around.programs_folder,
                cache=around.cache,
                trace=self._recording,
            ),
        )


class _Opened:
    """A session that `cancel` reaches while it is open."""

    def __init__(self, probe: PowerProbe, session: OpticalSession) -> None:
        self._probe, self._session = probe, session

    def __enter__(self) -> OpticalSession:
        self._probe._session = self._session
        return self._session

    def __exit__(self, *error: object) -> None:
        self._probe._session = None
        self._session.close()
