"""Reads many attributes in few requests: with-list where the meter can, halved and then single where it
can't."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from drivers.dlms.acse import Conformance
from drivers.dlms.apdu import Result, ServiceException
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import (
    NOT_UNDERSTOOD,
    Item,
    ScalerUnit,
    access_result,
    currency,
    iso_local,
    iso_utc,
    parse_date_time,
    plain_text,
    scaler_unit,
)
from drivers.dlms.data import Data, Tag
from drivers.errors import Garbage
from drivers.reading import Reading

_DESCRIPTOR_BYTES = 10
_HEAD_BYTES = 8
_MOST = 100
_SCALED = {(3, 2): 3, (4, 2): 3, (5, 2): 4, (5, 3): 4} | dict.fromkeys(
    ((111, amount) for amount in (5, 6, 7, 8, 16, 17, 18)), 15
)
"""Class and attribute whose value has a scaler_unit (an account: a currency), and the attribute of that."""
_IN_CURRENCY = {112: frozenset({2, 5, 6, 9, 10}), 113: frozenset({2, 11, 12})}
"""Amounts of credits and charges are in the currency of their account."""
_SCALERS = frozenset({(3, 3), (4, 3), (5, 4), (111, 15)})
_OTHER_REASON = 250

Progress = Callable[[int, int], None]


class ListLimit:
    """The longest with-list read that this type of meter takes; ``None`` while nothing speaks against any."""

    def __init__(self, value: int | None = None) -> None:
        self.value = value

    def lower(self, tried: int) -> None:
        self.value = max(1, tried // 2)


class AttributeReader:
    """Reads attributes through one association; scalers are remembered as long as the session lives."""

    def __init__(self, client: DlmsClient, limit: ListLimit) -> None:
        self._client = client
        self._limit = limit

    def read(
        self,
        items: Iterable[Item],
        progress: Progress | None = None,
        into: dict[Item, Result] | None = None,
    ) -> dict[Item, Result]:
        """Every item with its result; each attribute is asked once. What stands in ``into`` already is not
        asked again, and what comes is put there at once: it outlives a cut."""
        results: dict[Item, Result] = {} if into is None else into
        wanted = [item for item in dict.fromkeys(items) if item not in results]
        known, total = len(results), len(results) + len(wanted)
        index = 0
        while index < len(wanted):
            chunk = wanted[index : index + self._chunk_size()]
            answers = self._chunk(chunk)
            if answers is None:
                self._limit.lower(len(chunk))
                continue
            results.update(zip(chunk, answers, strict=True))
            index += len(chunk)
            if progress:
                progress(known + index, total)
        return results

    def _chunk_size(self) -> int:
        if not self._client.allows(Conformance.MULTIPLE_REFERENCES):
            return 1
        by_size = (self._client.request_limit - _HEAD_BYTES) // _DESCRIPTOR_BYTES
        return max(1, min(by_size, _MOST, self._limit.value or _MOST))

    def _chunk(self, chunk: list[Item]) -> list[Result] | None:
        """``None`` if the meter does not take a list of this length."""
        if len(chunk) == 1:
            return [self._single(chunk[0])]
        try:
            answers = self._client.get_list(chunk)
        except ServiceException:
            return None
        except Garbage:
            return self._one_by_one(chunk)
        if all(answer.data is None and answer.access == _OTHER_REASON for answer in answers):
            return None
        return answers

    def _one_by_one(self, chunk: list[Item]) -> list[Result]:
        """After a list whose answer cannot be understood: is it the list, or one value in it?"""
        answers = [self._single(item) for item in chunk]
        if all(answer.access != NOT_UNDERSTOOD for answer in answers):
            self._limit.lower(len(chunk))
        return answers

    def _single(self, item: Item) -> Result:
        try:
            return self._client.get(item)
        except ServiceException:
            return Result(None, _OTHER_REASON)
        except Garbage:
            return Result(None, NOT_UNDERSTOOD)


def scaler_item(item: Item) -> Item | None:
    """Where the scaler_unit of an attribute stands, if it has one.

    Accounts, credits and charges of one commodity differ in the tens of D alone: 0.b.19.1x.e.255 is a credit
    of the account 0.b.19.0x.0.255 (IEC 62056-6-1).
    """
    if item.attribute in _IN_CURRENCY.get(item.class_id, ()):
        return Item(111, bytes([*item.obis[:3], item.obis[3] % 10, 0, item.obis[5]]), 15)
    attribute = _SCALED.get((item.class_id, item.attribute))
    return item.of(attribute) if attribute else None


def capture_time_item(item: Item) -> Item | None:
    """Where the capture time of an extended register stands."""
    return item.of(5) if (item.class_id, item.attribute) == (4, 2) else None


def to_reading(
    asked: str,
    item: Item,
    name: str | None,
    results: dict[Item, Result],
    scalers: dict[Item, ScalerUnit | None],
    *,
    reversed_sign: bool = False,
) -> Reading:
    """One reading of what was ``asked``: scaler applied in decimal, unit, time; or the reason there is none.

    A value whose scaler the meter did not give is not shown as if it were scaled: its status says so.
    """
    result = results[item]
    if result.data is None:
        return Reading(asked, name, status=access_result(result.access))
    value = result.data
    time = _capture_time(capture_time_item(item), results, reversed_sign)
    where = scaler_item(item)
    if where is not None and isinstance(value.value, int | Decimal) and not isinstance(value.value, bool):
        scaler = scalers.get(where)
        if scaler is None:
            return Reading(asked, name, str(value.value), None, time, "scaler-unknown")
        return Reading(asked, name, scaler.apply(value.value), scaler.unit, time)
    return Reading(asked, name, value_text(item, value, reversed_sign), None, time)


def value_text(item: Item, value: Data, reversed_sign: bool = False) -> str | None:
    """Readable text of an attribute without scaler."""
    is_clock = item.class_id == 8 and item.attribute == 2
    if (is_clock or value.tag == Tag.DATE_TIME) and isinstance(value.value, bytes):
        time = parse_date_time(value.value)
        return iso_local(time, reversed_sign=reversed_sign) if time else value.value.hex().upper()
    if item.class_id == 43 and item.attribute == 2 and isinstance(value.value, bytes):
        return value.value.hex(":").upper()
    if item.attribute == 1 and isinstance(value.value, bytes) and len(value.value) == 6:
        return ".".join(str(octet) for octet in value.value)
    if item.class_id == 116:
        return _sts_text(item.attribute, value)
    return plain_text(value)


_STS_DIGITS = {6: 6, 7: 2}
"""How many digits a supply group code and a tariff index have (IEC 62055-41): leading zeros count."""


def _sts_text(attribute: int, value: Data) -> str | None:
    """Class 116 as the STS writes it; the meter's number as all of its 18 digits."""
    if attribute in _STS_DIGITS and isinstance(value.value, int):
        return f"{value.value:0{_STS_DIGITS[attribute]}d}"
    parts = [part.value for part in value.items] if attribute == 2 and isinstance(value.value, tuple) else []
    numbers = [part for part in parts if isinstance(part, int)]
    if len(numbers) != 3:
        return plain_text(value)
    issuer, reference, check = numbers
    # Issuers of eleven-digit numbers have six digits, the one of thirteen-digit numbers is 0000.
    head = f"{issuer:06d}{reference:011d}" if issuer else f"{issuer:04d}{reference:013d}"
    return f"{head}{check}"


def remember_scalers(results: dict[Item, Result], scalers: dict[Item, ScalerUnit | None]) -> None:
    """Keep every scaler_unit and currency among the results."""
    for item, result in results.items():
        if (item.class_id, item.attribute) in _SCALERS and result.data is not None:
            scalers[item] = currency(result.data) if item.class_id == 111 else scaler_unit(result.data)


def _capture_time(where: Item | None, results: dict[Item, Result], reversed_sign: bool) -> str | None:
    if where is None or where not in results:
        return None
    data = results[where].data
    if data is None or not isinstance(data.value, bytes):
        return None
    time = parse_date_time(data.value)
    moment = time.utc(reversed_sign=reversed_sign) if time else None
    return iso_utc(moment) if moment else None
