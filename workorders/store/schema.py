"""Tables. Three sorts, kept apart because they live by different rules.

*Journal*: `entry`, `chain` - append only. *Projection*: folded from entries by `workorders.store.projection`,
can be thrown away and folded again (`PROJECTION`). *Beside*: what is no consequence of entries - verdicts,
cursors, keys, counters, drafts, settings, reference sets, caches.

Times are text (`workorders.clock.utc_text`), so text order is time order; JSON columns hold payload parts.
Nothing here is particular to SQLite; the full-text index is made by the migration, for SQLite alone.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _json() -> TypeEngine[object]:
    return JSON(none_as_null=True)


# --- journal ------------------------------------------------------------------------------------

entry = Table(
    "entry",
    metadata,
    Column("id", String, primary_key=True),
    Column("hash", String, nullable=False, unique=True),
    Column("chain_id", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("prev_hash", String),
    Column("realm", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("project", String),
    Column("order_id", String),
    Column("serial", String),  # of the device the entry is about; an index into the payload, nothing else
    Column("actor", String),
    Column("at", String, nullable=False),  # device time, corrected by the last known server offset
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("own", Boolean, nullable=False),  # written here, not received
    Column("server_seq", Integer, unique=True),
    Column("received_at", String),
    Index("entry_chain", "chain_id", "seq"),
    Index("entry_order", "order_id"),
    Index("entry_serial", "serial"),
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
    Column("head_seq", Integer),
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
    Column("version", Integer, nullable=False),
    Column("crew", String),
    Column("priority", Integer, nullable=False),
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
    Column("procedure_version", Integer),
    Column("flags", _json(), nullable=False),
    Column("key_id", String),
    Column("issued_at", String),
    Column("started_at", String),
    Column("step", String),
    Column("steps_done", Integer, nullable=False),
    Column("touched", Boolean, nullable=False),  # something at the site was changed
    Column("completed_at", String),
    Column("completed_entry", String),
    Column("executed_by", String),  # crew, else person
    Column("executions", Integer, nullable=False),
    Column("record_hash", String),
    Column("record_blob", String),
    Column("record_number", String),
    Column("record_blobs", _json(), nullable=False),
    Column("not_done_at", String),
    Column("not_done_reason", String),
    Column("attempts", Integer, nullable=False),
    Column("cancelled_at", String),
    Column("cancel_reason", String),
    Column("reassigned_at", String),
    Column("approved_at", String),
    Column("returned_at", String),
    Column("return_reason", String),
    Column("rework", Integer, nullable=False),
    Column("updated_at", String, nullable=False),
    Index("work_order_list", "sort_at", "number", "order_id"),
    Index("work_order_crew", "crew", "sort_at", "number", "order_id"),
    Index("work_order_status", "status", "sort_at", "number", "order_id"),
    Index("work_order_project", "project", "sort_at", "number", "order_id"),
    Index("work_order_done", "project", "completed_at"),
    Index("work_order_not_done", "project", "not_done_at"),
    Index("work_order_states", "project", "status"),
    Index("work_order_usage_point", "usage_point"),
    Index("work_order_old_serial", "old_serial"),
    Index("work_order_new_serial", "new_serial"),
    Index("work_order_supply_number", "supply_number"),
    Index("work_order_number", "number"),
)

order_plan = Table(
    "order_plan",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("order", _json(), nullable=False),  # orders.WorkOrder as the office last said
    Column("customer", _json(), nullable=False),  # sealed, as the office last said
)
"""Apart from `work_order`, so that lists and boards need not walk over it."""

order_status = Table(
    "order_status",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("at", String, nullable=False),
    Column("position", Integer, nullable=False),  # in the order in which the entries were folded
    Index("order_status_order", "order_id"),
)

step_state = Table(
    "step_state",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("answers", _json(), nullable=False),
    Column("sealed", _json(), nullable=False),
    Column("seconds", Integer),
    Column("revisions", Integer, nullable=False),
    Column("entry_id", String, nullable=False),
    Column("actor", String),
    Column("at", String, nullable=False),
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
    Column("readings", _json(), nullable=False),
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
    Column("program_version", Integer),
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
    Column("sources", _json(), nullable=False),
    Column("entry_id", String, nullable=False),
    Column("entry_hash", String, nullable=False),
    Column("mismatches", Integer, nullable=False),  # how often it stopped before
    Column("overridden", Boolean, nullable=False),
    Column("override_reason", String),
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
    Column("size", Integer, nullable=False),
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
    Column("slot", Integer),
    Column("phase", String),
    Column("identities", _json(), nullable=False),
    Column("position", _json()),  # sealed
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
    Column("identities", _json(), nullable=False),
    Column("destination", String),
    Column("at", String, nullable=False),
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
    Column("evidence", _json(), nullable=False),
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
    Column("detail", _json(), nullable=False),
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
    Column("reason", String, nullable=False),
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
BY_SERIAL: tuple[Table, ...] = (placement, device, join_state)
PROJECTION: tuple[Table, ...] = (*BY_ORDER, *BY_SERIAL, exception, decision, erased_key)

# --- beside: not folded from entries ------------------------------------------------------------

verdict = Table(
    "verdict",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("hash", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("code", String),
    Column("reason", String),
    Column("server_seq", Integer),
    Column("at", String, nullable=False),
    Index("verdict_verdict", "verdict"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("entry_id", String),
    Column("hash", String),
    Column("chain_id", String),
    Column("seq", Integer),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Column("verdict", String, nullable=False),
    Column("code", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("source", String),
    Column("received_at", String, nullable=False),
    Index("quarantine_entry", "entry_id"),
    Index("quarantine_chain", "chain_id", "seq"),
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", String, nullable=False),
)

setting = Table(
    "setting",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", _json(), nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String, primary_key=True),
    Column("next_value", Integer, nullable=False),
)

draft = Table(
    "draft",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("answers", _json(), nullable=False),
    Column("at", String, nullable=False),
)

order_key = Table(
    "order_key",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("order_id", String),
    Column("key", LargeBinary),  # None: destroyed
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("erased_at", String),
    Index("order_key_order", "order_id"),
)

meter_secret = Table(
    "meter_secret",
    metadata,
    Column("serial", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("order_id", String),
    Column("expires_at", String),
    Index("meter_secret_order", "order_id"),
)

person = Table(
    "person",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("crew", String),
    Column("grant", Text),  # signed by the gateway
    Column("key", LargeBinary),  # the person's key, under the PIN
    Column("expires_at", String),
    Column("revoked_at", String),
)

attempt = Table(
    "attempt",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("data", _json(), nullable=False),
)

blob_store = Table(
    "blob_store",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("state", String, nullable=False),  # local, confirmed (tablet); held (gateway)
    Column("at", String, nullable=False),
    Index("blob_store_state", "state"),
)

order_text = Table(
    "order_text",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("order_id", String, nullable=False, unique=True),
    Column("name", String),
    Column("document", String),
    Column("phone", String),
    Column("address", String),
    Column("position", String),
    Column("notes", String),
    Column("search", Text, nullable=False),
)
"""Plain customer data of orders whose key is here, and the text that the search looks through."""

sla_clock = Table(
    "sla_clock",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("project", String),
    Column("version", String, nullable=False),
    Column("started_at", String),
    Column("stopped_at", String),
    Column("breach_at", String),
    Column("warn_at", String),
    Column("paused", Boolean, nullable=False),
    Column("void", Boolean, nullable=False),
    Index("sla_clock_breach", "project", "breach_at"),
    Index("sla_clock_warn", "project", "warn_at"),
)
"""Cache of `workorders.rollout.clocks`: folding an order forgets its clocks."""

reference_set = Table(
    "reference_set",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Column("received_at", String, nullable=False),
)

network_node = Table(
    "network_node",
    metadata,
    Column("mrid", String, primary_key=True),
    Column("project", String),
    Column("kind", String, nullable=False),
    Column("parent", String),
    Column("name", String),
    Column("identity", String),
    Column("capacity", Integer),
    Column("phase", String),
    Column("lat", String),
    Column("lon", String),
    Column("path", Text, nullable=False),  # mrids from the root, `/` between and around
    Column("depth", Integer, nullable=False),
    Index("network_node_parent", "parent"),
    Index("network_node_kind", "kind", "name"),
    Index("network_node_path", "path"),
    Index("network_node_identity", "identity"),
)

base_placement = Table(
    "base_placement",
    metadata,
    Column("serial", String, primary_key=True),
    Column("project", String),
    Column("model", String),
    Column("place", String),  # node it hangs on
    Column("slot", Integer),
    Column("usage_point", String),
    Column("phase", String),
    Column("installed_on", String),
    Column("last_reading", String),
    Column("last_reading_date", String),
    Column("usual_daily_use", String),
    Index("base_placement_place", "place"),
    Index("base_placement_usage_point", "usage_point"),
)
"""Meters that stood before us, as the utility's list says; what entries say comes on top."""

stock_item = Table(
    "stock_item",
    metadata,
    Column("serial", String, primary_key=True),
    Column("project", String),
    Column("model", String, nullable=False),
    Column("state", String, nullable=False),
    Column("crew", String),
    Column("identities", _json(), nullable=False),
    Index("stock_item_crew", "crew", "state"),
)

heard = Table(
    "heard",
    metadata,
    Column("serial", String, primary_key=True),
    Column("project", String),
    Column("concentrator", String),
    Column("first_heard_at", String, nullable=False),
    Column("heard_at", String, nullable=False),
)
"""The head-end's list: whom it heard, when last, through which concentrator."""
