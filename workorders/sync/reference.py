"""Reference sets on the tablet: signed, versioned, and laid into the tables that screens read.

A set's name is `<project>/<crew>/<what>`, `<project>/files/<kind>` or `<project>/firmware`; `what` says how
it is laid out:

    project     Json of the project: names, time zone, technology, SLA rules …
    network     NetworkSet: the part of the tree that this crew's orders lie in, and who stands there
    stock       StockSet: the meters of the crew
    people      list of PersonRecord
    firmware    FirmwareSet: the images that are offered; their bytes travel apart (`firmware.py`)
    files/…     FileSet: procedures, models, programs, labels, technologies as text files

What is in the files is no matter of this package: a `FileReader` from above says whether it can be used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

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
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.enrolment import keep_people
from workorders.sync.firmware import FIRMWARE, FormUnknown, read_firmware
from workorders.sync.identity import TabletIdentity
from workorders.sync.signatures import reference_holds
from workorders.sync.wire import FileProblem

_Kept = TypeVar("_Kept")
_OFFERED, _REFUSED = "reference.offered", "reference.refused"
_FOR_GOOD = frozenset({"set_too_new", "set_unreadable"})
"""Refusals that only another version of the program can turn."""

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


FILE_KINDS = ("procedures", "models", "programs", "labels", "technologies")
"""The kinds of files that are published; each is a set of its own."""
FILE_SCHEMA = 1
"""How a `FileSet` is read. It grows when an older program would read a set wrongly."""
MAX_FILE_SET_BYTES = 4 * 1024 * 1024


class FileSet(msgspec.Struct, frozen=True, kw_only=True):
    """Text files of one kind by name; they stand over the files of that name which the program brings.

    Attributes:
        published_at: UTC text.
    """

    schema: int = FILE_SCHEMA
    published_at: str = ""
    files: dict[str, str]


class FileReader(Protocol):
    """What reads the files of sets; the same at the office that publishes and on the tablet that uses."""

    @property
    def fingerprint(self) -> str:
        """Changes with the program: a set that it could not read is tried again after an update."""
        ...

    def problems(self, kind: str, files: Mapping[str, str]) -> list[FileProblem]:
        """What keeps these files from being used; empty for none."""
        ...

    def doubts(self, kind: str, files: Mapping[str, str], before: Mapping[str, str]) -> list[FileProblem]:
        """What somebody who replaces the files `before` may have overlooked."""
        ...


class SetRefused(Exception):
    """A set is not taken into use; the one in use stays. Texts for people: `error.sync.<code>`.

    Attributes:
        code: `set_not_signed`, `set_altered`, `set_too_new`, `set_unreadable`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RefusedSet(msgspec.Struct, frozen=True, kw_only=True):
    """A set that was offered and is not in use. `reader`: fingerprint of the program that could not."""

    name: str
    version: int
    sha256: str
    code: str
    reason: str
    at: str
    reader: str = ""


class Received(msgspec.Struct, frozen=True):
    """A set that was fetched and checked."""

    item: wire.ReferenceSet
    body: bytes
    at: str


def what(name: str) -> str:
    """The part of a set's name that says how it is laid out."""
    parts = name.split("/")
    return FILES if len(parts) > 1 and parts[-2] == FILES else parts[-1]


def missing(
    store: Store, offered: Sequence[wire.ReferenceSet], reader: FileReader | None
) -> list[wire.ReferenceSet]:
    """Those of the offered sets whose version is not here, and which this program has not refused."""
    table = schema.reference_set
    with store.read() as connection:
        here = {
            (row.name, row.version, row.sha256)
            for row in connection.execute(select(table.c.name, table.c.version, table.c.sha256))
        }
        program = reader.fingerprint if reader else ""
        here |= {
            (item.name, item.version, item.sha256)
            for item in refused(connection)
            if item.code in _FOR_GOOD and item.reader == program
        }
    return [item for item in offered if (item.name, item.version, item.sha256) not in here]


def check(received: Received, identity: TabletIdentity, reader: FileReader | None) -> None:
    """Whether a set may be taken into use.

    Raises:
        SetRefused: not signed by the office, altered, of a newer form, or with files that cannot be read.
    """
    item = received.item
    if not reference_holds(item, identity.office_key()):
        raise SetRefused("set_not_signed", f"the reference set {item.name} is not signed by the office")
    if hashlib.sha256(received.body).hexdigest() != item.sha256:
        raise SetRefused("set_altered", f"the reference set {item.name} is not what its hash says")
    if what(item.name) == FILES:
        _check_files(item, received.body, reader)
    elif what(item.name) == FIRMWARE:
        try:
            read_firmware(received.body)
        except FormUnknown as error:
            raise SetRefused(error.code, str(error)) from None


def _check_files(item: wire.ReferenceSet, body: bytes, reader: FileReader | None) -> None:
    found = read_files(body)
    kind = item.name.rsplit("/", 1)[-1]
    problems = reader.problems(kind, found.files) if reader else []
    if problems:
        raise SetRefused("set_unreadable", "; ".join(str(problem) for problem in problems[:3]))


class _Schema(msgspec.Struct):
    schema: int = 1


def read_files(body: bytes) -> FileSet:
    """The files of a set.

    Raises:
        SetRefused: `set_too_new`, `set_unreadable`.
    """
    try:
        number = msgspec.json.decode(body, type=_Schema).schema
        if number > FILE_SCHEMA:
            raise SetRefused("set_too_new", f"form {number}; this program reads up to {FILE_SCHEMA}")
        return msgspec.json.decode(body, type=FileSet)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SetRefused("set_unreadable", f"not the form of a set of files: {error}") from None


def take(connection: Connection, received: Received) -> None:
    """Keep a set and lay it into its tables.

    Where an office that was restored from a backup gives a version anew, the earlier set of that number is
    kept under another name: entries refer to it by its hash.

    Raises:
        SetRefused: `set_unreadable`: signed, but not of the form that its name promises.
    """
    item = received.item
    lay = _LAYERS.get(what(item.name))
    try:
        if lay is not None:
            lay(connection, received.body)
    except (msgspec.DecodeError, UnicodeDecodeError, NetworkError) as error:
        raise SetRefused("set_unreadable", f"{item.name} is not as agreed: {error}") from None
    table = schema.reference_set
    same = (table.c.name == item.name) & (table.c.version == item.version)
    before = connection.execute(select(table.c.sha256).where(same)).scalar()
    if before is not None:
        aside = f"{item.name}@{before}"
        connection.execute(delete(table).where(table.c.name == aside, table.c.version == item.version))
        connection.execute(update(table).where(same).values(name=aside))
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


# --- what the office offered --------------------------------------------------------------------


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What the office last said is in force. `at`: when it said so."""

    at: str
    sets: list[wire.ReferenceSet]


def note_offered(connection: Connection, sets: Sequence[wire.ReferenceSet], at: str) -> None:
    """Keep what the office offers, so that what is in use here can be told from what should be."""
    set_setting(connection, _OFFERED, msgspec.to_builtins(Offered(at=at, sets=list(sets))))
    offered = {(item.name, item.version, item.sha256) for item in sets}
    still = [item for item in refused(connection) if (item.name, item.version, item.sha256) in offered]
    set_setting(connection, _REFUSED, msgspec.to_builtins(still))


def offered(connection: Connection) -> Offered | None:
    """What the office offered in the last round that came that far."""
    return _kept(connection, _OFFERED, Offered)


def refused(connection: Connection) -> list[RefusedSet]:
    """The offered sets that are not in use here."""
    return _kept(connection, _REFUSED, list[RefusedSet]) or []


def note_refused(connection: Connection, item: RefusedSet) -> None:
    """Keep why a set is not in use."""
    others = [known for known in refused(connection) if known.name != item.name]
    set_setting(connection, _REFUSED, msgspec.to_builtins([*others, item]))


def forget_refused(connection: Connection, name: str) -> None:
    """A set of this name was taken into use."""
    others = [known for known in refused(connection) if known.name != name]
    set_setting(connection, _REFUSED, msgspec.to_builtins(others))


def _kept(connection: Connection, name: str, kind: type[_Kept]) -> _Kept | None:
    value: Any = setting(connection, name)
    try:
        return None if value is None else msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def files_of(project: str, kind: str) -> str:
    """Name of a project's set of files."""
    return f"{project}/{FILES}/{kind}"


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
