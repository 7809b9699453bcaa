"""How far an import has got, kept in the office: so that one that was cut goes on, and no half is published.

The mark of a project stands from the first row that is written to the last. As long as it stands before the
orders, the tables of the network, the supply points and the stock are of two lists, and tablets keep the sets
that were published before (`half_written`). Orders come when all of that is there, and a crew is told of the
network of all its orders to come (`planned`) before it is given the first.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete

from workorders.gateway.errors import OutOfTurn
from workorders.gateway.load.reading import LoadReport
from workorders.store import schema
from workorders.store.engine import Store
from workorders.store.settings import set_setting, setting

_MARK, _PLACES = "load.mark/", "load.places/"
STEPS = (
    "project", "network", "usage_points", "meters", "stock", "secrets", "users", "crews", "orders", "heard",
)  # fmt: skip
"""In the order in which they are written: an order comes after all that it stands on."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an import: all steps before `step` are done, and of it the rows up to number `row`.

    Attributes:
        fingerprint: names the files.
        run: the program that is at it.
        moved: whether nodes of the tree came, went or hang elsewhere, so that it has to be looked again in
            which zone each order lies.
    """

    fingerprint: str
    run: str
    step: str = STEPS[0]
    row: int = 0
    moved: bool = False
    issued: int = 0
    changed: int = 0
    same: int = 0


class Keeper:
    """Keeps the mark of one import, in the transactions of what is written."""

    def __init__(self, store: Store, project: str, fingerprint: str) -> None:
        """Begin, or go on where an import of the same files was cut."""
        self._name = _MARK + project
        run = str(uuid.uuid4())
        with store.write() as connection:
            known = _mark(connection, project)
            self.resumed = known is not None and known.fingerprint == fingerprint
            if known is not None and self.resumed:
                self.mark = msgspec.structs.replace(known, run=run)
            else:
                moved = known is not None and known.moved  # by other files, whose import never ended
                self.mark = Mark(fingerprint=fingerprint, run=run, moved=moved)
            set_setting(connection, self._name, msgspec.to_builtins(self.mark))

    def before(self, step: str) -> bool:
        """Whether a step is still to be done, or to be ended."""
        return STEPS.index(self.mark.step) <= STEPS.index(step)

    def row(self, step: str) -> int:
        """The last row of a step that is written."""
        return self.mark.row if self.mark.step == step else 0

    def check(self, connection: Connection) -> None:
        """Nobody else is at this project; inside the transaction that writes.

        Raises:
            OutOfTurn: `load_overtaken`: another program has begun to load the project since.
        """
        now = setting(connection, self._name)
        if not isinstance(now, dict) or now.get("run") != self.mark.run:
            told = (
                "another program has begun to load this project; what this one wrote is whole, it stops here"
            )
            raise OutOfTurn(told, code="load_overtaken")

    def move(
        self,
        connection: Connection,
        step: str,
        row: int = 0,
        report: LoadReport | None = None,
        *,
        moved: bool = False,
    ) -> Mark:
        """Note how far the caller's transaction brings it; to be made `mark` when that is committed."""
        self.check(connection)
        further = msgspec.structs.replace(self.mark, step=step, row=row, moved=self.mark.moved or moved)
        if report is not None:
            further = msgspec.structs.replace(
                further, issued=report.issued, changed=report.changed, same=report.same
            )
        set_setting(connection, self._name, msgspec.to_builtins(further))
        return further

    def settled(self, connection: Connection) -> Mark:
        """Note that the caller sees to what hangs on moved nodes; used as `move`."""
        self.check(connection)
        further = msgspec.structs.replace(self.mark, moved=False)
        set_setting(connection, self._name, msgspec.to_builtins(further))
        return further

    def end(self, connection: Connection) -> None:
        """All is written."""
        self.check(connection)
        set_setting(connection, self._name, None)


def _mark(connection: Connection, project: str) -> Mark | None:
    try:
        known: Mark | None = msgspec.convert(setting(connection, _MARK + project), Mark | None)
    except msgspec.ValidationError:  # of another version of the program: begin anew
        return None
    return known if known is not None and known.step in STEPS else None


def half_written(connection: Connection, project: str | None) -> bool:
    """Whether the lists of a project are being replaced, so that nothing may be published from them."""
    known = None if project is None else _mark(connection, project)
    return known is not None and STEPS.index(known.step) < STEPS.index("orders")


def plan_places(connection: Connection, project: str, crew: str, transformers: Sequence[str]) -> None:
    """Note where the orders lie that a crew is about to get."""
    set_setting(connection, f"{_PLACES}{project}/{crew}", list(transformers))


def planned(connection: Connection, project: str, crew: str | None) -> list[str]:
    """Transformers of the orders that are about to come to a crew."""
    found = setting(connection, f"{_PLACES}{project}/{crew or ''}")
    return [str(mrid) for mrid in found] if isinstance(found, list) else []


def forget_places(connection: Connection, project: str) -> None:
    """The orders are there; or others are about to come."""
    table = schema.setting
    mine = table.c.name.startswith(f"{_PLACES}{project}/", autoescape=True)
    connection.execute(delete(table).where(mine))
