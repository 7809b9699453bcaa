"""Reference sets on the tablet: signed, versioned, and laid into the tables that screens read.

A set's name is `<project>/<crew>/<what>`; `what` says how it is laid out:

    project     Json of the project: names, time zone, technology, SLA rules …
    network     NetworkSet: the part of the tree that this crew's orders lie in, and who stands there
    stock       StockSet: the meters of the crew
    people      list of PersonRecord
    files/…     FileSet: procedures, models, programs, labels, technologies as text files
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select

from workorders.network import (
    NetworkError,
    Node,
    StandingMeter,
    StockLine,
    load_meters,
    load_network,
    load_stock,
)
from workorders.people import PersonRecord
from workorders.store import schema
from workorders.store.engine import Store
from workorders.sync import wire
from workorders.sync.enrolment import keep_people
from workorders.sync.errors import BadAnswer
from workorders.sync.identity import TabletIdentity
from workorders.sync.signatures import reference_holds

PROJECT, NETWORK, STOCK, PEOPLE, FILES = "project", "network", "stock", "people", "files"


class NetworkSet(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes and standing meters of a part of the tree."""

    project: str
    nodes: list[Node]
    meters: list[StandingMeter]


class StockSet(msgspec.Struct, frozen=True, kw_only=True):
    """The stock of a crew."""

    project: str
    items: list[StockLine]


class FileSet(msgspec.Struct, frozen=True, kw_only=True):
    """Text files by name."""

    files: dict[str, str]


class Received(msgspec.Struct, frozen=True):
    """A set that was fetched and checked."""

    item: wire.ReferenceSet
    body: bytes
    at: str


def what(name: str) -> str:
    """The part of a set's name that says how it is laid out."""
    parts = name.split("/")
    return FILES if len(parts) > 1 and parts[-2] == FILES else parts[-1]


def missing(store: Store, offered: Sequence[wire.ReferenceSet]) -> list[wire.ReferenceSet]:
    """Those of the offered sets whose version is not here."""
    table = schema.reference_set
    with store.read() as connection:
        here = {
            (row.name, row.version, row.sha256)
            for row in connection.execute(select(table.c.name, table.c.version, table.c.sha256))
        }
    return [item for item in offered if (item.name, item.version, item.sha256) not in here]


def check(item: wire.ReferenceSet, identity: TabletIdentity) -> None:
    """Raise BadAnswer unless the office signed this set."""
    if not reference_holds(item, identity.office_key()):
        raise BadAnswer(f"the reference set {item.name} is not signed by the office")


def take(connection: Connection, received: Received, identity: TabletIdentity) -> None:
    """Keep a set and lay it into its tables.

    Raises:
        BadAnswer: signed, but not of the form that its name promises.
    """
    item = received.item
    lay = _LAYERS.get(what(item.name))
    try:
        if lay is not None:
            lay(connection, received.body)
    except (msgspec.DecodeError, NetworkError) as error:
        raise BadAnswer(f"the reference set {item.name} is not as agreed: {error}") from None
    table = schema.reference_set
    same = (table.c.name == item.name) & (table.c.version == item.version)
    connection.execute(delete(table).where(same))
    connection.execute(
        insert(table).values(
            name=item.name,
            version=item.version,
            sha256=item.sha256,
            body=received.body,
            signature=item.signature.encode(),
            received_at=received.at,
        )
    )


def newest(connection: Connection, kind: str) -> bytes | None:
    """Body of the newest set of a kind (`project`, `files/procedures`, …) that is here."""
    table = schema.reference_set
    query = (
        select(table.c.body)
        .where(table.c.name.endswith(f"/{kind}", autoescape=True) | (table.c.name == kind))
        .order_by(table.c.received_at.desc(), table.c.version.desc())
    )
    body: bytes | None = connection.execute(query.limit(1)).scalar()
    return body


# --- laying sets into tables --------------------------------------------------------------------


def lay_network(connection: Connection, body: bytes) -> None:
    """Replace a project's nodes and standing meters; placed devices are folded again against them."""
    found = msgspec.json.decode(body, type=NetworkSet)
    load_network(connection, found.project, found.nodes)
    load_meters(connection, found.project, found.meters)


def lay_stock(connection: Connection, body: bytes) -> None:
    """Replace a project's stock."""
    found = msgspec.json.decode(body, type=StockSet)
    load_stock(connection, found.project, found.items)


def lay_people(connection: Connection, body: bytes) -> None:
    """Replace who may sign in here."""
    keep_people(connection, msgspec.json.decode(body, type=list[PersonRecord]))


_LAYERS: dict[str, Callable[[Connection, bytes], None]] = {
    NETWORK: lay_network,
    STOCK: lay_stock,
    PEOPLE: lay_people,
}
