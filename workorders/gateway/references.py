"""Builds, versions and signs the reference sets that tablets work with.

A set is built when a tablet asks and something changed since (see `stamps`); a new version only if its bytes
differ. Old versions stay: entries refer to them.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, case, func, insert, or_, select

from workorders.gateway import persons
from workorders.gateway.errors import NotFound
from workorders.gateway.load.mark import half_written, planned
from workorders.gateway.office import Office
from workorders.gateway.pull import TabletRow
from workorders.gateway.stamps import STAMP
from workorders.gateway.tables import head_receipt, order_visibility, tablet
from workorders.gateway.tables import project as project_table
from workorders.journal.canonical import canonical_bytes
from workorders.journal.kinds import StockMoved
from workorders.network import Node, StandingMeter, StockLine
from workorders.network.tree import below
from workorders.store import schema
from workorders.store.bulk import among
from workorders.store.queries.rows import read
from workorders.store.settings import set_setting, setting
from workorders.sync import reference, wire
from workorders.sync.firmware import firmware_of
from workorders.sync.signatures import reference_message

_BUILT = "office.built/"
_HEADS = ("concentrator", "accessPoint", "gateway", "borderRouter")
_CHUNK = 400


def references_for(office: Office, row: TabletRow) -> wire.ReferenceList:
    """The newest sets of a tablet's project and crew, built anew where something changed."""
    scope = f"{row.project or '-'}/{row.crew or '-'}"
    with office.store.read() as connection:
        state = _state(connection, office)
        fresh = setting(connection, _BUILT + scope) == state
    if not fresh:
        with office.store.write() as connection:
            _build(connection, office, row, scope)
            set_setting(connection, _BUILT + scope, state)
    with office.store.read() as connection:
        return wire.ReferenceList(sets=_newest(connection, _names(row)))


def _names(row: TabletRow) -> list[str]:
    """The sets that a tablet works with: what is built for its crew, and what is published in its
    project."""
    kinds = (reference.PROJECT, reference.NETWORK, reference.STOCK, reference.PEOPLE)
    names = [f"{row.project or '-'}/{row.crew or '-'}/{what}" for what in kinds]
    if row.project is not None:
        names += [reference.files_of(row.project, kind) for kind in reference.FILE_KINDS]
        names.append(firmware_of(row.project))
    return names


def reference_body(office: Office, row: TabletRow, sha256: str) -> bytes:
    """The bytes of a set of this tablet.

    Raises:
        NotFound: no such set, or not for this tablet.
    """
    table = schema.reference_set
    with office.store.read() as connection:
        mine = table.c.name.in_(_names(row))
        body = connection.execute(select(table.c.body).where(table.c.sha256 == sha256, mine)).scalar()
    if body is None:
        raise NotFound("there is no such reference set for this tablet")
    return bytes(body)


def _state(connection: Connection, office: Office) -> str:
    """Changes with every change of reference data, and daily, so that grants stay fresh."""
    table = schema.counter
    stamp = connection.execute(select(table.c.next_value).where(table.c.name == STAMP)).scalar()
    return f"{stamp or 0}/{office.now():%Y-%m-%d}"


def _newest(connection: Connection, names: list[str]) -> list[wire.ReferenceSet]:
    table = schema.reference_set
    last = (
        select(table.c.name, func.max(table.c.version).label("version"))
        .where(table.c.name.in_(names))
        .group_by(table.c.name)
        .subquery()
    )
    same = (table.c.name == last.c.name) & (table.c.version == last.c.version)
    query = select(
        table.c.name,
        table.c.version,
        table.c.sha256,
        func.length(table.c.body).label("size"),
        table.c.signature,
    ).join(last, same)
    return [
        wire.ReferenceSet(
            name=item.name,
            version=item.version,
            sha256=item.sha256,
            size=item.size,
            signature=base64.b64encode(item.signature).decode(),
        )
        for item in connection.execute(query.order_by(table.c.name))
    ]


def publish(connection: Connection, office: Office, name: str, body: bytes) -> wire.ReferenceSet:
    """Keep a set under the next version, unless the newest one has these very bytes."""
    sha256 = hashlib.sha256(body).hexdigest()
    newest = next(iter(_newest(connection, [name])), None)
    if newest is not None and newest.sha256 == sha256:
        return newest
    version = 1 if newest is None else newest.version + 1
    signature = office.key.sign(reference_message(name, version, sha256))
    connection.execute(
        insert(schema.reference_set).values(
            name=name,
            version=version,
            sha256=sha256,
            body=body,
            signature=signature,
            received_at=office.time(),
        )
    )
    return wire.ReferenceSet(
        name=name,
        version=version,
        sha256=sha256,
        size=len(body),
        signature=base64.b64encode(signature).decode(),
    )


# --- the sets -------------------------------------------------------------------------------------


def _build(connection: Connection, office: Office, row: TabletRow, scope: str) -> None:
    project = row.project
    people = persons.records_for(connection, office, crew=row.crew, project=project)
    publish(connection, office, f"{scope}/{reference.PEOPLE}", msgspec.json.encode(people))
    if project is None or half_written(connection, project):
        return  # what was published last stays until the lists are whole
    known = connection.execute(
        select(project_table.c.name, project_table.c.data).where(project_table.c.project_id == project)
    ).first()
    if known is not None:
        plain: dict[str, Any] = {"id": project, **known.data}
        body = canonical_bytes(plain)
        publish(connection, office, f"{scope}/{reference.PROJECT}", body)
    network = _network(connection, project, row.crew)
    publish(connection, office, f"{scope}/{reference.NETWORK}", msgspec.json.encode(network))
    stock = _stock(connection, project, row.crew)
    publish(connection, office, f"{scope}/{reference.STOCK}", msgspec.json.encode(stock))


def _stock(connection: Connection, project: str, crew: str | None) -> reference.StockSet:
    """The list as movements have changed it. What was mounted since is in no list: the entries say so.

    Besides what lies on the crew's truck and in the store: where each device is now that the crew's tablets
    moved themselves, for they would believe their own last word of it.
    """
    table, moved, entry = schema.stock_item, schema.stock_state, schema.entry
    went = moved.c.serial.is_not(None)
    lines = (
        select(
            table.c.serial,
            table.c.model,
            case((went, moved.c.state), else_=table.c.state).label("state"),
            case((went, moved.c.crew), else_=table.c.crew).label("crew"),
            table.c.identities,
            moved.c.at.label("moved_at"),
        )
        .outerjoin(moved, moved.c.serial == table.c.serial)
        .where(table.c.project == project)
        .subquery()
    )
    unlisted = (
        select(
            moved.c.serial,
            func.coalesce(moved.c.model, "").label("model"),
            moved.c.state,
            moved.c.crew,
            moved.c.at.label("moved_at"),
        )
        .join(entry, entry.c.id == moved.c.entry_id)
        .where(entry.c.project == project, moved.c.over.is_(False))
        .where(moved.c.serial.not_in(select(table.c.serial)))
        .subquery()
    )
    own = _moved_by(project, crew)
    found: list[StockLine] = []
    for source in (lines, unlisted):
        theirs = or_(source.c.crew == (crew or ""), source.c.crew.is_(None)) & (source.c.state != "lost")
        query = select(source).where(or_(theirs, source.c.serial.in_(own)))
        found += [read(item, StockLine) for item in connection.execute(query)]
    return reference.StockSet(project=project, items=sorted(found, key=lambda item: item.serial))


def _moved_by(project: str, crew: str | None) -> Select[tuple[str | None]]:
    """Serials that tablets of a crew said to have moved."""
    entry = schema.entry
    return (
        select(entry.c.serial)
        .join(head_receipt, head_receipt.c.chain_id == entry.c.chain_id)
        .join(tablet, tablet.c.tablet_id == head_receipt.c.tablet_id)
        .where(entry.c.kind == StockMoved.KIND, entry.c.serial.is_not(None))
        .where(tablet.c.project == project, tablet.c.crew == crew)
    )


def _network(connection: Connection, project: str, crew: str | None) -> reference.NetworkSet:
    """The part of the tree that the crew's orders lie in, or will: up to the root, down to the last slot.

    Every head (concentrator, access point) beside the way up is in it: that is what meters join.
    """
    table, order, seen = schema.network_node, schema.work_order, order_visibility
    ours = (
        select(order.c.transformer)
        .join(seen, seen.c.order_id == order.c.order_id)
        .where(order.c.project == project, order.c.transformer.is_not(None))
        .where(seen.c.crew == (crew or ""), seen.c.until_seq.is_(None))
    )
    columns = [table.c[name] for name in Node.__struct_fields__]
    wanted_here = or_(table.c.mrid.in_(ours), among(table.c.mrid, "planned"))
    places = connection.execute(
        select(table.c.path).where(wanted_here, table.c.project == project),
        {"planned": planned(connection, project, crew)},
    )
    nodes: dict[str, Node] = {}
    above: set[str] = set()
    for (path,) in places.all():
        above |= set(path.strip("/").split("/"))
        for item in connection.execute(select(*columns).where(below(path), table.c.project == project)):
            nodes[item.mrid] = read(item, Node)
    ways = sorted(above)
    for at in range(0, len(ways), _CHUNK):
        part = ways[at : at + _CHUNK]
        beside = (table.c.parent.in_(part)) & (table.c.kind.in_(_HEADS))
        wanted = or_(table.c.mrid.in_(part), beside)
        query = select(*columns).where(wanted, table.c.project == project)
        for item in connection.execute(query):
            nodes[item.mrid] = read(item, Node)
    return reference.NetworkSet(
        project=project,
        nodes=[nodes[mrid] for mrid in sorted(nodes)],
        meters=_meters(connection, project, sorted(nodes)),
    )


def _meters(connection: Connection, project: str, nodes: list[str]) -> list[StandingMeter]:
    table = schema.base_placement
    columns = [table.c[name] for name in StandingMeter.__struct_fields__]
    found: list[StandingMeter] = []
    for at in range(0, len(nodes), _CHUNK):
        query = select(*columns).where(table.c.place.in_(nodes[at : at + _CHUNK]), table.c.project == project)
        found += [read(item, StandingMeter) for item in connection.execute(query)]
    return sorted(found, key=lambda meter: meter.serial)
