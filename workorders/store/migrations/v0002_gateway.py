"""The office's own tables (empty on a tablet), written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0002"

TABLES = """
project: project_id s*, name j!, data j!, loaded_at s!
tablet: tablet_id s*, name s!, number i!=, crew s, project s, certificate x!, sealing_key x!, recovery x,
    enrolled_at s!, seen_at s, revoked_at s, revoke_reason s
member: person_id s*, project s, public_key x, failures i!, locked_until s
session: token_sha256 s*, person_id s!, created_at s!, expires_at s!
one_time_code: code_id s*, purpose s!, key x!, crew s, project s, tablet_id s, created_at s!,
    expires_at s!, used_at s, failures i!
head_receipt: chain_id s*, tablet_id s, seq i!, hash s!, time s!, signature x!
order_visibility: order_id s*, from_seq i*, project s!, crew s!, until_seq i, left_reason s
  @order_visibility_crew crew from_seq
  @order_visibility_until crew until_seq
usage_point: mrid s*, project s!, data j!
relayed: entry_id s*, hash s*, tablet_id s!, at_seq i!
  @relayed_tablet tablet_id at_seq
"""


def upgrade(operations: Operations) -> None:
    """Make the tables of enrolment, people's sessions, visibility and receipts."""
    tables(TABLES).create_all(operations.get_bind())
