"""Tables. Three sorts, kept apart because they live by different rules.

*Journal*: `entry`, `chain` - append only. *Projection*: folded from entries by `workorders.store.projection`,
can be thrown away and folded again (`PROJECTION`). *Beside*: what is no consequence of entries - verdicts,
cursors, keys, counters, drafts, settings, reference sets, caches.

Times are text (`workorders.clock.utc_text`), so text order is time order; JSON columns hold payload parts.
Nothing here is particular to SQLite; the full-text index is made by the migration, for SQLite alone.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, text

from workorders.store.beside import (
    attempt,
    base_placement,
    blob_store,
    counter,
    cursor,
    draft,
    figure_sla,
    heard,
    meter_secret,
    network_node,
    order_key,
    order_text,
    order_text_waiting,
    person,
    quarantine,
    reference_set,
    setting,
    sla_clock,
    sla_due,
    sla_order,
    stock_item,
    verdict,
)
from workorders.store.tables import json_type, metadata, whole

__all__ = [
    "BY_ORDER",
    "BY_SERIAL",
    "PROJECTION",
    "attempt",
    "base_placement",
    "blob",
    "blob_store",
    "chain",
    "counter",
    "cursor",
    "decision",
    "device",
    "draft",
    "entry",
    "erased_key",
    "exception",
    "figure_sla",
    "heard",
    "join_state",
    "match_state",
    "metadata",
    "meter_reading",
    "meter_secret",
    "meter_write",
    "network_node",
    "order_key",
    "order_plan",
    "order_status",
    "order_text",
    "order_text_waiting",
    "person",
    "placement",
    "quarantine",
    "reference_set",
    "seal",
    "setting",
    "sla_clock",
    "sla_due",
    "sla_order",
    "step_state",
    "stock_count",
    "stock_item",
    "stock_state",
    "verdict",
    "work_order",
]

# --- journal ------------------------------------------------------------------------------------

entry = Table(
    "entry",
    metadata,
    Column("id", String, primary_key=True),
    Column("hash", String, nullable=False),
    Column("chain_id", String, nullable=False),
    Column("seq", whole(), nullable=False),
    Column("prev_hash", String),
    Column("realm", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("schema", whole(), nullable=False),
    Column("project", String),
    Column("order_id", String),
    Column("serial", String),  # of the device the entry is about; an index into the payload, nothing else
    Column("actor", String),
    Column("at", String, nullable=False),  # device time, corrected by the last known server offset
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("own", Boolean, nullable=False),  # written here, not received
    Column("server_seq", whole(), unique=True),
    Column("received_at", String),
    Index("entry_chain", "chain_id", "seq"),
    Index("entry_order", "order_id"),
    Index("entry_serial", "serial", sqlite_where=text("serial IS NOT NULL")),
    Index("entry_kind", "kind"),
    Index("entry_waiting", "own", "server_seq"),
)

chain = Table(
    "chain",
    metadata,
    Column("chain_id", String, primary_key=True),
    Column("own", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),  # the chain that is written to now; one per project here
    Column("project", String),
    Column("certificate", LargeBinary),
    Column("head_seq", whole()),
    Column("head_hash", String),
    Column("begun_at", String),
)

# --- projection, folded per order ---------------------------------------------------------------

work_order = Table(
    "work_order",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("project", String),
    Column("number", String),
    Column("kind", String),
    Column("status", String, nullable=False),
    Column("version", whole(), nullable=False),
    Column("crew", String),
    Column("priority", whole(), nullable=False),
    Column("scheduled_start", String),
    Column("scheduled_end", String),
    Column("due", String),
    Column("sort_at", String, nullable=False),  # scheduled, else due, else last of all: the order of the list
    Column("usage_point", String),
    Column("supply_number", String),
    Column("old_serial", String),
    Column("new_serial", String),  # as placed, else as planned
    Column("new_model", String),
    Column("transformer", String),
    Column("concentrator", String),
    Column("panel", String),
    Column("technology", String),
    Column("procedure", String),
    Column("procedure_version", whole()),
    Column("flags", json_type(), nullable=False),
    Column("key_id", String),
    Column("issued_at", String),
    Column("started_at", String),
    Column("step", String),
    Column("steps_done", whole(), nullable=False),
    Column("touched", Boolean, nullable=False),  # something at the site was changed
    Column("completed_at", String),
    Column("completed_entry", String),
    Column("executed_by", String),  # crew, else person
    Column("executions", whole(), nullable=False),
    Column("record_hash", String),
    Column("record_blob", String),
    Column("record_number", String),
    Column("record_blobs", json_type(), nullable=False),
    Column("not_done_at", String),
    Column("not_done_reason", String),
    Column("attempts", whole(), nullable=False),
    Column("cancelled_at", String),
    Column("cancel_reason", json_type()),  # sealed, as `return_reason`
    Column("reassigned_at", String),
    Column("approved_at", String),
    Column("returned_at", String),
    Column("return_reason", json_type()),
    Column("rework", whole(), nullable=False),
    Column("updated_at", String, nullable=False),
    Index("work_order_list", "sort_at", "number", "order_id"),
    Index("work_order_crew", "crew", "sort_at", "number", "order_id"),
    Index("work_order_status", "status", "sort_at", "number", "order_id"),
    Index("work_order_project", "project", "sort_at", "number", "order_id"),
    Index("work_order_done", "project", "completed_at", sqlite_where=text("completed_at IS NOT NULL")),
    Index("work_order_not_done", "project", "not_done_at", sqlite_where=text("not_done_at IS NOT NULL")),
    Index("work_order_states", "project", "status"),
    Index("work_order_usage_point", "usage_point"),
    Index("work_order_old_serial", "old_serial"),
    Index("work_order_new_serial", "new_serial", sqlite_where=text("new_serial IS NOT NULL")),
)

order_plan = Table(
    "order_plan",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("order", json_type(), nullable=False),  # orders.WorkOrder as the office last said
    Column("customer", json_type(), nullable=False),  # sealed, as the office last said
)
"""Apart from `work_order`, so that lists and boards need not walk over it."""

order_status = Table(
    "order_status",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", json_type()),  # a code, or what the office said, sealed
    Column("at", String, nullable=False),
    Column("position", whole(), nullable=False),  # in the order in which the entries were folded
    Index("order_status_order", "order_id"),
)

step_state = Table(
    "step_state",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("position", whole(), nullable=False),
    Column("answers", json_type(), nullable=False),
    Column("sealed", json_type(), nullable=False),
    Column("seconds", whole()),
    Column("revisions", whole(), nullable=False),
    Column("entry_id", String, nullable=False),
    Column("actor", String),
    Column("at", String, nullable=False),
    sqlite_with_rowid=False,  # one page for a step, not two; and the steps of an order lie together
)

meter_reading = Table(
    "meter_reading",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("order_id", String),
    Column("role", String, nullable=False),
    Column("how", String, nullable=False),
    Column("step", String),
    Column("serial", String),
    Column("manufacturer", String),
    Column("model", String),
    Column("firmware", String),
    Column("logical_device_name", String),
    Column("readings", json_type(), nullable=False),
    Column("reason", String),
    Column("at", String, nullable=False),
    Index("meter_reading_order", "order_id"),
    Index("meter_reading_serial", "serial"),
)

meter_write = Table(
    "meter_write",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("intent_id", String, primary_key=True),
    Column("serial", String),
    Column("item", String),
    Column("name", String),
    Column("was", String),
    Column("will_be", String),
    Column("program", String),
    Column("program_version", whole()),
    Column("state", String, nullable=False),  # intended until an outcome says more
    Column("is_now", String),
    Column("detail", String),
    Column("intent_entry", String),
    Column("outcome_entry", String),
    Column("at", String, nullable=False),
    Index("meter_write_serial", "serial"),
)

match_state = Table(
    "match_state",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("cause", String),
    Column("sources", json_type(), nullable=False),
    Column("entry_id", String, nullable=False),
    Column("entry_hash", String, nullable=False),
    Column("mismatches", whole(), nullable=False),  # how often it stopped before
    Column("overridden", Boolean, nullable=False),
    Column("override_reason", json_type()),  # sealed
    Column("override_role", String),
    Column("override_by", String),
    Column("override_entry", String),
    Column("at", String, nullable=False),
)

blob = Table(
    "blob",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("plain_sha256", String, nullable=False),
    Column("order_id", String),
    Column("size", whole(), nullable=False),
    Column("media_type", String, nullable=False),
    Column("what", String, nullable=False),
    Column("step", String),
    Column("key_id", String),
    Column("at", String, nullable=False),
    Index("blob_order", "order_id"),
    Index("blob_sha256", "sha256"),
)

seal = Table(
    "seal",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("order_id", String),
    Column("action", String, nullable=False),
    Column("number", String, nullable=False),
    Column("position", String, nullable=False),
    Column("serial", String),
    Column("at", String, nullable=False),
    Index("seal_order", "order_id"),
)

# --- projection, folded per device, place or chain ----------------------------------------------

placement = Table(
    "placement",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("order_id", String),
    Column("project", String),
    Column("serial", String, nullable=False),
    Column("model", String),
    Column("usage_point", String),
    Column("transformer", String),
    Column("concentrator", String),
    Column("panel", String),
    Column("slot", whole()),
    Column("phase", String),
    Column("identities", json_type(), nullable=False),
    Column("position", json_type()),  # sealed
    Column("since", String, nullable=False),
    Column("until", String),
    Column("ended_by", String),  # entry
    Column("disputed", Boolean, nullable=False),
    Index("placement_serial", "serial"),
    Index("placement_order", "order_id"),
    Index("placement_usage_point", "usage_point"),
    Index("placement_panel", "panel", "slot"),
    Index("placement_concentrator", "concentrator"),
    Index("placement_since", "since"),
)

device = Table(
    "device",
    metadata,
    Column("serial", String, primary_key=True),
    Column("model", String),
    Column("state", String, nullable=False),  # installed, removed
    Column("usage_point", String),
    Column("order_id", String),
    Column("identities", json_type(), nullable=False),
    Column("destination", String),
    Column("at", String, nullable=False),
)

stock_state = Table(
    "stock_state",
    metadata,
    Column("serial", String, primary_key=True),
    Column("state", String, nullable=False),  # in_store, on_truck, returned, lost
    Column("crew", String),
    Column("model", String),
    Column("movement", String, nullable=False),
    Column("from_crew", String),
    Column("actor", String),
    Column("entry_id", String, nullable=False),
    Column("at", String, nullable=False),
    Column("over", Boolean, nullable=False),  # it was mounted or taken down since: `device` says where it is
    Index("stock_state_crew", "crew", "state"),
)

stock_count = Table(
    "stock_count",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("project", String),
    Column("crew", String),
    Column("found", whole(), nullable=False),
    Column("missing", json_type(), nullable=False),
    Column("unexpected", json_type(), nullable=False),
    Column("actor", String),
    Column("at", String, nullable=False),
    Index("stock_count_crew", "crew", "at"),
)

join_state = Table(
    "join_state",
    metadata,
    Column("serial", String, primary_key=True),
    Column("order_id", String),
    Column("project", String),
    Column("state", String, nullable=False),
    Column("how", String, nullable=False),
    Column("reason", String),
    Column("recheck_at", String),
    Column("evidence", json_type(), nullable=False),
    Column("concentrator", String),  # through which it was last heard
    Column("placed_at", String),
    Column("first_joined_at", String),  # after the placement; what the join targets count
    Column("heard_at", String),
    Column("at", String, nullable=False),
    Index("join_state_state", "state", "recheck_at"),
    Index("join_state_placed", "placed_at"),
)

exception = Table(
    "exception",
    metadata,
    Column("exception_id", String, primary_key=True),
    Column("scope", String, nullable=False),  # order:…, serial:…, place:…, chain:…; folded again together
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),  # urgent, look
    Column("project", String),
    Column("order_id", String),
    Column("serial", String),
    Column("entry_id", String),
    Column("detail", json_type(), nullable=False),
    Column("raised_at", String, nullable=False),
    Index("exception_scope", "scope"),
    Index("exception_order", "order_id"),
    Index("exception_entry", "entry_id"),
)

decision = Table(
    "decision",
    metadata,
    Column("exception_id", String, primary_key=True),
    Column("decision", String, nullable=False),
    Column("reason", json_type()),  # sealed
    Column("actor", String),
    Column("entry_id", String, nullable=False),
    Column("at", String, nullable=False),
)

erased_key = Table(
    "erased_key",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("entry_id", String, nullable=False),
    Column("at", String, nullable=False),
)

BY_ORDER: tuple[Table, ...] = (
    work_order,
    order_plan,
    order_status,
    step_state,
    meter_reading,
    meter_write,
    match_state,
    blob,
    seal,
)
BY_SERIAL: tuple[Table, ...] = (placement, device, join_state, stock_state)
PROJECTION: tuple[Table, ...] = (*BY_ORDER, *BY_SERIAL, exception, decision, erased_key, stock_count)
