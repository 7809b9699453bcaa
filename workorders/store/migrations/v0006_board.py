"""What the board counts, on a server: kept by triggers in the transaction of each change, whoever makes it.

At millions of placements no figure can be counted when it is asked for. Statement triggers keep
`figure_status` and `figure_day` (orders), `figure_clock`, `figure_join` (joins by day and delay) and `site`
(what stands where, and whether the network hears it); `board_rebuild()` makes them from nothing. A depot's
file counts directly and has none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.store.migrations.written import tables

if TYPE_CHECKING:
    from alembic.operations import Operations

REVISION = "0006"

BOTH = """
sla_due: order_id s*
"""

SERVER = """
figure_status: project s*, crew s*, technology s*, status s*, rework b*, number i!
figure_day: project s*, quarter s*, done i!, not_done i!
figure_clock: project s*, rule s*, state s*, number i!
figure_join: project s*, day s*, delay i*, number i!
site: entry_id s*, serial s!, project s, order_id s, usage_point s, expected s, heard_by s, heard_at s,
    placed_at s, never b!, elsewhere b!, heard_since b!
  @site_serial serial
"""

_QUARTER = "left({0}, 14) || lpad(((substr({0}, 15, 2)::int / 15) * 15)::text, 2, '0')"

_STATUS = "project, coalesce(crew, ''), coalesce(technology, ''), status, rework > 0"

_DELAY = (
    "CASE WHEN first_joined_at IS NULL THEN -1 ELSE "
    "greatest(0, ceil(extract(epoch FROM first_joined_at::timestamptz - placed_at::timestamptz) "
    "/ 3600))::bigint END"
)

_SITES = """
INSERT INTO site
SELECT p.entry_id, p.serial, p.project, p.order_id, p.usage_point, p.concentrator,
       coalesce(h.concentrator, j.concentrator), greatest(h.heard_at, j.heard_at), p.since,
       j.first_joined_at IS NULL AND coalesce(greatest(h.heard_at, j.heard_at) < p.since, true),
       coalesce(coalesce(h.concentrator, j.concentrator) <> p.concentrator, false),
       coalesce(greatest(h.heard_at, j.heard_at) >= p.since, false)
FROM placement p LEFT JOIN heard h ON h.serial = p.serial LEFT JOIN join_state j ON j.serial = p.serial
WHERE p.until IS NULL {only_p};
INSERT INTO site
SELECT 'heard:' || h.serial, h.serial, h.project, NULL, NULL, NULL, h.concentrator, h.heard_at, NULL,
       false, false, false
FROM heard h
WHERE NOT EXISTS (SELECT 1 FROM placement p WHERE p.serial = h.serial AND p.until IS NULL)
  AND (NOT EXISTS (SELECT 1 FROM base_placement b WHERE b.serial = h.serial)
       OR EXISTS (SELECT 1 FROM device d WHERE d.serial = h.serial AND d.state = 'removed')) {only_h};
"""

_ADD_STATUS = f"""
INSERT INTO figure_status
SELECT * FROM (SELECT {_STATUS}, sum(sign) AS number FROM {{source}}
               WHERE project IS NOT NULL GROUP BY 1, 2, 3, 4, 5) AS sums WHERE number <> 0
ON CONFLICT (project, crew, technology, status, rework)
DO UPDATE SET number = figure_status.number + excluded.number;
INSERT INTO figure_day
SELECT * FROM (
  SELECT project, quarter, sum(done) AS done, sum(not_done) AS not_done FROM (
    SELECT project, {_QUARTER.format("completed_at")} AS quarter, sign AS done, 0 AS not_done
    FROM {{source}} WHERE completed_at IS NOT NULL AND project IS NOT NULL
    UNION ALL
    SELECT project, {_QUARTER.format("not_done_at")}, 0, sign
    FROM {{source}} WHERE not_done_at IS NOT NULL AND project IS NOT NULL
  ) AS moments GROUP BY 1, 2) AS sums WHERE done <> 0 OR not_done <> 0
ON CONFLICT (project, quarter) DO UPDATE
SET done = figure_day.done + excluded.done, not_done = figure_day.not_done + excluded.not_done;
"""

_ADD_CLOCK = """
INSERT INTO figure_clock
SELECT * FROM (
  SELECT project, rule, CASE WHEN started_at IS NULL THEN 'notStarted'
         WHEN stopped_at > breach_at THEN 'breached' WHEN stopped_at IS NOT NULL THEN 'met'
         WHEN void THEN 'void' ELSE 'open' END AS state, sum(sign) AS number
  FROM {source} WHERE project IS NOT NULL AND rule <> '' GROUP BY 1, 2, 3) AS sums WHERE number <> 0
ON CONFLICT (project, rule, state) DO UPDATE SET number = figure_clock.number + excluded.number;
"""

_ADD_JOIN = f"""
INSERT INTO figure_join
SELECT * FROM (SELECT project, left(placed_at, 10) AS day, {_DELAY} AS delay, sum(sign) AS number
               FROM {{source}} WHERE placed_at IS NOT NULL AND project IS NOT NULL GROUP BY 1, 2, 3) AS sums
WHERE number <> 0
ON CONFLICT (project, day, delay) DO UPDATE SET number = figure_join.number + excluded.number;
"""

_ORDER_COLUMNS = "project, crew, technology, status, rework, completed_at, not_done_at"
_JOIN_COLUMNS = "project, placed_at, first_joined_at"
_CLOCK_COLUMNS = "project, rule, started_at, stopped_at, breach_at, void"


def _signed(columns: str, event: str) -> str:
    """Rows that a statement brought (+1) and took away (-1)."""
    new = f"SELECT {columns}, 1 AS sign FROM fresh"
    old = f"SELECT {columns}, -1 AS sign FROM gone"
    chosen = {"insert": new, "delete": old, "update": f"{new} UNION ALL {old}"}[event]
    return f"({chosen}) AS changed"


def _serials(event: str) -> str:
    new, old = "SELECT serial FROM fresh", "SELECT serial FROM gone"
    return {"insert": new, "delete": old, "update": f"{new} UNION {old}"}[event]


_TABLES = {"insert": "NEW TABLE AS fresh", "delete": "OLD TABLE AS gone"}
_TABLES["update"] = f"{_TABLES['insert']} {_TABLES['delete']}"


def _trigger(table: str, purpose: str, event: str, work: str) -> str:
    name = f"board_{purpose}_{table}_{event}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
{work}
RETURN NULL;
END $body$;
CREATE TRIGGER {name} AFTER {event.upper()} ON {table} REFERENCING {_TABLES[event]}
FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def _triggers() -> str:
    made = []
    for event in _TABLES:
        made.append(
            _trigger("work_order", "count", event, _ADD_STATUS.format(source=_signed(_ORDER_COLUMNS, event)))
        )
        made.append(
            _trigger("join_state", "count", event, _ADD_JOIN.format(source=_signed(_JOIN_COLUMNS, event)))
        )
        made.append(
            _trigger("sla_clock", "count", event, _ADD_CLOCK.format(source=_signed(_CLOCK_COLUMNS, event)))
        )
        serials = _serials(event)
        again = f"DELETE FROM site WHERE serial IN ({serials});" + _SITES.format(
            only_p=f"AND p.serial IN ({serials})", only_h=f"AND h.serial IN ({serials})"
        )
        made += [
            _trigger(table, "site", event, again)
            for table in ("placement", "heard", "join_state", "device", "base_placement")
        ]
    return "\n".join(made)


def _rebuild() -> str:
    everything = f"(SELECT {_ORDER_COLUMNS}, 1 AS sign FROM work_order) AS every_order"
    joins = f"(SELECT {_JOIN_COLUMNS}, 1 AS sign FROM join_state) AS every_join"
    clocks = f"(SELECT {_CLOCK_COLUMNS}, 1 AS sign FROM sla_clock) AS every_clock"
    return f"""
CREATE FUNCTION board_rebuild() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
DELETE FROM figure_status; DELETE FROM figure_day; DELETE FROM figure_join;
DELETE FROM figure_clock; DELETE FROM site;
{_ADD_STATUS.format(source=everything)}
{_ADD_JOIN.format(source=joins)}
{_ADD_CLOCK.format(source=clocks)}
{_SITES.format(only_p="", only_h="")}
END $body$;
SELECT board_rebuild();
"""


_INDEXES = """
CREATE INDEX board_site_unplaced ON site (project, serial) WHERE placed_at IS NULL;
CREATE INDEX board_site_never ON site (project, placed_at) WHERE never;
CREATE INDEX board_site_elsewhere ON site (project, serial) WHERE elsewhere;
CREATE INDEX board_site_silent ON site (project, heard_at) WHERE heard_since;
CREATE INDEX board_placed_in ON join_state (project, placed_at);
CREATE INDEX board_unjoined ON join_state (project, placed_at, order_id) WHERE first_joined_at IS NULL;
CREATE INDEX board_breach ON sla_clock (project, breach_at, rule, order_id)
  WHERE stopped_at IS NULL AND NOT void;
CREATE INDEX board_warn ON sla_clock (project, warn_at, rule, order_id)
  WHERE stopped_at IS NULL AND NOT void;
CREATE INDEX board_paused ON sla_clock (project, rule) WHERE paused AND stopped_at IS NULL AND NOT void;
CREATE INDEX board_scheduled ON work_order (project, scheduled_start);
CREATE INDEX board_rework ON work_order (project) WHERE rework > 0;
CREATE INDEX board_exception ON exception (project, kind, exception_id);
CREATE INDEX board_done ON work_order (project, completed_at, executed_by, crew)
  WHERE completed_at IS NOT NULL;
CREATE INDEX board_not_done ON work_order (project, not_done_at, executed_by, crew)
  WHERE not_done_at IS NOT NULL;
"""

_SEARCH = """
DO $body$ BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX board_order_text ON order_text USING gin (search gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
  RAISE NOTICE 'without pg_trgm the search of orders reads every text';
END $body$;
"""


def upgrade(operations: Operations) -> None:
    """Note whose clocks are due; on a server count what is there, and keep the figures from now on."""
    bind = operations.get_bind()
    tables(BOTH).create_all(bind)
    bind.exec_driver_sql("INSERT INTO sla_due SELECT order_id FROM work_order")
    if bind.dialect.name != "postgresql":
        return
    tables(SERVER).create_all(bind)
    for statements in (_INDEXES, _triggers(), _rebuild(), _SEARCH):
        bind.exec_driver_sql(statements)
