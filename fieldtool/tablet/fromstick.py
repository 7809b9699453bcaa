"""What a tablet takes from a stick: the office's orders for it, and hand-overs that it may carry there.

It also leaves its address, so that the next hand-over that is written to this stick can be carried by it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fieldtool import bundle
from fieldtool.errors import JobError
from fieldtool.orderbundle import ORDERS, OrdersReport, take_orders
from fieldtool.tablet.carrying import Carried, take, write_address
from workorders.certificates import Holder

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

MAX_FILES = 200
_log = logging.getLogger(__name__)


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was left where it is: its name and the code of why (`error.<code>`)."""

    name: str
    code: str


class FromStick(msgspec.Struct, kw_only=True):
    """What came. `address`: name of the file with this tablet's address; None where the stick took none."""

    orders: OrdersReport | None = None
    carried: list[Carried] = []
    unfit: list[Unfit] = []
    address: str | None = None


def take_from(tablet: Tablet, folder: Path) -> FromStick:
    """*Slow.* Take in what a folder holds for this tablet; what cannot be taken is named and stays there.

    Raises:
        JobError: `not_enrolled`.
        StoreError: the database cannot be written; nothing was lost.
    """
    found = FromStick()
    orders: list[tuple[int, Path]] = []
    for path in sorted(folder.glob(f"*{bundle.SUFFIX}"))[:MAX_FILES]:
        try:
            number = _orders_for(tablet, path)
            if number is not None:
                orders.append((number, path))
            elif bundle.kind_of(path) != ORDERS and not _own(tablet, path):
                found.carried.append(take(tablet, path))
        except JobError as error:
            found.unfit.append(Unfit(name=path.name, code=error.code))
        except OSError as error:
            _log.warning("%s could not be taken (%s)", path.name, type(error).__name__)
            found.unfit.append(Unfit(name=path.name, code="stick_unreadable"))
    for _, path in sorted(orders, reverse=True)[:1]:  # the newest holds all that older ones do
        try:
            found.orders = take_orders(tablet, path)
        except JobError as error:
            found.unfit.append(Unfit(name=path.name, code=error.code))
    try:
        found.address = write_address(tablet, folder).name
    except OSError as error:  # a stick that cannot be written to may still have been read
        _log.warning("the address could not be left on the stick (%s)", type(error).__name__)
    return found


def _orders_for(tablet: Tablet, path: Path) -> int | None:
    """Number of a file of orders for this tablet; None of any other file."""
    if bundle.kind_of(path) != ORDERS:
        return None
    identity = tablet.identity
    with path.open("rb") as file:
        header = bundle.BundleReader(file, identity.root_der(), identity.realm, Holder.OFFICE).header
    return header.number if header.tablet == identity.tablet else None


def _own(tablet: Tablet, path: Path) -> bool:
    identity = tablet.identity
    with path.open("rb") as file:
        return bundle.BundleReader(file, identity.root_der(), identity.realm).tablet == identity.tablet
