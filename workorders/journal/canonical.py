"""Canonical bytes of JSON values: RFC 8785 over NFC text, without floats.

Two tablets, an office and an auditor with nothing but a text editor must arrive at the same bytes for
the same entry, today and in twenty years. RFC 8785 fixes the order and the escapes; three rules of our
own remove what it leaves open: text is NFC, decimals are strings (a reading is never a float), and
integers stay below 2**53 (what every JSON reader can hold exactly).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import rfc8785

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
"""Lists and objects inside each other; an entry needs about six."""


class NotCanonical(ValueError):
    """A value or text that has no single canonical form here, with the path to the culprit."""


def normalise(value: object, path: str = "$", depth: int = 0) -> Json:
    """Return `value` as plain JSON with NFC text; refuse what has no single form.

    That is: floats, big integers, keys that collide under NFC, nesting deeper than `MAX_DEPTH`.

    Raises:
        NotCanonical: names the path and what is wrong there.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonical(f"{path}: integer beyond 2^53, write it as text")
        return value
    if isinstance(value, str):
        return _text(value, path)
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"{path[:80]}…: nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        plain: dict[str, Json] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(f"{path}: a key that is not text")
            name = _text(key, path)
            if name in plain:
                raise NotCanonical(f"{path}: two keys that read {name!r}")
            plain[name] = normalise(item, f"{path}.{name}", depth + 1)
        return plain
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [normalise(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    raise NotCanonical(f"{path}: {type(value).__name__} has no place in a record, write it as text")


def _text(value: str, path: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonical(f"{path}: text that is not valid Unicode") from None
    return unicodedata.normalize("NFC", value)


def canonical_bytes(value: object) -> bytes:
    """Return the RFC 8785 bytes of `value` after `normalise`."""
    return _at_once(value) or rfc8785.dumps(normalise(value))


_ENCODE = msgspec.json.Encoder(order="sorted").encode
_ASTRAL = re.compile(rb"[\xf0-\xf4]")
"""First bytes of what lies beyond U+FFFF in UTF-8: only there do UTF-16, which orders keys, and it differ."""


def _at_once(value: object) -> bytes | None:
    """The canonical bytes of what is plain JSON in NFC already; None where `normalise` has to look.

    Nearly every entry is: then one pass of a fast encoder writes the same bytes.
    """
    if not _plain(value):
        return None
    try:
        data = _ENCODE(value)
        # A part of text in NFC is in NFC.
        same = data.isascii() or (
            not _ASTRAL.search(data) and unicodedata.is_normalized("NFC", data.decode())
        )
    except (UnicodeError, RecursionError):
        return None
    return data if same else None


_TEXT = frozenset({str})


def _plain(value: object) -> bool:
    """Whether all of it is text, small integers, true, false, null, and lists and objects of these."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                if not _TEXT.issuperset(map(type, item)):
                    return False
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
            elif kind is int:
                if not -MAX_INTEGER <= item <= MAX_INTEGER:
                    return False
            elif kind is not str and kind is not bool and item is not None:
                return False
        if not below:
            return True
        level = below
    return False


def parse_canonical(data: bytes) -> Json:
    """Parse bytes that claim to be canonical, and prove it by writing them again.

    Raises:
        NotCanonical: not JSON, or JSON written in any other than the canonical way (which also
            catches duplicate keys, floats and text that is not NFC).
    """
    try:
        value: Json = msgspec.json.decode(data)
        again = canonical_bytes(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {error}") from None
    if again != data:
        raise NotCanonical("JSON, but not in canonical form")
    return value
