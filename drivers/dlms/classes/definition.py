"""What a class is made of: attributes by version, each with its name and shape."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.dlms.classes.shapes import Shape, anything


@dataclass(frozen=True, slots=True)
class Attribute:
    """It exists from version ``since`` up to ``until``; ``secret`` ones are never asked for."""

    index: int
    name: str
    shape: Shape = anything
    since: int = 0
    until: int | None = None
    secret: bool = False

    def is_in(self, version: int) -> bool:
        return self.since <= version and (self.until is None or version <= self.until)


@dataclass(frozen=True, slots=True)
class CosemClass:
    """An interface class of the Blue Book, with all its known versions; ``newest`` is the highest of them."""

    class_id: int
    name: str
    newest: int
    attributes: tuple[Attribute, ...]

    def of_version(self, version: int | None) -> dict[int, Attribute]:
        """The attributes of a version; of the newest known one where it is unknown or newer than that."""
        wanted = self.newest if version is None or version > self.newest else version
        return {attribute.index: attribute for attribute in self.attributes if attribute.is_in(wanted)}


def numbered(first: int, *names: str, shape: Shape = anything) -> tuple[Attribute, ...]:
    """Attributes of one kind in a row."""
    return tuple(Attribute(first + place, name, shape) for place, name in enumerate(names))
