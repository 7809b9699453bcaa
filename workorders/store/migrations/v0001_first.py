"""The first schema, written out: what `schema.py` says later must not change what this once made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0001"

TABLES = """
entry: id s*, hash s!=, chain_id s!, seq i!, prev_hash s, realm s!, kind s!, schema i!, project s,
    order_id s, serial s, actor s, at s!, body x!, signature x!, own b!, server_seq i=, received_at s
  @entry_chain chain_id seq
  @entry_kind kind
  @entry_order order_id
  @entry_serial serial
  @entry_waiting own server_seq
chain: chain_id s*, own b!, active b!, project s, certificate x, head_seq i, head_hash s, begun_at s
work_order: order_id s*, project s, number s, kind s, status s!, version i!, crew s, priority i!,
    scheduled_start s, scheduled_end s, due s, sort_at s!, usage_point s, supply_number s, old_serial s,
    new_serial s, new_model s, transformer s, concentrator s, panel s, technology s, procedure s,
    procedure_version i, flags j!, key_id s, issued_at s, started_at s, step s, steps_done i!, touched
    b!, completed_at s, completed_entry s, executed_by s, executions i!, record_hash s, record_blob s,
    record_number s, record_blobs j!, not_done_at s, not_done_reason s, attempts i!, cancelled_at s,
    cancel_reason s, reassigned_at s, approved_at s, returned_at s, return_reason s, rework i!,
    updated_at s!
  @work_order_crew crew sort_at number order_id
  @work_order_done project completed_at
  @work_order_list sort_at number order_id
  @work_order_new_serial new_serial
  @work_order_not_done project not_done_at
  @work_order_number number
  @work_order_old_serial old_serial
  @work_order_project project sort_at number order_id
  @work_order_states project status
  @work_order_status status sort_at number order_id
  @work_order_supply_number supply_number
  @work_order_usage_point usage_point
order_plan: order_id s*, order j!, customer j!
order_status: entry_id s*, order_id s!, status s!, reason s, at s!, position i!
  @order_status_order order_id
step_state: order_id s*, step s*, position i!, answers j!, sealed j!, seconds i, revisions i!, entry_id
    s!, actor s, at s!
meter_reading: entry_id s*, order_id s, role s!, how s!, step s, serial s, manufacturer s, model s,
    firmware s, logical_device_name s, readings j!, reason s, at s!
  @meter_reading_order order_id
  @meter_reading_serial serial
meter_write: order_id s*, intent_id s*, serial s, item s, name s, was s, will_be s, program s,
    program_version i, state s!, is_now s, detail s, intent_entry s, outcome_entry s, at s!
  @meter_write_serial serial
match_state: order_id s*, role s*, verdict s!, cause s, sources j!, entry_id s!, entry_hash s!,
    mismatches i!, overridden b!, override_reason s, override_role s, override_by s, override_entry s,
    at s!
blob: entry_id s*, sha256 s!, plain_sha256 s!, order_id s, size i!, media_type s!, what s!, step s,
    key_id s, at s!
  @blob_order order_id
  @blob_sha256 sha256
seal: entry_id s*, order_id s, action s!, number s!, position s!, serial s, at s!
  @seal_order order_id
placement: entry_id s*, order_id s, project s, serial s!, model s, usage_point s, transformer s,
    concentrator s, panel s, slot i, phase s, identities j!, position j, since s!, until s, ended_by s,
    disputed b!
  @placement_concentrator concentrator
  @placement_order order_id
  @placement_panel panel slot
  @placement_serial serial
  @placement_since since
  @placement_usage_point usage_point
device: serial s*, model s, state s!, usage_point s, order_id s, identities j!, destination s, at s!
join_state: serial s*, order_id s, project s, state s!, how s!, reason s, recheck_at s, evidence j!,
    concentrator s, placed_at s, first_joined_at s, heard_at s, at s!
  @join_state_placed placed_at
  @join_state_state state recheck_at
exception: exception_id s*, scope s!, kind s!, severity s!, project s, order_id s, serial s, entry_id s,
    detail j!, raised_at s!
  @exception_entry entry_id
  @exception_order order_id
  @exception_scope scope
decision: exception_id s*, decision s!, reason s!, actor s, entry_id s!, at s!
erased_key: key_id s*, reason s!, entry_id s!, at s!
verdict: entry_id s*, hash s*, verdict s!, code s, reason s, server_seq i, at s!
  @verdict_verdict verdict
quarantine: number i*, entry_id s, hash s, chain_id s, seq i, body x!, signature x, verdict s!, code s!,
    reason s!, source s, received_at s!
  @quarantine_chain chain_id seq
  @quarantine_entry entry_id
cursor: name s*, value t!, at s!
setting: name s*, value j!
counter: name s*, next_value i!
draft: order_id s*, step s*, answers j!, at s!
order_key: key_id s*, order_id s, key x, created_at s!, expires_at s, erased_at s
  @order_key_order order_id
meter_secret: serial s*, name s*, value x!, order_id s, expires_at s
  @meter_secret_order order_id
person: person_id s*, name s!, role s!, crew s, grant t, key x, expires_at s, revoked_at s
attempt: person_id s*, count i!, data j!
blob_store: sha256 s*, size i!, state s!, at s!
  @blob_store_state state
order_text: row i*, order_id s!=, name s, document s, phone s, address s, position s, notes s, search t!
sla_clock: order_id s*, rule s*, project s, version s!, started_at s, stopped_at s, breach_at s, warn_at
    s, paused b!, void b!
  @sla_clock_breach project breach_at
  @sla_clock_warn project warn_at
reference_set: name s*, version i*, sha256 s!, body x!, signature x, received_at s!
network_node: mrid s*, project s, kind s!, parent s, name s, identity s, capacity i, phase s, lat s, lon
    s, path t!, depth i!
  @network_node_identity identity
  @network_node_kind kind name
  @network_node_parent parent
  @network_node_path path
base_placement: serial s*, project s, model s, place s, slot i, usage_point s, phase s, installed_on s,
    last_reading s, last_reading_date s, usual_daily_use s
  @base_placement_place place
  @base_placement_usage_point usage_point
stock_item: serial s*, project s, model s!, state s!, crew s, identities j!
  @stock_item_crew crew state
heard: serial s*, project s, concentrator s, first_heard_at s!, heard_at s!
"""


def upgrade(operations: Operations) -> None:
    """Make every table, and on SQLite the full-text index of the order search."""
    bind = operations.get_bind()
    tables(TABLES).create_all(bind)
    if bind.dialect.name == "sqlite":
        operations.execute(
            "CREATE VIRTUAL TABLE order_search USING fts5("
            'search, tokenize="trigram remove_diacritics 1", detail=full)'
        )
        # A name that is erased must not live on in the index.
        operations.execute("INSERT INTO order_search (order_search, rank) VALUES ('secure-delete', 1)")
