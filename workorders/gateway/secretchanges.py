"""New meter secrets that come in with tablets' entries: kept from the intent on, the present ones once
proven."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from workorders import sealedbox
from workorders.gateway.office import Office
from workorders.journal.entry import Entry
from workorders.journal.kinds import MeterChanged, MeterIntent
from workorders.journal.lifts import read_payload
from workorders.secretchange import NEW, OLD, SENT, sealing_context
from workorders.store import schema

_log = logging.getLogger(__name__)
_PROVEN, _NOT_TAKEN = "verified", ("failed", "untouched")


def take_secrets(connection: Connection, office: Office, entries: Iterable[Entry]) -> bool:
    """Open what intents seal to us, and let what outcomes prove become the present secret of its meter.
    Whether any secret changed.

    A box that does not open is noted in the log and leaves the entry as it is: the fact stands, the secret
    is asked for.
    """
    changed = False
    for entry in entries:
        payload = read_payload(entry.envelope)
        if isinstance(payload, MeterIntent) and payload.secret and payload.sealed_secret:
            changed |= _keep_sent(connection, office, payload, payload.secret, payload.sealed_secret)
        elif isinstance(payload, MeterChanged) and payload.secret:
            changed |= _judge(connection, payload, payload.secret)
    return changed


def _keep_sent(connection: Connection, office: Office, intent: MeterIntent, name: str, sealed: str) -> bool:
    try:
        box = base64.b64decode(sealed, validate=True)
        value = sealedbox.open_sealed(office.recovery_key, box, sealing_context(intent.serial, name))
    except (sealedbox.SealedBoxError, ValueError):
        _log.warning("the new %s of meter %s is not sealed to this office", name, intent.serial)
        return False
    _put(connection, intent.serial, SENT + name, value)
    return True


def _judge(connection: Connection, outcome: MeterChanged, name: str) -> bool:
    sent = _get(connection, outcome.serial, SENT + name)
    if sent is None:
        return False
    if outcome.state == _PROVEN:
        before = _get(connection, outcome.serial, name)
        if before is not None and before != sent:
            _put(connection, outcome.serial, OLD + name, before)
        _put(connection, outcome.serial, name, sent)
        if _get(connection, outcome.serial, NEW + name) == sent:
            _drop(connection, outcome.serial, NEW + name)
    if outcome.state == _PROVEN or outcome.state in _NOT_TAKEN:
        _drop(connection, outcome.serial, SENT + name)
    return True


def _get(connection: Connection, serial: str, name: str) -> bytes | None:
    table = schema.meter_secret
    found = connection.execute(
        select(table.c.value).where(table.c.serial == serial, table.c.name == name)
    ).scalar()
    return None if found is None else bytes(found)


def _put(connection: Connection, serial: str, name: str, value: bytes) -> None:
    _drop(connection, serial, name)
    connection.execute(insert(schema.meter_secret), {"serial": serial, "name": name, "value": value})


def _drop(connection: Connection, serial: str, name: str) -> None:
    table = schema.meter_secret
    connection.execute(delete(table).where(table.c.serial == serial, table.c.name == name))
