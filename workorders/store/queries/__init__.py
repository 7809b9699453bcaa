"""Read models: what screens, boards and the command line ask of a store; connection in, values out."""

from workorders.store.queries.detail import OrderDetail, entries_of, order, order_history, record_blob
from workorders.store.queries.lists import OrderFilter, OrderRow, count_orders, orders, status_counts
from workorders.store.queries.record import (
    EntryRow,
    ExceptionRow,
    SyncSummary,
    count_exceptions,
    entries_with_verdicts,
    exceptions,
    exceptions_of_entry,
    missing_blobs,
    sync_summary,
    unsettled_writes,
)
from workorders.store.queries.supply import (
    PlacementRow,
    StockItem,
    join_rows,
    orders_with_serial,
    placements,
    rechecks_due,
    stock,
    stock_by_serial,
    where_is,
)

__all__ = [
    "EntryRow",
    "ExceptionRow",
    "OrderDetail",
    "OrderFilter",
    "OrderRow",
    "PlacementRow",
    "StockItem",
    "SyncSummary",
    "count_exceptions",
    "count_orders",
    "entries_of",
    "entries_with_verdicts",
    "exceptions",
    "exceptions_of_entry",
    "join_rows",
    "missing_blobs",
    "order",
    "order_history",
    "orders",
    "orders_with_serial",
    "placements",
    "rechecks_due",
    "record_blob",
    "status_counts",
    "stock",
    "stock_by_serial",
    "sync_summary",
    "unsettled_writes",
    "where_is",
]
