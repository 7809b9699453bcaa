"""What the store knows, in the form a run asks for: tree, stock, other orders, lists of what was heard."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import String, cast, select, true

from drivers.errors import DriverError
from fieldtool.errors import JobError
from fieldtool.identity import OtherOrder, StockItem, normalise_serial, same_identity
from fieldtool.leaving import Neighbour
from fieldtool.positioning import Coordinates
from fieldtool.registration import Heard, Node
from fieldtool.tablet import neighbours
from workorders import network
from workorders.clock import utc_text
from workorders.network.places import standing_at
from workorders.network.standing import standing
from workorders.orders import OrderStatus, is_open
from workorders.store import queries, schema
from workorders.store.engine import Store
from workorders.store.settings import setting

if TYPE_CHECKING:
    from fieldtool.run.surroundings import PanelSight
    from fieldtool.tablet.tablet import Tablet

ASK_SECONDS = 15.0


class StoreNetwork:
    """The network tree in the store (`fieldtool.registration.Network`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def node(self, mrid: str) -> Node | None:
        """The node, if the tree has it."""
        with self._store.read() as connection:
            found = network.node(connection, mrid)
        return _node(found) if found else None

    def ancestors(self, mrid: str) -> list[Node]:
        """From the root down to the node itself."""
        with self._store.read() as connection:
            return [_node(found) for found in network.ancestors(connection, mrid)]

    def children(self, mrid: str, kind: str) -> list[Node]:
        """Direct and indirect nodes of that kind below."""
        with self._store.read() as connection:
            found = network.find_nodes(connection, under=mrid, kinds=[kind], limit=200)
        return [_node(item) for item in found]

    def used(self, mrid: str) -> int:
        """Devices that hang on this collector or panel now."""
        with self._store.read() as connection:
            return standing_at(connection, mrid)

    def occupants(self, panel: str) -> dict[int, str]:
        """Serial by slot: by entries, and by the utility's list where entries are silent."""
        base, device = schema.base_placement, schema.device
        with self._store.read() as connection:
            listed = connection.execute(
                select(base.c.slot, base.c.serial)
                .outerjoin(device, device.c.serial == base.c.serial)
                .where(base.c.place == panel, base.c.slot.is_not(None), device.c.serial.is_(None))
            )
            found = {row.slot: row.serial for row in listed}
            for place in queries.placements(connection, panel=panel, standing_only=True):
                if place.slot is not None:
                    found[place.slot] = place.serial
        return found

    def nearest(self, kind: str, position: Coordinates, limit: int) -> list[Node]:
        """Nodes of a kind whose place is known, the nearest first."""
        with self._store.read() as connection:
            return [_node(found) for found in neighbours.nearest(connection, kind, position, limit)]

    def recent(self, kind: str, limit: int) -> list[Node]:
        """Collectors that devices were placed on here of late, the newest first."""
        with self._store.read() as connection:
            return [_node(found) for found in neighbours.recent(connection, kind, limit)]

    def called(self, text: str) -> list[Node]:
        """Nodes of that mRID or name, or with that text in their identity."""
        with self._store.read() as connection:
            return [_node(found) for found in neighbours.called(connection, text)]

    def elsewhere(self, serial: str, order_id: str, usage_point: str | None) -> str | None:
        """Where a device is said to stand now, if that is neither this supply point nor by this order."""
        with self._store.read() as connection:
            for place in queries.where_is(connection, serial):
                same = usage_point is not None and place.usage_point == usage_point
                if not same and place.order_id != order_id:
                    found = place.usage_point or place.panel or place.place or place.transformer
                    return found or place.concentrator or serial
        return None

    def beside(self, order_id: str, panel: str | None, position: Coordinates | None) -> list[Neighbour]:
        """Devices and orders in the same panel, or within `NEAR_M` metres of a position; not this order's.

        Of the places of other supply points a tablet knows those of its own orders.
        """
        with self._store.read() as connection:
            return neighbours.beside(connection, order_id, panel, position)

    def standing(self, mrid: str) -> list[str]:
        """Serials of the devices at a node or below it, by panel and slot."""
        with self._store.read() as connection:
            return [row.serial for row in standing(connection, mrid, limit=None)]


def _node(found: network.Node) -> Node:
    return Node(**{name: getattr(found, name) for name in Node.__struct_fields__})


class StoreStock:
    """Stock list and other orders in the store (`fieldtool.run.surroundings.Stock`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def items(self, serials: list[str]) -> dict[str, StockItem]:
        """Stock items of these serials."""
        found: dict[str, StockItem] = {}
        with self._store.read() as connection:
            for serial in serials:
                item = queries.stock_by_serial(connection, serial)
                if item is not None:
                    found[serial] = StockItem(
                        serial=item.serial, model=item.model, state=item.state, crew=item.crew
                    )
        return found

    def identities(self, serial: str) -> dict[str, str]:
        """Network identities that the stock list names for a serial."""
        with self._store.read() as connection:
            item = queries.stock_by_serial(connection, serial)
        return item.identities if item else {}

    def holder(self, name: str, value: str, *, besides: Collection[str]) -> str | None:
        """Who has the identity `name` = `value`: a node of the tree, a device that stands, one in stock."""
        node, device, stock = schema.network_node, schema.device, schema.stock_item
        with self._store.read() as connection:
            named = node.c.identity.contains(f"{name}=")
            for there in connection.execute(select(node.c.mrid, node.c.name, node.c.identity).where(named)):
                identities = Node(mrid=there.mrid, kind="", identity=there.identity).identities
                if there.mrid not in besides and same_identity(identities.get(name, ""), value):
                    return str(there.name or there.mrid)
            for table, stands in ((device, device.c.state == "installed"), (stock, true())):
                holds = cast(table.c.identities, String).contains(value)
                query = select(table.c.serial, table.c.identities).where(stands, holds)
                for row in connection.execute(query):
                    node_of_it = row.identities.get("node")
                    if row.serial in besides or node_of_it in besides:
                        continue
                    if same_identity(row.identities.get(name, ""), value):
                        return str(row.serial)
        return None

    def others(self, order_id: str, serials: list[str]) -> dict[str, OtherOrder]:
        """Other open orders here that expect one of these serials as their new device."""
        table = schema.work_order
        query = select(
            table.c.order_id, table.c.number, table.c.new_serial, table.c.panel, table.c.status
        ).where(table.c.new_serial.in_(serials), table.c.order_id != order_id)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return {
            serial: OtherOrder(order_id=row.order_id, number=row.number or "", place=row.panel or "")
            for row in rows
            if is_open(OrderStatus(row.status)) and (serial := normalise_serial(row.new_serial)) is not None
        }


CONCENTRATOR_URLS = "concentrator.urls"
"""Setting: address of a concentrator's web service by mRID, where the tree's `identity` has no `url`."""


class StoreHeard:
    """Lists of what was heard (`fieldtool.run.surroundings.HeardLists`)."""

    def __init__(self, store: Store, tree: StoreNetwork) -> None:
        self._store = store
        self._tree = tree

    def concentrator(self, mrid: str, serial: str) -> list[Heard]:
        """*Slow.* What S24 of a PRIME concentrator says of a meter."""
        # The web service's client is loaded where a concentrator is asked, not with every tablet.
        from drivers.concentrators import stg

        url = self._url(mrid)
        if url is None:
            raise JobError("concentrator_unreachable", f"no address is known of {mrid}", concentrator=mrid)
        try:
            meters = stg.fetch_meters(url, [serial], timeout=ASK_SECONDS)
        except DriverError as error:
            raise JobError("concentrator_unreachable", error.message, concentrator=mrid) from None
        return [
            Heard(
                serial=meter.serial,
                heard_at=utc_text(meter.date) if meter.date else None,
                concentrator=mrid,
                status=meter.com_status,
            )
            for meter in meters
        ]

    def _url(self, mrid: str) -> str | None:
        node = self._tree.node(mrid)
        if node is not None and "url" in node.identities:
            return node.identities["url"]
        with self._store.read() as connection:
            urls = setting(connection, CONCENTRATOR_URLS)
        found = urls.get(mrid) if isinstance(urls, dict) else None
        return found if isinstance(found, str) else None

    def head_end(self, serial: str) -> list[Heard]:
        """Lines of the head-end's list about a serial, as last received."""
        table = schema.heard
        with self._store.read() as connection:
            rows = connection.execute(select(table).where(table.c.serial == serial)).all()
        return [
            Heard(serial=row.serial, heard_at=row.heard_at, concentrator=row.concentrator) for row in rows
        ]


def panel_sight(tablet: Tablet, panel: str) -> PanelSight | None:
    """The photo of a panel, for a step that wants it; None where no order of this tablet hangs there."""
    from fieldtool.tablet.panelphoto import sight_of  # OpenCV comes with it

    return sight_of(tablet, panel)
