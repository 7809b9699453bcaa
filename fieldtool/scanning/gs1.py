"""GS1 element strings: application identifiers out of a code's text (GS1 General Specifications, section 3).

In the text the FNC1 after an element of variable length is the group separator U+001D; elements of fixed
length need none.
"""

from __future__ import annotations

import re
import urllib.parse

from stdnum import ean

GS = "\x1d"

#: Identifier → fixed length of its data, by the first two digits (GS1 General Specifications, 7.8.5).
_FIXED = {
    "00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2, "41": 13,
}  # fmt: skip
#: Identifiers of variable length that stand on meters, with the most characters of their data.
_VARIABLE = {
    "10": 20, "21": 20, "22": 20, "240": 30, "241": 30, "242": 6, "243": 20, "250": 30, "251": 30, "30": 8,
    "37": 8, "400": 30, "401": 30, "8003": 30, "8004": 30, "90": 30, "91": 90, "92": 90, "93": 90, "94": 90,
    "95": 90, "96": 90, "97": 90, "98": 90, "99": 90,
}  # fmt: skip


#: The end of a path with a GTIN (of 8, 12, 13 or 14 digits) and its qualifiers: variant, batch, serial.
_LINK = re.compile(
    r"(?:/[^/]+)*?/01/(?P<_01>[0-9]{8}|[0-9]{12,14})"
    r"(?:/22/(?P<_22>[^/]+))?(?:/10/(?P<_10>[^/]+))?(?:/21/(?P<_21>[^/]+))?/?"
)


class NotGs1(ValueError):
    """The text is not a run of known GS1 elements."""


def parse(text: str) -> dict[str, str]:
    """Identifier → data, in the order of the code. Raises NotGs1 where something is not understood."""
    elements: dict[str, str] = {}
    rest = text.removeprefix(GS)
    while rest:
        identifier, length, fixed = _identifier(rest)
        body = rest[len(identifier) :]
        data = body[:length] if fixed else body.split(GS, 1)[0]
        if (fixed and (len(data) != length or GS in data)) or not 0 < len(data) <= length:
            raise NotGs1(f"({identifier}) has data of a length that is not allowed")
        if identifier in elements and elements[identifier] != data:
            raise NotGs1(f"({identifier}) stands twice with different data")
        elements[identifier] = data
        rest = body[len(data) :].removeprefix(GS)
    if not elements:
        raise NotGs1("empty")
    return elements


def elements(text: str, marked: bool) -> dict[str, str]:
    """Identifier → data of a code that is marked as GS1, or of a GS1 Digital Link. Raises NotGs1."""
    if marked:
        return parse(text)
    return link(text)


def link(text: str) -> dict[str, str]:
    """Identifier → data of a web address after GS1 Digital Link: https://any.host/01/<GTIN>/21/<serial>.

    Raises NotGs1 for any other address: the path ends in a GTIN and its qualifiers, in the order of the
    standard, and nothing in the query stands for one of them again.
    """
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError as error:
        raise NotGs1("no address") from error
    match = _LINK.fullmatch(parts.path)
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc or match is None:
        raise NotGs1("no GS1 Digital Link")
    found = {
        name.removeprefix("_"): urllib.parse.unquote(value)
        for name, value in match.groupdict().items()
        if value is not None
    }
    found["01"] = found["01"].zfill(14)
    if not ean.is_valid(found["01"]):
        raise NotGs1("(01) has a wrong check digit")
    if set(found) & {name for name, _ in urllib.parse.parse_qsl(parts.query)}:
        raise NotGs1("an identifier stands twice")
    for name in set(found) & set(_VARIABLE):
        if not 0 < len(found[name]) <= _VARIABLE[name] or not found[name].isascii() or "/" in found[name]:
            raise NotGs1(f"({name}) has data that is not allowed")
    return found


def _identifier(rest: str) -> tuple[str, int, bool]:
    if rest[:2] in _FIXED:
        digits = 3 if rest[:2] == "41" else 2
        return rest[:digits], _FIXED[rest[:2]], True
    for digits in (2, 3, 4):
        if rest[:digits] in _VARIABLE:
            return rest[:digits], _VARIABLE[rest[:digits]], False
    raise NotGs1(f"unknown application identifier at {rest[:4]!r}")
