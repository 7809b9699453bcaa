"""What a meter answered about its network: raw data by word, read through the interface classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.dlms import classes
from drivers.dlms.apdu import Result
from drivers.dlms.classes.shapes import Value, readable
from drivers.dlms.cosem import Item, parse_obis
from drivers.dlms.data import Data
from drivers.errors import Garbage
from drivers.reading import JoinState

_LONGEST = 400
"""Evidence is kept with the order: a table where a word should be must not fill it."""


@dataclass(frozen=True)
class Probe:
    """An attribute that tells something about a join: class, default OBIS, attribute, word in the evidence.

    Without a default OBIS (``""``) the object is found in the association view alone."""

    class_id: int
    obis: str
    attribute: int
    word: str

    @property
    def default(self) -> Item | None:
        return Item(self.class_id, parse_obis(self.obis), self.attribute) if self.obis else None


@dataclass
class Verdict:
    """Join state, evidence by word, and the words that decided it."""

    state: JoinState = JoinState.UNKNOWN
    evidence: dict[str, str] = field(default_factory=dict)
    because: tuple[str, ...] = ()


class Heard:
    """The answers that came with data. Nothing here raises: what cannot be understood says nothing."""

    def __init__(self, results: Mapping[Probe, Result]) -> None:
        self._data = {
            probe.word: (probe, result.data)
            for probe, result in results.items()
            if result.data is not None and result.data.value is not None
        }

    def __contains__(self, word: str) -> bool:
        return word in self._data

    def data(self, word: str) -> Data | None:
        found = self._data.get(word)
        return found[1] if found else None

    def number(self, word: str) -> int | None:
        """The integer, ``None`` where there is none."""
        data = self.data(word)
        try:
            return data.number if data is not None else None
        except Garbage:
            return None

    def value(self, word: str) -> Value:
        """As its class says, whatever version it is."""
        found = self._data.get(word)
        if found is None:
            return None
        return classes.decode(found[0].class_id, None, found[0].attribute, found[1]).value

    def text(self, word: str) -> str:
        """The value on one line; empty where there is none."""
        return (readable(self.value(word)) or "")[:_LONGEST]

    def rows(self, word: str) -> list[Mapping[str, Value]]:
        """The structures of a table; none where it does not look like one."""
        value = self.value(word)
        return [row for row in value if isinstance(row, Mapping)] if isinstance(value, tuple) else []

    def texts(self, *words: str) -> dict[str, str]:
        """Those that came, by word."""
        return {word: self.text(word) for word in words if word in self}


def cell(row: Mapping[str, Value], name: str) -> str:
    """A field of a row as text; empty where it is missing or no text."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def whole(text: str) -> int | None:
    """An integer out of a field."""
    try:
        return int(text)
    except ValueError:
        return None
