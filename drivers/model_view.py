"""What objects a model of meter has and what its manager may do with them: the association view with
access rights, as a file beside the model, so that a program can be checked where no meter is.

``NAME.view.json`` is written by ``fieldtool meter view`` from a meter of the model.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from drivers.dlms.cosem import Item, obis_text
from drivers.dlms.data import Data
from drivers.errors import Garbage, ModelFileError

SUFFIX = ".view.json"
_READ, _WRITE = 1, 2
_BITS_SINCE = 3
"""From version 3 of the association on, rights are bits: 0 read, 1 write; before, 1 read, 2 write, 3 both,
and 4 to 6 the same authenticated."""
_SHORT_NAMES, _SHORT_NAME_BITS_SINCE = 12, 4
"""Class of an association with short names, and the version from which its rights are bits."""
SHORT_NAME_LIST, SHORT_NAME_RIGHTS = (Item(12, bytes([0, 0, 40, 0, 0, 255]), n) for n in (2, 3))
_AUTHENTICATED = {4: 1, 5: 2, 6: 3}


class ObjectRights(msgspec.Struct, frozen=True):
    """One object. ``attributes`` maps an index to 1 read, 2 write or 3 both; ``methods`` lists those that
    may be called."""

    class_id: int
    version: int
    obis: str
    attributes: dict[int, int]
    methods: list[int] = []


class ModelView(msgspec.Struct, frozen=True):
    """The view of one client of a meter of the model, with the firmware it was taken from."""

    model: str
    client: int
    firmware: str | None
    objects: list[ObjectRights]

    def object_of(self, item: Item) -> ObjectRights | None:
        """The object at the item's logical name, whatever its class."""
        name = obis_text(item.obis)
        return next((known for known in self.objects if known.obis == name), None)

    def may_read(self, item: Item) -> bool:
        return bool(self._rights(item) & _READ)

    def may_write(self, item: Item) -> bool:
        return bool(self._rights(item) & _WRITE)

    def may_call(self, item: Item) -> bool:
        found = self.object_of(item)
        return found is not None and found.class_id == item.class_id and item.attribute in found.methods

    def _rights(self, item: Item) -> int:
        found = self.object_of(item)
        if found is None or found.class_id != item.class_id:
            return 0
        return found.attributes.get(item.attribute, 0)


def decode_rights(data: Data, version: int = 1) -> list[ObjectRights]:
    """The object list of an association (class 15, attribute 2). Raises ``Garbage`` if it is none."""
    found = []
    for entry in data.items:
        if len(entry.items) < 4 or len(entry.items[2].octets) != 6 or len(entry.items[3].items) < 2:
            raise Garbage(detail="object list element of a wrong shape")
        class_id, class_version, name, rights = entry.items[:4]
        found.append(_object(class_id, class_version, name, rights.items, version))
    return found


def decode_short_name_rights(listed: Data, rights: Data) -> list[ObjectRights]:
    """The same of an association with short names (class 12, attributes 2 and 3): objects and rights are told
    apart there, joined by the base name. Raises ``Garbage`` if they are none."""
    if any(len(entry.items) < 4 for entry in listed.items) or any(len(e.items) < 3 for e in rights.items):
        raise Garbage(detail="access rights of a wrong shape")
    allowed = {entry.items[0].number & 0xFFFF: entry.items[1:3] for entry in rights.items}
    version = next((e.items[2].number for e in listed.items if e.items[1].number == _SHORT_NAMES), 0)
    modes = _BITS_SINCE if version >= _SHORT_NAME_BITS_SINCE else 1
    return [
        _object(class_id, class_version, name, allowed[base.number & 0xFFFF], modes)
        for base, class_id, class_version, name in (entry.items[:4] for entry in listed.items)
        if base.number & 0xFFFF in allowed
    ]


def _object(
    class_id: Data, class_version: Data, name: Data, rights: tuple[Data, ...], version: int
) -> ObjectRights:
    attributes, methods = rights[:2]
    return ObjectRights(
        class_id.number,
        class_version.number,
        obis_text(name.octets),
        {part.items[0].number: _access(part.items[1].number, version) for part in attributes.items},
        [part.items[0].number for part in methods.items if part.items[1].number],
    )


def _access(mode: int, version: int) -> int:
    if version >= _BITS_SINCE:
        return mode & (_READ | _WRITE)
    return _AUTHENTICATED.get(mode, mode & (_READ | _WRITE))


def load_view(folder: Path, model: str) -> ModelView | None:
    """The view of a model, if its file is there. Raises ``ModelFileError`` where it cannot be understood."""
    path = folder / f"{model}{SUFFIX}"
    try:
        return msgspec.json.decode(path.read_bytes(), type=ModelView)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ModelFileError(path.name, 0, f"cannot be read ({error})") from None


def view_bytes(view: ModelView) -> bytes:
    """The file's contents: one object a line, so that a change shows."""
    head = msgspec.json.encode({"model": view.model, "client": view.client, "firmware": view.firmware})
    lines = b",\n".join(msgspec.json.encode(known) for known in view.objects)
    return head[:-1] + b',"objects":[\n' + lines + b"\n]}\n"
