"""What every COSEM object is made of: attributes and methods with access rights, and values that persist."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from drivers.virtual.dlms.axdr import Data, Tag, octets
from drivers.virtual.dlms.services import Result


class Client(IntEnum):
    """Client addresses (service access points) of every virtual meter."""

    PUBLIC = 16
    MANAGEMENT = 1
    READER = 2


class AccessError(Exception):
    """A read, write or method refused with a Data-Access-Result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.name)
        self.result = result


@dataclass(frozen=True, slots=True)
class Rights:
    """Access mode of an attribute (0 none, 1 read, 2 write, 3 both) or method (0, 1) for each client."""

    public: int = 0
    reader: int = 0
    management: int = 0

    def of(self, client: int) -> int:
        if client == Client.PUBLIC:
            return self.public
        if client == Client.READER:
            return self.reader
        return self.management if client == Client.MANAGEMENT else 0


ANYONE = Rights(1, 1, 1)
READ = Rights(0, 1, 1)
CONFIGURE = Rights(0, 1, 3)
SECRET = Rights(0, 0, 2)
CALL = Rights(0, 0, 1)
NOBODY = Rights()


class Caller(Protocol):
    """The association on whose behalf an attribute is accessed."""

    @property
    def client(self) -> int:
        """Client address."""
        ...

    @property
    def conformance(self) -> int:
        """Conformance block that was negotiated, 24 bits."""
        ...


Read = Callable[[Caller], Data]
Write = Callable[[Caller, Data], None]
Select = Callable[[Caller, int, Data], Data]
Call = Callable[[Caller, Data | None], Data | None]


@dataclass(slots=True)
class Attribute:
    """One attribute: how it is read, written and, where it has selective access, read in part."""

    read: Read
    rights: Rights
    write: Write | None = None
    select: Select | None = None
    selectors: tuple[int, ...] = ()


@dataclass(slots=True)
class Method:
    call: Call
    rights: Rights = CALL


@dataclass(slots=True)
class CosemObject:
    """One object of the logical device."""

    class_id: int
    version: int
    logical_name: bytes
    attributes: dict[int, Attribute] = field(default_factory=dict)
    methods: dict[int, Method] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = octets(self.logical_name)
        self.attributes[1] = Attribute(lambda caller: name, NOBODY)

    def seal(self) -> CosemObject:
        """Makes the logical name as readable as the most readable attribute."""
        others = [a.rights for i, a in self.attributes.items() if i != 1]
        self.attributes[1].rights = Rights(
            *(int(any(r.of(c) for r in others)) for c in (Client.PUBLIC, Client.READER, Client.MANAGEMENT))
        )
        return self


def obis(text: str) -> bytes:
    """Six octets from ``1.0.1.8.0.255``."""
    return bytes(int(part) for part in text.split("."))


def obis_text(name: bytes) -> str:
    return ".".join(str(part) for part in name)


def matches(template: Data, value: Data) -> bool:
    """True if `value` has the type of `template`; an array's elements are compared with its first one."""
    if template.tag is not value.tag:
        both = (template.tag, value.tag)
        return both in ((Tag.OCTET_STRING, Tag.DATE_TIME), (Tag.OCTET_STRING, Tag.DATE))
    if template.tag is Tag.ARRAY:
        return not template.items or all(matches(template.items[0], item) for item in value.items)
    if template.tag is Tag.STRUCTURE:
        return len(template.items) == len(value.items) and all(
            matches(a, b) for a, b in zip(template.items, value.items, strict=True)
        )
    return True


Check = Callable[[Data], bool]


class Store:
    """Values that survive a power loss, under ``class:obis:attribute``. `changed` is called after each
    write.
    """

    def __init__(self) -> None:
        self.values: dict[str, Data] = {}
        self.changed: Callable[[str], None] = lambda key: None

    def keep(self, key: str, initial: Data) -> None:
        self.values.setdefault(key, initial)

    def put(self, key: str, value: Data) -> None:
        self.values[key] = value
        self.changed(key)


def fixed(value: Data, rights: Rights = READ) -> Attribute:
    """A value that never changes."""
    return Attribute(lambda caller: value, rights)


def computed(read: Callable[[], Data], rights: Rights = READ) -> Attribute:
    """A value worked out at each read."""
    return Attribute(lambda caller: read(), rights)


class Cells:
    """Makes the stored attributes of one object."""

    def __init__(self, store: Store, class_id: int, logical_name: str) -> None:
        self._store, self._prefix = store, f"{class_id}:{logical_name}"

    def key(self, index: int) -> str:
        return f"{self._prefix}:{index}"

    def get(self, index: int) -> Data:
        return self._store.values[self.key(index)]

    def put(self, index: int, value: Data) -> None:
        self._store.put(self.key(index), value)

    def attribute(
        self, index: int, initial: Data, rights: Rights = CONFIGURE, check: Check | None = None
    ) -> Attribute:
        """A stored, writable value. A write of another type is *type-unmatched*, of a value that `check`
        refuses *other-reason*; the meter keeps what it had."""
        self._store.keep(self.key(index), initial)
        template = initial

        def write(caller: Caller, value: Data) -> None:
            if not matches(template, value):
                raise AccessError(Result.TYPE_UNMATCHED)
            if check is not None and not check(value):
                raise AccessError(Result.OTHER_REASON)
            self.put(index, value)

        return Attribute(lambda caller: self.get(index), rights, write)


def table(objects: Iterable[CosemObject]) -> dict[bytes, CosemObject]:
    """The objects by logical name, in the order given."""
    return {thing.logical_name: thing.seal() for thing in objects}
