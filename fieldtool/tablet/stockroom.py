"""The stock as a crew handles it: taken over, handed on, brought back, counted. Each act is entries.

A movement is a fact whether or not a list expected it; what is not expected is told, never refused. The
four-way match looks at the same stock, so a device that nobody took over stays a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from workorders.journal.kinds import StockCounted, StockMoved
from workorders.journal.words import StockMovement
from workorders.journal.writer import Draft
from workorders.people import Role
from workorders.store import queries
from workorders.store.queries import StockItem

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

ON_TRUCK = "on_truck"
_ALL = 1_000_000


class MovedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device that changed hands. `doubt`: why somebody should look (key `stock.doubt.<doubt>`):
    `not_listed`, `other_crew`, `installed`, `not_on_truck`."""

    serial: str
    model: str
    was: str | None
    crew: str | None
    doubt: str | None = None


class CountResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a count found, against what was expected there."""

    crew: str | None
    found: list[str]
    missing: list[str]
    unexpected: list[str]


class Stockroom:
    """The stock as this tablet knows it, and the acts of whoever is signed in."""

    def __init__(self, tablet: Tablet) -> None:
        self._tablet = tablet

    # --- looking ----------------------------------------------------------------------------------

    @property
    def crew(self) -> str | None:
        """Whose truck this tablet travels on; None for the store's own."""
        return self._tablet.identity.crew

    def items(self, crew: str | None = None, *, everything: bool = False) -> list[StockItem]:
        """Devices on a crew's truck, or of the whole stock that this tablet knows."""
        with self._tablet.store.read() as connection:
            return queries.stock(connection, crew=None if everything else crew or self.crew, limit=_ALL)

    def expected(self, crew: str | None) -> list[str]:
        """Serials that should lie on a crew's truck, or in the store (None)."""
        state = ON_TRUCK if crew is not None else "in_store"
        with self._tablet.store.read() as connection:
            found = queries.stock(connection, crew=crew, state=state, limit=_ALL)
        return [item.serial for item in found if item.crew == crew]

    # --- acts -------------------------------------------------------------------------------------

    def receive(self, serials: Iterable[str]) -> list[MovedRow]:
        """Take devices over onto this truck: from the store, or from whoever brought them."""
        if self.crew is None:
            raise JobError("stock_no_truck", "this tablet belongs to no crew, so it has no truck")
        return self._move(serials, StockMovement.RECEIVED, self.crew)

    def hand_out(self, serials: Iterable[str], crew: str) -> list[MovedRow]:
        """Give devices out of the store to a crew; whoever keeps the store does.

        Raises:
            JobError: `stock_role`: an installer keeps no store.
        """
        person = self._tablet.person()
        if person is not None and person.role is Role.INSTALLER:
            raise JobError("stock_role", "whoever keeps the store hands out: a crew lead or a supervisor")
        return self._move(serials, StockMovement.HANDED_OUT, _crew(crew))

    def give_back(self, serials: Iterable[str]) -> list[MovedRow]:
        """Bring devices back to the store: new ones that were not needed, and removed ones."""
        return self._move(serials, StockMovement.RETURNED, None)

    def transfer(self, serials: Iterable[str], crew: str) -> list[MovedRow]:
        """Hand devices from this truck to another crew's.

        Raises:
            JobError: `stock_same_crew`: they are there already.
        """
        to = _crew(crew)
        if to == self.crew:
            raise JobError("stock_same_crew", f"{to} is this truck's own crew", crew=to)
        return self._move(serials, StockMovement.TRANSFERRED, to)

    def count(self, serials: Iterable[str], *, store: bool = False) -> CountResult:
        """Compare what lies here with what is expected; the difference is kept and a supervisor sees it."""
        crew = None if store else self.crew
        if crew is None and not store:
            raise JobError("stock_no_truck", "this tablet belongs to no crew, so it has no truck")
        found, expected = set(_plain(serials, empty=True)), set(self.expected(crew))
        payload = StockCounted(
            crew=crew,
            found=sorted(found),
            missing=sorted(expected - found),
            unexpected=sorted(found - expected),
        )
        self._tablet.journal.append_all([Draft(payload=payload, actor=self._actor())])
        return CountResult(
            crew=crew, found=payload.found, missing=payload.missing, unexpected=payload.unexpected
        )

    def _move(self, serials: Iterable[str], movement: StockMovement, crew: str | None) -> list[MovedRow]:
        plain = _plain(serials)
        actor = self._actor()
        with self._tablet.store.read() as connection:
            known = {serial: queries.stock_by_serial(connection, serial) for serial in plain}
        rows, drafts = [], []
        for serial in plain:
            item = known[serial]
            payload = StockMoved(
                serial=serial,
                movement=movement,
                crew=crew,
                from_crew=item.crew if item else None,
                model=item.model or None if item else None,
            )
            drafts.append(Draft(payload=payload, actor=actor))
            rows.append(
                MovedRow(
                    serial=serial,
                    model=item.model if item else "",
                    was=item.state if item else None,
                    crew=crew,
                    doubt=_doubt(item, movement, self.crew),
                )
            )
        self._tablet.journal.append_all(drafts)
        return rows

    def _actor(self) -> str:
        person = self._tablet.person()
        if person is None:
            raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
        return person.id


def _doubt(item: StockItem | None, movement: StockMovement, crew: str | None) -> str | None:
    """What does not fit between what the stock says of a device and what is done with it."""
    if item is None:
        return "not_listed"
    if item.state == "installed":
        return "installed"
    if movement is StockMovement.RECEIVED and item.state == ON_TRUCK and item.crew not in (None, crew):
        return "other_crew"
    if movement is StockMovement.TRANSFERRED and (item.state != ON_TRUCK or item.crew != crew):
        return "not_on_truck"
    return None


def _plain(serials: Iterable[str], *, empty: bool = False) -> list[str]:
    found = list(dict.fromkeys(one for serial in serials if (one := normalise_serial(serial))))
    if not found and not empty:
        raise JobError("stock_nothing", "no serial was given")
    return found


def _crew(text: str) -> str:
    if not text.strip():
        raise JobError("stock_no_crew", "say to which crew")
    return text.strip()
