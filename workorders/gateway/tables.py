"""Tables that only the office needs, beside the journal and its projection (`workorders.store.schema`).

Nothing here is folded from entries but `order_visibility`, which says which crew may see an order from and
until which place of the gateway's sequence, and could be made again from the office's entries.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, LargeBinary, MetaData, String, Table, Text

from workorders.store.atrest import SealedBytes
from workorders.store.tables import whole

metadata = MetaData()

project = Table(
    "project",
    metadata,
    Column("project_id", String, primary_key=True),
    Column("name", JSON, nullable=False),  # by language
    Column("data", JSON, nullable=False),  # utility, contractor, time zone, technology, crews, plan, sla
    Column("loaded_at", String, nullable=False),
)

tablet = Table(
    "tablet",
    metadata,
    Column("tablet_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("number", whole(), nullable=False, unique=True),  # gives the DLMS client system title
    Column("crew", String),
    Column("project", String),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealing_key", LargeBinary, nullable=False),
    Column("recovery", LargeBinary),  # its database key, sealed to the recovery key
    Column("enrolled_at", String, nullable=False),
    Column("seen_at", String),
    Column("revoked_at", String),
    Column("revoke_reason", String),
    Column("wipe_ordered_at", String),
    Column("wipe_reason", String),
    Column("wiped_at", String),  # the tablet's own word for it
    Column("previous", String),  # the same device's enrolment before, by its own word
)

member = Table(
    "member",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("project", String),  # None: every project
    Column("public_key", LargeBinary),  # None until a PIN was set
    Column("failures", whole(), nullable=False),
    Column("locked_until", String),
)

session = Table(
    "session",
    metadata,
    Column("token_sha256", String, primary_key=True),
    Column("person_id", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
)

one_time_code = Table(
    "one_time_code",
    metadata,
    Column("code_id", String, primary_key=True),
    Column("purpose", String, nullable=False),  # enrol, recover
    Column("key", SealedBytes("one_time_code.key"), nullable=False),
    Column("crew", String),
    Column("project", String),
    Column("tablet_id", String),  # whose key a recovery code gives back
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("used_at", String),
    Column("failures", whole(), nullable=False),
)

head_receipt = Table(
    "head_receipt",
    metadata,
    Column("chain_id", String, primary_key=True),
    Column("tablet_id", String),
    Column("seq", whole(), nullable=False),
    Column("hash", String, nullable=False),
    Column("time", String, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

order_visibility = Table(
    "order_visibility",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("from_seq", whole(), primary_key=True),
    Column("project", String, nullable=False),
    Column("crew", String, nullable=False),
    Column("until_seq", whole()),
    Column("left_reason", String),  # reassigned
    Index("order_visibility_crew", "crew", "from_seq"),
    Index("order_visibility_until", "crew", "until_seq"),
)

usage_point = Table(
    "usage_point",
    metadata,
    Column("mrid", String, primary_key=True),
    Column("project", String, nullable=False),
    Column("data", JSON, nullable=False),  # plain: number, kind, tariff, place; never who lives there
)

relayed = Table(
    "relayed",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("hash", String, primary_key=True),
    Column("tablet_id", String, nullable=False),  # the author, who must learn the verdict by a pull
    Column("at_seq", whole(), nullable=False),
    Index("relayed_tablet", "tablet_id", "at_seq"),
)

upload = Table(
    "upload",
    metadata,
    Column("upload_id", String, primary_key=True),
    Column("tablet_id", String, nullable=False),
    Column("sha256", String),  # of the whole, as announced
    Column("size", whole(), nullable=False),
    Column("held", whole(), nullable=False),  # bytes that are here: tus calls it the offset
    Column("metadata", String, nullable=False),  # as the client said it
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("finished_at", String),
    Index("upload_tablet", "tablet_id", "created_at"),
    Index("upload_expires", "expires_at"),
)

upload_part = Table(
    "upload_part",
    metadata,
    Column("upload_id", String, primary_key=True),
    Column("start", whole(), primary_key=True),
    Column("sha256", String, primary_key=True),  # of the part: its name in the store of blobs
    Column("size", whole(), nullable=False),
    Column("arrived", Boolean, nullable=False),  # False: noted before its bytes were put down
    Index("upload_part_sha256", "sha256"),
)

mwm_cursor = Table(
    "mwm_cursor",
    metadata,
    Column("link", String, primary_key=True),  # project and name (`ledger.link_key`), here and below
    Column("name", String, primary_key=True),  # in, out, lease, and what an adapter keeps
    Column("value", String, nullable=False),
)

mwm_inbox = Table(
    "mwm_inbox",
    metadata,
    Column("link", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("state", String, nullable=False),  # taken, dead
    Column("number", String),
    Column("code", String),
    Column("reason", Text),
    Column("original", SealedBytes("mwm_inbox.original")),  # of what is dead alone: it names customers
    Column("attempts", whole(), nullable=False),
    Column("at", String, nullable=False),
    Index("mwm_inbox_state", "link", "state"),
)

mwm_order = Table(
    "mwm_order",
    metadata,
    Column("link", String, primary_key=True),
    Column("order_id", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("foreign_id", String),
    Column("as_of", String),  # of the newest change that was taken
)

mwm_outbox = Table(
    "mwm_outbox",
    metadata,
    Column("link", String, primary_key=True),
    # The entry, and `.placements` or `.phases` behind it: its message is made again whenever it is sent.
    Column("key", String, primary_key=True),
    Column("position", whole(), nullable=False),  # its place in the gateway's sequence
    Column("order_id", String, nullable=False),
    Column("kind", String, nullable=False),  # event, result, blob, photo, placements, phases
    Column("state", String, nullable=False),  # waiting, sent, dead
    Column("attempts", whole(), nullable=False),
    Column("next_at", String, nullable=False),
    Column("code", String),
    Column("reason", Text),
    Column("at", String, nullable=False),
    Index("mwm_outbox_waiting", "link", "state", "position"),
)

stock_act = Table(
    "stock_act",
    metadata,
    Column("key", String, primary_key=True),
    Column("project", String, nullable=False),
    Column("who", String, nullable=False),
    Column("asked", String, nullable=False),  # SHA-256 of what was asked
    Column("answer", JSON, nullable=False),
    Column("at", String, nullable=False),
)
"""Movements of the stock that were asked for, so that one asked twice is done once."""

office_act = Table(
    "office_act",
    metadata,
    Column("number", whole(), primary_key=True, autoincrement=True),
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    Column("role", String, nullable=False),
    Column("act", String, nullable=False),
    Column("object", String),
    Column("source", String, nullable=False),
    Column("outcome", String),  # None: cut, or still running
    Column("ended_at", String),
    Index("office_act_who", "who", "number"),
)
