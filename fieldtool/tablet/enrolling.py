"""How a tablet becomes known to a gateway, and leaves the key of its database with the office."""

from __future__ import annotations

import logging
import platform
from typing import TYPE_CHECKING

from workorders.store.settings import set_setting, setting
from workorders.sync import enrolment
from workorders.sync.codes import ticket_of
from workorders.sync.errors import SyncError

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet
    from workorders.sync.identity import TabletIdentity

_DEPOSITED = "recovery.deposited"
_log = logging.getLogger(__name__)


def enrol(tablet: Tablet, url: str, code: str) -> TabletIdentity:
    """*Slow.* The identity that the gateway gives this tablet; kept in its store.

    Raises:
        SyncError: the gateway cannot be reached, or does not take the code.
    """
    ticket = ticket_of(url, code)
    from workorders.sync.http import HttpTransport

    transport = HttpTransport(ticket.url)
    try:
        return enrolment.enrol(
            tablet.store,
            transport,
            ticket,
            name=platform.node() or "tablet",
            realm=tablet.realm,
            clock=tablet.clock,
            mark=tablet.keeping.mark(),
        )
    finally:
        tablet.syncing.count(transport)


def deposit(tablet: Tablet) -> None:
    """Leave the database key with the gateway, sealed to its recovery key, once an enrolment."""
    identity = tablet.identity
    with tablet.store.read() as connection:
        if setting(connection, _DEPOSITED) == identity.tablet:
            return
    transport = tablet.transport()
    try:
        enrolment.deposit_key(transport, identity, tablet.keeping.database_key())
    except SyncError as error:
        _log.warning("the database key could not be left with the gateway (%s)", error.code)
        return  # the enrolment stands; tried again after the next round
    finally:
        tablet.syncing.count(transport)
    with tablet.store.write() as connection:
        set_setting(connection, _DEPOSITED, identity.tablet)
