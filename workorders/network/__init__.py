"""The network tree, what sits where, how full it is, and whom the network does not hear."""

from workorders.network.balance import (
    Balance,
    BalanceBand,
    PowerBalance,
    PowerReading,
    balance,
    power_balance,
)
from workorders.network.causes import Cause, CauseCode
from workorders.network.orphans import OrphanRow, Orphans, orphans
from workorders.network.places import (
    Capacity,
    PlaceProblem,
    capacity,
    check_place,
    move,
    standing_at,
    swap,
)
from workorders.network.reference import (
    HeardDevice,
    StandingMeter,
    StockLine,
    load_heard,
    load_meters,
    load_stock,
)
from workorders.network.tree import (
    NetworkError,
    Node,
    NodeKind,
    ancestors,
    children,
    find_nodes,
    load_network,
    node,
    node_counts,
)

__all__ = [
    "Balance",
    "BalanceBand",
    "Capacity",
    "Cause",
    "CauseCode",
    "HeardDevice",
    "NetworkError",
    "Node",
    "NodeKind",
    "OrphanRow",
    "Orphans",
    "PlaceProblem",
    "PowerBalance",
    "PowerReading",
    "StandingMeter",
    "StockLine",
    "ancestors",
    "balance",
    "capacity",
    "check_place",
    "children",
    "find_nodes",
    "load_heard",
    "load_meters",
    "load_network",
    "load_stock",
    "move",
    "node",
    "node_counts",
    "orphans",
    "power_balance",
    "standing_at",
    "swap",
]
