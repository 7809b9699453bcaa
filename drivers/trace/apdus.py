"""xDLMS APDUs in words: service, objects with their names, results; ciphered ones as such. Pure, and never
raises for odd octets: it says that they are odd."""

from __future__ import annotations

from collections.abc import Callable

from drivers.dlms import acse
from drivers.dlms.access import ACCESS_REQUEST, ACTION, accessed_items
from drivers.dlms.apdu import SERVICE_ERRORS
from drivers.dlms.cosem import Item, access_result, plain_text
from drivers.dlms.data import Cursor
from drivers.errors import DriverError

NameOf = Callable[[str], str | None]
_TEXT = 60
_TAGS = {
    0x01: "initiate-request", 0x05: "read-request", 0x06: "write-request", 0x08: "initiate-response",
    0x0C: "read-response", 0x0D: "write-response", 0x0E: "confirmed-service-error",
    0x16: "unconfirmed-write-request", 0x18: "information-report", 0x0F: "data-notification",
    0x60: "AARQ", 0x61: "AARE", 0x62: "RLRQ", 0x63: "RLRE",
    0xC0: "get-request", 0xC1: "set-request", 0xC2: "event-notification", 0xC3: "action-request",
    0xC4: "get-response", 0xC5: "set-response", 0xC7: "action-response", 0xD8: "exception-response",
    0xD9: "access-request", 0xDA: "access-response",
    0xDB: "general-glo-ciphering", 0xDC: "general-ded-ciphering", 0xDD: "general-ciphering",
    0xDF: "general-signing", 0xE0: "general-block-transfer",
}  # fmt: skip
_GLOBAL = {0x21: 0x01, 0x28: 0x08, 0x25: 0x05, 0x26: 0x06, 0x2C: 0x0C, 0x2D: 0x0D}
_GLOBAL |= {0xC8 + n: 0xC0 + n for n in range(8)}
_DEDICATED = {0xD0 + n: 0xC0 + n for n in range(8)}
SECRET_ATTRIBUTES = {(15, 7), (12, 4), (45, 3), (91, 5), (64, 6)}
"""Class and attribute that hold a password or key: association secrets, SIM PIN, G3 keys, certificates."""
SECRET_METHODS = {(15, 1), (15, 2), (12, 3), (12, 8), (64, 2), (64, 3), (64, 4), (115, 1)}
"""Class and method that carry a proof, password or key, or a prepayment token."""
_SHORT_WRITES = (0x06, 0x16)


def is_secret(apdu: bytes) -> bool:
    """Whether a plain request carries a secret or asks for one. Of short names the object cannot be told, so
    every write counts; so does what cannot be understood."""
    if not apdu:
        return False
    tag = apdu[0]
    if tag in _SHORT_WRITES:
        return True
    if tag == ACCESS_REQUEST:
        return _is_secret_access(apdu)
    if tag not in (0xC0, 0xC1, 0xC3):
        return False
    try:
        items = _items(Cursor(apdu))
    except DriverError:
        return True
    kinds = SECRET_METHODS if tag == 0xC3 else SECRET_ATTRIBUTES
    return any((item.class_id, item.attribute) in kinds for item in items)


def _is_secret_access(apdu: bytes) -> bool:
    try:
        parts = accessed_items(apdu)
    except DriverError:
        return True
    return any(
        (item.class_id, item.attribute) in (SECRET_METHODS if kind == ACTION else SECRET_ATTRIBUTES)
        for kind, item in parts
    )


def explain_apdu(apdu: bytes, name_of: NameOf, *, hidden: bool = False) -> str:
    """One line about an APDU; ``name_of`` gives the model's name of an item."""
    if not apdu:
        return "empty APDU"
    tag = apdu[0]
    for table, kind in ((_GLOBAL, "glo"), (_DEDICATED, "ded")):
        if tag in table:
            return f"{kind}-{_TAGS.get(table[tag], f'{table[tag]:02X}')}, ciphered, {_sealed(apdu)}"
    word = _TAGS.get(tag)
    if word is None:
        return f"unknown APDU {tag:02X}, {len(apdu)} octets"
    if hidden:
        return f"{word}, {len(apdu)} octets, not recorded: it holds a secret"
    try:
        return f"{word}: {_content(tag, Cursor(apdu), name_of, apdu)}"
    except DriverError as error:
        return f"{word}, damaged: {error.detail or error.code}"


def _sealed(apdu: bytes) -> str:
    """Length, security control and invocation counter of a service-specific ciphered APDU."""
    try:
        cursor = Cursor(apdu[1:])
        cursor.length()
        control, counter = cursor.byte(), int.from_bytes(cursor.take(4), "big")
    except DriverError:
        return f"{len(apdu)} octets"
    return f"{len(apdu)} octets, security control {control:02X}, invocation counter {counter}"


def _content(tag: int, cursor: Cursor, name_of: NameOf, apdu: bytes) -> str:
    if tag == 0x60:
        return f"association asked for, {len(apdu)} octets"
    if tag == 0x61:
        aare = acse.decode_aare(apdu)
        verdict = {0: "accepted", 1: "rejected for good", 2: "rejected for now"}.get(
            aare.result, f"result {aare.result}"
        )
        return f"{verdict}, {aare.reason}"
    if tag == 0xD8:
        return SERVICE_ERRORS.get(apdu[2] if len(apdu) > 2 else 0, "no reason")
    if tag == 0x0E:
        return acse.service_error(apdu)
    if tag in (0xC0, 0xC1, 0xC3):
        return _request(tag, cursor, name_of)
    if tag in (0xC4, 0xC5, 0xC7):
        return _response(tag, cursor)
    return f"{len(apdu)} octets"


def _request(tag: int, cursor: Cursor, name_of: NameOf) -> str:
    start = cursor.index
    items = _items(cursor)
    if not items:
        cursor.index = start
        cursor.take(3)
        return f"block {int.from_bytes(cursor.take(min(4, cursor.left)), 'big')}"
    named = []
    for item in items:
        name = name_of(str(item))
        named.append(f"{item} ({name})" if name else str(item))
    text = ", ".join(named)
    return text if len(items) == 1 else f"{len(items)} items: {text}"


def _items(cursor: Cursor) -> list[Item]:
    """Objects of a GET, SET or ACTION request; none for a next block."""
    tag, form, _ = cursor.byte(), cursor.byte(), cursor.byte()
    lists = {0xC0: (3,), 0xC1: (4, 5), 0xC3: (3, 5)}[tag]
    singles = {0xC0: (1,), 0xC1: (1, 2), 0xC3: (1, 4)}[tag]
    if form in singles:
        return [_item(cursor)]
    if form not in lists:
        return []
    items = []
    for _ in range(min(cursor.length(), 256)):
        items.append(_item(cursor))
        if tag != 0xC3 and cursor.byte():
            cursor.byte()
            cursor.data()
    return items


def _item(cursor: Cursor) -> Item:
    return Item(cursor.word(), cursor.take(6), cursor.byte())


def _response(tag: int, cursor: Cursor) -> str:
    cursor.byte()
    form, _ = cursor.byte(), cursor.byte()
    if tag == 0xC4 and form == 2:
        last = cursor.byte()
        return f"block {int.from_bytes(cursor.take(4), 'big')}{', the last' if last else ''}"
    if tag == 0xC4 and form == 1:
        return _result(cursor)
    if tag == 0xC4 and form == 3:
        return "; ".join(_result(cursor) for _ in range(min(cursor.length(), 256)))
    if tag in (0xC5, 0xC7) and form == 1:
        return access_result(cursor.byte())
    if tag == 0xC5 and form == 4:
        return "; ".join(access_result(cursor.byte()) for _ in range(min(cursor.length(), 256)))
    return f"form {form}"


def _result(cursor: Cursor) -> str:
    if cursor.byte():
        return access_result(cursor.byte())
    text = plain_text(cursor.data()) or "null"
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"
