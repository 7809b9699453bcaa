"""Tables beside the record: no consequence of entries, so a rebuild leaves them alone.

Verdicts, cursors, keys, counters, drafts, settings, people, lists, caches. Reached as `schema.<table>`.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, Text, text

from workorders.store.atrest import SealedBytes
from workorders.store.tables import json_type, metadata, whole

verdict = Table(
    "verdict",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("hash", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("code", String),
    Column("reason", String),
    Column("server_seq", whole()),
    Column("at", String, nullable=False),
    Index("verdict_verdict", "verdict"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", whole(), primary_key=True, autoincrement=True),
    Column("entry_id", String),
    Column("hash", String),
    Column("chain_id", String),
    Column("seq", whole()),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Column("verdict", String, nullable=False),
    Column("code", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("source", String),
    Column("received_at", String, nullable=False),
    Column("retried_at", String),
    Column("retried_verdict", String),  # what the last try gave
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
    Column("value", json_type(), nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String, primary_key=True),
    Column("next_value", whole(), nullable=False),
)

draft = Table(
    "draft",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("answers", json_type(), nullable=False),
    Column("at", String, nullable=False),
)

order_key = Table(
    "order_key",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("order_id", String),
    Column("key", SealedBytes("order_key.key")),  # None: destroyed
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
    Column("value", SealedBytes("meter_secret.value"), nullable=False),
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
    Column("count", whole(), nullable=False),
    Column("data", json_type(), nullable=False),
)

blob_store = Table(
    "blob_store",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", whole(), nullable=False),
    Column("state", String, nullable=False),  # local, confirmed (tablet); held (gateway)
    Column("at", String, nullable=False),
    Index("blob_store_state", "state"),
)

order_text = Table(
    "order_text",
    metadata,
    Column("row", whole(), primary_key=True, autoincrement=True),
    Column("order_id", String, nullable=False, unique=True),
    Column("name", String),
    Column("document", String),
    Column("phone", String),
    Column("address", String),
    Column("position", String),
    Column("notes", String),
    Column("flags", String),
    Column("search", Text, nullable=False),
)
"""Plain customer data of orders whose key is here, and the text that the search looks through."""

order_text_waiting = Table(
    "order_text_waiting", metadata, Column("row", whole(), primary_key=True, autoincrement=False)
)
"""Rows of `order_text` that the full-text index does not hold yet: see `workorders.store.search`."""

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
"""Cache of `workorders.rollout.clocks`: folding an order makes its clocks due."""

sla_due = Table("sla_due", metadata, Column("order_id", String, primary_key=True), sqlite_with_rowid=False)
"""Orders whose clocks must be computed again."""


def _running(name: str, *times: str) -> Index:
    only = text(f"{times[0]} IS NOT NULL")
    columns = ("project", *times, "contractor", "crew", "zone", "technology")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


sla_order = Table(
    "sla_order",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("project", String, nullable=False),
    Column("contractor", String, nullable=False),  # like what follows, empty where there is none
    Column("crew", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("technology", String, nullable=False),
    Column("state", String, nullable=False),
    Column("breach_at", String),  # the first of the running clocks
    Column("warn_at", String),
    # Of millions of orders those alone that run have times.
    _running("sla_order_breach", "breach_at"),
    _running("sla_order_warn", "warn_at", "breach_at"),
)
"""Cache beside `sla_clock`, in its transactions: `workorders.rollout.kept`."""

figure_sla = Table(
    "figure_sla",
    metadata,
    Column("project", String, primary_key=True),
    Column("contractor", String, primary_key=True),
    Column("crew", String, primary_key=True),
    Column("zone", String, primary_key=True),
    Column("technology", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("number", whole(), nullable=False),
)
"""Sums of `sla_order`."""

reference_set = Table(
    "reference_set",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", whole(), primary_key=True),
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
    Column("capacity", whole()),
    Column("phase", String),
    Column("lat", String),
    Column("lon", String),
    Column("path", Text, nullable=False),  # mrids from the root, `/` between and around
    Column("depth", whole(), nullable=False),
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
    Column("slot", whole()),
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
    Column("identities", json_type(), nullable=False),
    Column("moved_at", String),
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
