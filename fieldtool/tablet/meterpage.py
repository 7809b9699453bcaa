"""The meter page: a meter without an order. Reads only; nothing is written and nothing goes into the
journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from drivers import errors
from drivers.connection import Connection
from drivers.reading import Identity, JoinEvidence, ProfileResult
from drivers.session.client import OpticalSession
from fieldtool.commissioning import JournalHost, OrderContext, connection_for, counted, no_secret
from fieldtool.identity import normalise_serial
from fieldtool.meterclock import drift_of
from fieldtool.tablet.rows import MeterView, ProfileView

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Progress, Tablet


def read_meter(
    tablet: Tablet, port: str, progress: Progress | None, *, day: datetime | None = None
) -> MeterView:
    """Identify a meter, then read it with the strongest association whose secrets are here.

    Args:
        day: read the load profile from this instant for 24 hours, too.

    Raises:
        DriverError: what went wrong at the port.
    """
    identity = _identify(tablet, port, progress)
    serial = normalise_serial(identity.serial) or ""
    model = tablet.desk.now().models.get(identity.model or "")
    secret = partial(tablet.secrets.get, serial)
    connection = counted(connection_for(model, secret, tablet.identity.system_title), serial)
    with _session(tablet, port, connection, progress, serial) as session:
        read = session.read(None)
        drift = drift_of(read.readings, datetime.now(UTC))
        network = _network(session)
        profile = _profile(session, day) if day is not None else None
    return MeterView(
        identity=msgspec.to_builtins(read.identity),
        readings=[msgspec.to_builtins(reading) for reading in read.readings],
        network=msgspec.to_builtins(network) if network else None,
        clock_drift_seconds=drift,
        profile=profile,
        order_id=tablet.find_order(serial) if serial else None,
    )


def _identify(tablet: Tablet, port: str, progress: Progress | None) -> Identity:
    public = connection_for(None, no_secret, tablet.identity.system_title)
    with _session(tablet, port, public, progress, "") as session:
        return session.identify()


def _session(
    tablet: Tablet, port: str, connection: Connection, progress: Progress | None, serial: str
) -> OpticalSession:
    person = tablet.person()
    context = OrderContext(order_id=None, order_version=None, actor=person.id if person else None)
    host = JournalHost(tablet.journal, context, partial(tablet.secrets.get, serial))
    host.progress = progress
    files = tablet.desk.now()
    return OpticalSession(
        port,
        connection,
        host,
        models=files.folders["models"],
        programs=files.folders["programs"],
        cache=tablet.home.cache(),
    )


def _network(session: OpticalSession) -> JoinEvidence | None:
    try:
        return session.network()
    except (errors.UnsupportedObject, errors.MeterRefused):
        return None


def _profile(session: OpticalSession, day: datetime) -> ProfileView | None:
    start = day.astimezone(UTC)
    try:
        found = session.profile(None, start.isoformat(), (start + timedelta(days=1)).isoformat())
    except (errors.UnsupportedObject, errors.MeterRefused):
        return None
    return _profile_view(found)


def _profile_view(found: ProfileResult) -> ProfileView:
    return ProfileView(
        columns=[column.name or column.item for column in found.columns],
        units=[column.unit or "" for column in found.columns],
        rows=[[row.time or "", *(value or "" for value in row.values)] for row in found.rows],
        period_seconds=found.capture_period,
    )
