"""Imports a project as a utility delivers it: a folder with `project.toml` and tables.

The import can be repeated: orders are known by their number, what the office now says differently becomes
`order.changed`, the rest is left alone. A bad row is reported with file, line and column and left out;
everything good is taken in one transaction per kind.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from workorders.gateway import persons
from workorders.gateway.chains import writing
from workorders.gateway.claims import check_claims
from workorders.gateway.errors import InvalidInput
from workorders.gateway.office import Office
from workorders.gateway.rows import (
    Calendar,
    CustomerRow,
    HeardRow,
    MeterRow,
    OrderRow,
    ProjectFile,
    SecretRow,
    StockRow,
    Tree,
    UsagePointRow,
    UserRow,
    build_customer,
    build_order,
    identities,
    order_mrid,
    planning_changes,
    standing,
)
from workorders.gateway.stamps import touch
from workorders.gateway.tables import project as project_table
from workorders.gateway.tables import usage_point
from workorders.journal.kinds import OrderChanged, OrderIssued
from workorders.journal.sealing import OrderKey, SealError, new_order_key
from workorders.journal.words import Sealed
from workorders.journal.writer import Draft
from workorders.mwm.tables import RowError, Table, TableReport
from workorders.network import (
    HeardDevice,
    NetworkError,
    Node,
    StandingMeter,
    StockLine,
    load_heard,
    load_meters,
    load_network,
    load_stock,
)
from workorders.orders import Customer, WorkOrder, order_plain, seal_customer, unseal_customer
from workorders.people import Role
from workorders.rollout.kept import all_due, shape_of
from workorders.rollout.rules import RulesError, find_line, read_rules
from workorders.secretchange import OLD
from workorders.store import keys, schema

RowType = TypeVar("RowType", bound=msgspec.Struct)
Progress = Callable[[str, int, int], None]
_ROWS_AT_ONCE = 2000


class LoadReport(msgspec.Struct, kw_only=True):
    """What an import did. `errors` are `file:line [column]: reason`, the first few hundred of `refused`."""

    project: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    issued: int = 0
    changed: int = 0
    same: int = 0
    absent: int = 0
    refused: int = 0
    errors: list[str] = msgspec.field(default_factory=list)


@dataclass
class _Import:
    """One import under way."""

    office: Office
    folder: Path
    project: ProjectFile
    source: str
    calendar: Calendar
    report: LoadReport
    progress: Progress
    points: dict[str, UsagePointRow] = field(default_factory=dict)
    customers: dict[str, CustomerRow] = field(default_factory=dict)
    meters: dict[str, StandingMeter] = field(default_factory=dict)
    tree: Tree = field(default_factory=Tree)
    read: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def ahead(self, name: str, kind: type[RowType]) -> list[RowType]:
        """The good rows of a table before its turn; `rows` then gives the same, reported once."""
        self.read[name] = self.rows(name, kind)
        return [row for _, row in self.read[name]]

    def rows(self, name: str, kind: type[RowType]) -> list[tuple[int, RowType]]:
        """The good rows of one of the project's tables, with their lines; the others are reported."""
        if name in self.read:
            return self.read.pop(name)
        file = self.project.files.get(name)
        if file is None:
            return []
        table = Table(self.folder / Path(file).name, kind, self.project.columns.get(name, {}))
        found = [(row.line, row.value) for row in table.rows()]
        self.take_report(table.report)
        self.report.counts[name] = len(found)
        return found

    def take_report(self, report: TableReport) -> None:
        """Add a table's errors to ours."""
        self.report.refused += report.refused
        self.report.errors += [str(error) for error in report.errors]

    def refuse(self, name: str, line: int, code: str, message: str) -> None:
        """Report a row that is well formed but names what does not exist."""
        file = self.project.files.get(name, name)
        self.report.refused += 1
        self.report.errors.append(str(RowError(file, line, None, code, message)))


def load_project(
    office: Office,
    folder: Path,
    *,
    today: date | None = None,
    pins: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Import a project's folder.

    Args:
        today: for demonstrations: every date of the files is moved so that the day of export becomes this.
        pins: PINs by person id; who has none cannot sign in until `persons.add_user` gives one.
        progress: called with (what, done, total).

    Raises:
        InvalidInput: nothing was taken. `bad_project_file`: `project.toml` is missing or wrong;
            `held_elsewhere`: another project of this office has what the files name.
    """
    project, source = read_project(folder)
    shift = timedelta(0) if today is None or project.exported is None else today - project.exported
    calendar = Calendar(ZoneInfo(project.time_zone), shift)
    report = LoadReport(project=project.id)
    work = _Import(office, folder, project, source, calendar, report, progress or (lambda *_: None))
    steps: list[tuple[str, Callable[[_Import], None]]] = [
        ("claims", _check_claims),
        ("project", _take_project),
        ("network", _take_network),
        ("usage_points", _take_points),
        ("meters", _take_meters),
        ("stock", _take_stock),
        ("users", lambda work: _take_users(work, pins or {})),
        ("orders", _take_orders),
        ("heard", _take_heard),
    ]
    for number, (name, step) in enumerate(steps):
        work.progress(name, number, len(steps))
        step(work)
    work.progress("done", len(steps), len(steps))
    return report


def read_project(folder: Path) -> tuple[ProjectFile, str]:
    """Read and check `project.toml`; returns it with its text.

    Raises:
        InvalidInput: `bad_project_file`, with what is wrong.
    """
    path = folder / "project.toml"
    source = ""
    try:
        source = path.read_text("utf-8")
        project = msgspec.convert(tomllib.loads(source), ProjectFile)
        ZoneInfo(project.time_zone)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", code="bad_project_file") from None
    except (ValueError, KeyError) as error:
        at = re.search(r"`\$\.?(.*)`$", str(error))  # where msgspec says that it stands
        line = find_line(source, at.group(1)) if at and at.group(1) else None
        where = path.name if line is None else f"{path.name}, line {line}"
        raise InvalidInput(f"{where}: {error}", code="bad_project_file") from None
    return project, source


def _check_claims(work: _Import) -> None:
    claimed: dict[str, Iterable[str]] = {
        "network": [row.mrid for row in work.ahead("network", Node)],
        "usage_points": [row.mrid for row in work.ahead("usage_points", UsagePointRow)],
        "meters": [row.serial for row in work.ahead("meters", MeterRow)],
        "stock": [row.serial for row in work.ahead("stock", StockRow)],
    }
    with work.office.store.read() as connection:
        check_claims(connection, work.project.id, claimed)


# --- reference data -----------------------------------------------------------------------------


def _take_project(work: _Import) -> None:
    project = work.project
    try:
        read_rules(work.source, "project.toml")
    except RulesError as error:
        work.report.refused += 1
        work.report.errors.append(str(error))
    values = {
        "name": project.name,
        "data": msgspec.to_builtins(project) | {"source": work.source},
        "loaded_at": work.office.time(),
    }
    with work.office.store.write() as connection:
        same = project_table.c.project_id == project.id
        if connection.execute(update(project_table).where(same).values(values)).rowcount == 0:
            connection.execute(insert(project_table).values(project_id=project.id, **values))
        touch(connection)


def _take_network(work: _Import) -> None:
    nodes = [node for _, node in work.rows("network", Node)]
    for node in nodes:
        work.tree.add(node)
    with work.office.store.write() as connection:
        before = shape_of(connection, work.project.id)
        try:
            load_network(connection, work.project.id, nodes)
        except NetworkError as error:
            work.refuse("network", 1, error.code, str(error))
        if shape_of(connection, work.project.id) != before:
            all_due(connection, work.project.id)


def _take_points(work: _Import) -> None:
    work.points = {row.mrid: row for _, row in work.rows("usage_points", UsagePointRow)}
    work.customers = {row.mrid: row for _, row in work.rows("customers", CustomerRow)}
    personal = {"customer": None, "address": None, "lat": None, "lon": None}
    rows = (
        {
            "mrid": row.mrid,
            "project": work.project.id,
            "data": msgspec.to_builtins(msgspec.structs.replace(row, **personal)),
        }
        for row in work.points.values()
    )
    with work.office.store.write() as connection:
        connection.execute(delete(usage_point).where(usage_point.c.project == work.project.id))
        _insert_many(connection, usage_point, rows)


def _insert_many(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_AT_ONCE:
            connection.execute(insert(table), part)
            part = []
    if part:
        connection.execute(insert(table), part)


def _take_meters(work: _Import) -> None:
    meters: dict[str, StandingMeter] = {}
    for line, row in work.rows("meters", MeterRow):
        if row.serial in meters:
            work.refuse("meters", line, "serial_twice", f"the serial {row.serial} stands twice in the list")
            continue
        if row.place is not None and row.place not in work.tree.nodes:
            work.refuse("meters", line, "unknown_place", f"{row.serial}: no node {row.place} in the network")
            continue
        meters[row.serial] = standing(row, work.calendar, work.tree, work.points.get(row.usage_point or ""))
    work.meters = {meter.usage_point: meter for meter in meters.values() if meter.usage_point}
    with work.office.store.write() as connection:
        load_meters(connection, work.project.id, meters.values())


def _take_stock(work: _Import) -> None:
    lines: dict[str, StockLine] = {}
    for line, row in work.rows("stock", StockRow):
        if row.serial in lines:
            work.refuse("stock", line, "serial_twice", f"the serial {row.serial} stands twice in the list")
            continue
        known = identities(row.identities)
        lines[row.serial] = StockLine(
            serial=row.serial, model=row.model, state=row.state, crew=row.crew, identities=known
        )
    secrets = [row for _, row in work.rows("secrets", SecretRow)]
    with work.office.store.write() as connection:
        load_stock(connection, work.project.id, lines.values())
        _keep_secrets(connection, secrets)


def _keep_secrets(connection: Connection, rows: list[SecretRow]) -> None:
    """Keep meters' passwords and keys; one that is not in a later file stays.

    What was changed in the field since stays changed: a file that still names the former secret is older
    than that, and what a tablet sent and has not proven is left alone.
    """
    table = schema.meter_secret
    for at in range(0, len(rows), 500):
        part = rows[at : at + 500]
        former = _former_secrets(connection, [row.serial for row in part])
        for name in _SECRET_NAMES:
            told = {row.serial: _secret_values(row)[name] for row in part}
            taken = [
                serial
                for serial, value in told.items()
                if (serial, name) not in former or value not in (None, former[serial, name])
            ]
            connection.execute(delete(table).where(table.c.serial.in_(taken), table.c.name == name))
            values = [{"serial": one, "name": name, "value": told[one]} for one in taken if told[one]]
            if values:
                connection.execute(insert(table), values)


def _former_secrets(connection: Connection, serials: list[str]) -> dict[tuple[str, str], bytes]:
    """By serial and name: what held before a tablet changed it."""
    table = schema.meter_secret
    query = select(table.c.serial, table.c.name, table.c.value)
    query = query.where(table.c.serial.in_(serials), table.c.name.startswith(OLD))
    return {(one.serial, one.name.removeprefix(OLD)): bytes(one.value) for one in connection.execute(query)}


_SECRET_NAMES = (
    "password", "hls_password", "password_seed", "block_key", "auth_key", "master_key",
    "sign_key", "agreement_key", "meter_sign_key", "meter_agreement_key",
    "new_password", "new_block_key", "new_auth_key", "new_master_key", "new_sim_pin",
)  # fmt: skip


def _secret_values(row: SecretRow) -> dict[str, bytes | None]:
    """Every secret of a row by its name, None where the row has none."""
    found: dict[str, bytes | None] = {}
    for name in _SECRET_NAMES:
        text: str | None = getattr(row, name)
        plain = name.endswith(("password", "sim_pin"))  # all else is hex
        found[name] = None if not text else text.encode() if plain else bytes.fromhex(text)
    return found


def _take_users(work: _Import, pins: Mapping[str, str]) -> None:
    for _, row in work.rows("users", UserRow):
        field_role = row.role in {Role.INSTALLER, Role.LEAD}
        persons.add_user(
            work.office,
            person_id=row.id,
            name=row.name,
            role=row.role,
            crew=row.crew if field_role else None,
            project=work.project.id,
            pin=pins.get(row.id),
            without_pin=True,
            reinstate=False,  # a list that is loaded again must not undo what an administrator did since
        )


def _take_heard(work: _Import) -> None:
    devices = [
        HeardDevice(
            serial=row.serial,
            heard_at=work.calendar.utc(row.heard_at) or "",
            concentrator=row.concentrator,
        )
        for _, row in work.rows("heard", HeardRow)
    ]
    with work.office.store.write() as connection:
        load_heard(connection, work.project.id, devices)


# --- orders -------------------------------------------------------------------------------------


def _take_orders(work: _Import) -> None:
    wanted: dict[str, tuple[WorkOrder, Customer]] = {}
    crews = {crew.id for crew in work.project.crew}
    for line, row in work.rows("orders", OrderRow):
        point = work.points.get(row.usage_point or "")
        mrid = order_mrid(work.project.id, row.number)
        if point is None and (row.usage_point is not None or row.node is None):
            message = f"order {row.number}: no supply point {row.usage_point or ''} in the project"
            work.refuse("orders", line, "unknown_usage_point", message)
        elif point is None and row.node not in work.tree.nodes:
            message = f"order {row.number}: no node {row.node} in the project's tree"
            work.refuse("orders", line, "unknown_node", message)
        elif row.crew is not None and crews and row.crew not in crews:
            work.refuse("orders", line, "unknown_crew", f"order {row.number}: no crew {row.crew}")
        elif mrid in wanted:
            work.refuse("orders", line, "number_twice", f"the order {row.number} stands twice in the list")
        else:
            meter = work.meters.get(point.mrid) if point else None
            order = build_order(row, work.project, point, meter, work.tree, work.calendar)
            wanted[mrid] = (order, build_customer(row, point, work.customers))
    with writing(work.office, work.project.id) as (connection, write):
        write(_order_drafts(connection, work, wanted))
        touch(connection)


def _order_drafts(
    connection: Connection, work: _Import, wanted: Mapping[str, tuple[WorkOrder, Customer]]
) -> list[Draft]:
    known = _known_orders(connection, work.project.id)
    drafts: list[Draft] = []
    for mrid, (order, customer) in wanted.items():
        before = known.get(mrid)
        if before is None:
            key = new_order_key()
            keys.put_order_key(connection, mrid, key)
            sealed = seal_customer(customer, key, mrid)
            payload = OrderIssued(order=order_plain(order), customer=sealed)
            drafts.append(Draft(payload=payload, order_id=mrid, order_version=order.version))
            work.report.issued += 1
            continue
        change = _change(connection, before, order, customer)
        if change is None:
            work.report.same += 1
        else:
            drafts.append(Draft(payload=change, order_id=mrid, order_version=change.version))
            work.report.changed += 1
    work.report.absent = len(known.keys() - wanted.keys())
    return drafts


@dataclass(frozen=True)
class _Known:
    order_id: str
    version: int
    plain: dict[str, Any]
    customer: dict[str, Any]


def _known_orders(connection: Connection, project: str) -> dict[str, _Known]:
    table, plan = schema.work_order, schema.order_plan
    query = (
        select(table.c.order_id, table.c.version, plan.c.order, plan.c.customer)
        .join(plan, plan.c.order_id == table.c.order_id)
        .where(table.c.project == project)
    )
    return {
        row.order_id: _Known(row.order_id, row.version, row.order, row.customer)
        for row in connection.execute(query)
    }


def _change(
    connection: Connection, before: _Known, order: WorkOrder, customer: Customer
) -> OrderChanged | None:
    """What the office says differently now; None if nothing."""
    changes = planning_changes(before.plain, order)
    sealed = changed_customer(connection, before.order_id, before.customer, customer)
    if not changes and not sealed:
        return None
    return OrderChanged(version=before.version + 1, changes=changes, customer=sealed)


def changed_customer(
    connection: Connection, order_id: str, before: Mapping[str, Any], customer: Customer
) -> dict[str, Sealed]:
    """Fields of the customer that differ, sealed; nothing where the order's key was erased."""
    sealed = msgspec.convert(dict(before), dict[str, Sealed])
    try:
        key: OrderKey = keys.order_key(connection, order_id)
        known = unseal_customer(sealed, key, order_id)
    except SealError:
        return {}
    differs = {
        name: getattr(customer, name) or ""
        for name in Customer.__struct_fields__
        if (getattr(customer, name) or "") != (getattr(known, name) or "")
    }
    return seal_customer(Customer(**differs), key, order_id) if differs else {}
