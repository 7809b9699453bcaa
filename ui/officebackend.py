"""What the supervisor's pages need of the office: the door beside `ui.backend.Backend`.

`ui.preview.office` implements it with invented data, `ui.wiring.office` with the gateway. Every method may
take time, is called in the sync lane, and raises `ui.views.Failure` with words for the supervisor.
"""

from __future__ import annotations

from typing import Protocol

from ui import officeviews, views


class OfficeBackend(Protocol):
    """The office, as a supervisor sees it."""

    def board(self, project: str, days: int) -> officeviews.Board:
        """Figures of a project; an empty project means the one last seen, else the first."""

    def queue(self) -> officeviews.Queue:
        """Exceptions of the project last chosen."""

    def case(self, exception_id: str) -> officeviews.Case:
        """One exception with its evidence."""

    def order_case(self, order_id: str) -> officeviews.Case:
        """One order with its evidence."""

    def decide(self, case: officeviews.Case, decision: str, reason: str) -> None:
        """Posts a decision: on an exception or on an order, as the case is."""

    def sla(self) -> officeviews.Sla:
        """Orders on time and late, of the project last chosen, as was chosen with `choose`."""

    def choose(self, name: str, key: str) -> officeviews.Sla:
        """Sets `group_by` or a filter to one of its options, for table and lists, over restarts too; an empty
        name takes all filters away. Nothing is set where the office did not answer."""

    def listed(self, name: str, count: int) -> officeviews.OrderList:
        """The first `count` orders behind a figure, of those that the filters let through."""

    def network(self, key: str, count: int) -> views.NetworkLevel:
        """A level of the network of the project last chosen, as the office knows it."""

    def orphans(self, which: str, zone: str | None, crew: str | None, count: int) -> officeviews.Orphans:
        """The first `count` devices of a list; empty zone or crew: all of them; None: as chosen before, here
        or for the orders."""

    def stock(self, where: str, serial: str, count: int) -> officeviews.OfficeStock:
        """The first `count` devices of a place (empty: all) with this part in their serial."""

    def move_stock(self, key: str, movement: str, serials: tuple[str, ...], crew: str, reason: str) -> None:
        """Moves devices, all or none (`workorders.gateway.stock`); the same key once. No crew: the store."""

    def kept(self, tablet: str) -> officeviews.Kept:
        """Revoked tablets whose entries wait; `tablet` with its orders, if it is one of them."""

    def accept_kept(self, tablet: str, reason: str) -> str:
        """Has the office take in what that tablet handed over; what came of it, in words."""

    def photo(self, order_id: str, key: str) -> str:
        """A photo as a data URL, or the path of a document that was opened for reading."""
