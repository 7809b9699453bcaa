"""Panels of this tablet's orders, and the ground on which a panel run walks (`panelrun.run.Ground`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, and_, func, select

from drivers.connection import Mode
from drivers.models import Protocols
from drivers.reading import Identity
from drivers.session.client import OpticalSession
from fieldtool.associating import connection_for, no_secret
from fieldtool.errors import JobError
from fieldtool.journalhost import JournalHost, OrderContext
from fieldtool.panelrun.board import Stranger, Trouble, Unworkable, Who
from fieldtool.panelrun.run import PanelRun, Progress
from fieldtool.problems import explain
from fieldtool.run import ProcedureRun, recordings
from workorders.journal.words import DeviceRole, TaskKind
from workorders.orders import OrderStatus, is_open
from workorders.store import queries, schema

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

_ON_TRUCK = "on_truck"


class PanelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A panel that orders of this tablet hang in: how many, and how many of them are still open."""

    panel: str
    name: str
    orders: int
    open: int


def panels(tablet: Tablet) -> list[PanelRow]:
    """The panels of this crew's orders, those with most open orders first."""
    order = schema.work_order
    query = select(order.c.panel, order.c.status, func.count().label("number")).where(
        order.c.panel.is_not(None), _own(tablet)
    )
    counts: dict[str, list[int]] = {}
    with tablet.store.read() as connection:
        for row in connection.execute(query.group_by(order.c.panel, order.c.status)):
            found = counts.setdefault(row.panel, [0, 0])
            found[0] += row.number
            found[1] += row.number if is_open(OrderStatus(row.status)) else 0
    rows = [
        PanelRow(panel=panel, name=_name(tablet, panel), orders=orders, open=still_open)
        for panel, (orders, still_open) in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.open, row.name))


def panel_run(tablet: Tablet, panel: str, *, head: Mode | None = None, allow: Sequence[str] = ()) -> PanelRun:
    """A panel run on this tablet's orders.

    Args:
        panel: mRID or name.
        head: how to ask who is there; None: by the meter models that the orders name.

    Raises:
        JobError: `no_such_panel`, `nobody_signed_in`.
    """
    if tablet.person() is None:
        raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
    for row in panels(tablet):
        if panel in (row.panel, row.name):
            ground = TabletPanel(tablet, row.panel, row.name, head)
            return PanelRun(ground, tablet.settings().language, allow)
    raise JobError("no_such_panel", f"no order of this tablet hangs in a panel {panel!r}", panel=panel)


class TabletPanel:
    """One panel of one tablet."""

    def __init__(self, tablet: Tablet, panel: str, name: str, head: Mode | None) -> None:
        self.panel, self.name = panel, name
        self._tablet, self._head = tablet, head
        self._session: OpticalSession | None = None
        self._heard = b""

    def orders(self) -> Sequence[ProcedureRun | Unworkable]:
        """Every order of the panel, to look at; nothing is begun."""
        return [self._opened(order_id) for order_id in self._ids()]

    def look(self, order_id: str) -> ProcedureRun:
        """One order as its entries say now."""
        with self._tablet.store.read() as connection:
            detail = queries.order(connection, order_id)
        if detail is None:
            raise JobError("no_such_order", f"there is no order {order_id!r} on this tablet", order=order_id)
        return ProcedureRun(self._tablet.surroundings(), detail.order)

    def begin(self, order_id: str) -> ProcedureRun:
        """The order's run to work with; its recordings begin with how its meter was found."""
        run = self._tablet.start(order_id)
        run.recordings.go_on_from(self._heard)
        return run

    def leave(self, order_id: str) -> None:
        """Let go of the order's run and its meter."""
        self._tablet.leave(order_id)

    def identify(self, progress: Progress) -> Identity:
        """*Slow.* Who is under the probe, asked of the public client: there is no password to try."""
        tablet = self._tablet
        port = tablet.port_for(DeviceRole.NEW)
        if port is None:
            raise JobError("no_port", "no optical probe is known: plug it in, or choose its port")
        person, files = tablet.person(), tablet.desk.now()
        context = OrderContext(order_id=None, order_version=None, actor=person.id if person else None)
        host = JournalHost(tablet.journal, context, no_secret)
        host.progress = progress
        public = connection_for(None, no_secret, tablet.identity.system_title)
        trace = tablet.home.cache() / "recordings" / "panel.jsonl"
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.unlink(missing_ok=True)
        session = OpticalSession(
            port,
            msgspec.structs.replace(public, mode=self._head or self._expected_head()),
            host,
            models=files.folders["models"],
            programs=files.folders["programs"],
            cache=tablet.home.cache(),
            trace=trace,
        )
        self._session = session
        try:
            return session.identify()
        finally:
            self._session = None
            session.close()
            self._heard = recordings.end_of(trace)  # from here on in memory, until it is known whose it is
            with suppress(OSError):
                trace.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Stop `identify`; from any thread."""
        session = self._session
        if session is not None:
            session.cancel()

    def standing(self) -> dict[int, str]:
        """Serial by slot, by the network tree."""
        return self._tablet.tree.occupants(self.panel)

    def stranger(self, serial: str, found: Identity) -> Stranger:
        """Where a meter belongs that no order of this panel names, as far as this tablet knows."""
        known = partial(Stranger, serial=serial, manufacturer=found.manufacturer, model=found.model)
        with self._tablet.store.read() as connection:
            for order_id, _ in queries.orders_with_serial(connection, serial):
                detail = queries.order(connection, order_id)
                if detail is not None:
                    place = detail.order.place
                    return known(
                        who=Who.OTHER_PLACE,
                        order=detail.order.number,
                        place=_name(self._tablet, place.panel) if place.panel else None,
                        slot=place.slot,
                    )
            places = queries.where_is(connection, serial)
            item = queries.stock_by_serial(connection, serial)
        if places:
            panel = places[0].panel
            who = Who.STANDING if panel == self.panel else Who.OTHER_PLACE
            return known(who=who, place=_name(self._tablet, panel) if panel else None, slot=places[0].slot)
        if item is not None and item.state == _ON_TRUCK:
            return known(who=Who.ON_TRUCK)
        return known(who=Who.FOREIGN)

    def _ids(self) -> list[str]:
        order = schema.work_order
        # The order that mounts the panel names it too, and its device is the panel itself.
        meters = order.c.kind != TaskKind.INSTALL_PANEL.value
        query = select(order.c.order_id).where(order.c.panel == self.panel, meters, _own(self._tablet))
        with self._tablet.store.read() as connection:
            return list(connection.execute(query.order_by(order.c.number)).scalars())

    def _opened(self, order_id: str) -> ProcedureRun | Unworkable:
        try:
            return self.look(order_id)
        except JobError as error:
            with self._tablet.store.read() as connection:
                detail = queries.order(connection, order_id)
            told = explain(error, self._tablet.settings().language)
            return Unworkable(
                order_id=order_id,
                number=detail.order.number if detail else order_id,
                slot=detail.order.place.slot if detail else None,
                trouble=Trouble(code=told.code, what=told.what, hint=told.hint),
            )

    def _expected_head(self) -> Mode:
        """ANSI meters need another optical head: asked for only where all models of the panel are such."""
        models = self._tablet.desk.now().models
        order = schema.work_order
        query = select(order.c.new_model).where(order.c.panel == self.panel, _own(self._tablet))
        with self._tablet.store.read() as connection:
            named = set(connection.execute(query).scalars())
        known = [models[name] for name in named if name in models]
        ansi = [model for model in known if model.protocol is Protocols.ANSI]
        return Mode.C12 if ansi and len(ansi) == len(known) else Mode.AUTO


def _own(tablet: Tablet) -> ColumnElement[bool]:
    """Orders of this tablet's crew (all where it has none) that were not withdrawn."""
    order, crew = schema.work_order, tablet.identity.crew
    there = order.c.status != OrderStatus.CANCELLED.value
    return there if crew is None else and_(there, order.c.crew == crew)


def _name(tablet: Tablet, mrid: str) -> str:
    node = tablet.tree.node(mrid)
    return (node.name if node else None) or mrid
