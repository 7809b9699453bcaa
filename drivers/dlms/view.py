"""The association view (class 15, attribute 2): what objects a meter has, and its cache by meter type.

The view is long (5 s at 9600 baud) and the same for all meters of a type, so it is kept under manufacturer,
model, firmware of every module, client and association, never under the logical device name, which is
unique to each meter. A cheap fingerprint (three objects must answer with their own logical name) guards
against a type that lies.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from drivers.dlms.apdu import Result
from drivers.dlms.cosem import Item, obis_text, parse_obis
from drivers.dlms.data import Data
from drivers.errors import DriverError, Garbage

ASSOCIATION_VIEW = Item(15, bytes([0, 0, 40, 0, 0, 255]), 2)


class ViewObject(msgspec.Struct, frozen=True, array_like=True):
    """One object: class, version, logical name as text."""

    class_id: int
    version: int
    obis: str

    def item(self, attribute: int) -> Item:
        return Item(self.class_id, parse_obis(self.obis), attribute)


class TypeRecord(msgspec.Struct, frozen=True):
    """What is remembered of a type of meter: its objects, the longest lists it reads and writes, and
    whether it offers ACCESS and does not do it."""

    key: list[str]
    objects: list[ViewObject] = []
    list_limit: int | None = None
    write_limit: int | None = None
    access_refused: bool = False


def decode_view(data: Data) -> list[ViewObject]:
    """The object list. Raises ``Garbage`` if it is none."""
    objects = []
    for entry in data.items:
        parts = entry.items
        if len(parts) < 3 or len(parts[2].octets) != 6:
            raise Garbage(detail="object list element of a wrong shape")
        objects.append(ViewObject(parts[0].number, parts[1].number, obis_text(parts[2].octets)))
    return objects


def find(objects: list[ViewObject], class_id: int) -> list[ViewObject]:
    """All objects of a class."""
    return [known for known in objects if known.class_id == class_id]


def fingerprint_items(objects: list[ViewObject]) -> list[Item]:
    """Logical names of three objects spread over the view."""
    if not objects:
        return []
    picks = sorted({0, len(objects) // 2, len(objects) - 1})
    return [objects[pick].item(1) for pick in picks]


def fingerprint_holds(objects: list[ViewObject], results: dict[Item, Result]) -> bool:
    """Whether each of the three answered with its own name."""
    for item in fingerprint_items(objects):
        result = results.get(item)
        if result is None or result.data is None or result.data.value != item.obis:
            return False
    return True


class TypeCache:
    """Type records as files in a folder given by the application. A damaged or missing file is no error."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, key: list[str]) -> TypeRecord:
        path = self._path(key)
        if path is None:
            return TypeRecord(key)
        try:
            record = msgspec.json.decode(path.read_bytes(), type=TypeRecord)
            for known in record.objects:
                parse_obis(known.obis)
        except (OSError, msgspec.MsgspecError, DriverError):
            return TypeRecord(key)
        return record if record.key == key else TypeRecord(key)

    def store(self, record: TypeRecord) -> None:
        """Written beside and moved into place, so that a cut never leaves half a file."""
        path = self._path(record.key)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(record))
            fresh.replace(path)
        except OSError:
            return  # a cache that cannot be written costs time, not the visit

    def _path(self, key: list[str]) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:24]
        return self._folder / f"type-{digest}.json"
