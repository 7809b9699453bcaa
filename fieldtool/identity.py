"""The four-way match: order, label, optical identity and stock list must name the same device.

Pure: what the four say goes in, a verdict comes out, with the characters that differ, the likely cause and
what to do about it. Nothing here passes a mismatch; that takes a reasoned override by a role that may
(`fieldtool.run`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

ON_TRUCK = "on_truck"
INSTALLED = "installed"


class Source(StrEnum):
    """Who names a device."""

    ORDER = "order"
    LABEL = "label"
    OPTICAL = "optical"
    STOCK = "stock"


class SourceState(StrEnum):
    """How a source stands to the others."""

    EXPECTED = "expected"
    EQUAL = "equal"
    DIFFERS = "differs"
    UNREAD = "unread"
    OTHER_ORDER = "other_order"
    NOT_ON_TRUCK = "not_on_truck"
    ABSENT = "absent"


class Verdict(StrEnum):
    """Of the whole match."""

    EQUAL = "equal"
    MISMATCH = "mismatch"


class Cause(StrEnum):
    """The likely reason of a mismatch."""

    LABEL_UNREAD = "label_unread"
    OPTICAL_UNREAD = "optical_unread"
    SWAPPED_ORDER = "swapped_order"
    LABEL_OF_BOX = "label_of_box"
    OTHER_METER_MOUNTED = "other_meter_mounted"
    NOT_ON_TRUCK = "not_on_truck"
    OTHER_CREW = "other_crew"
    ALREADY_INSTALLED = "already_installed"
    OTHER_MODEL = "other_model"
    OTHER_DEVICE = "other_device"


class Remedy(StrEnum):
    """What to do about it; names the primary button."""

    SCAN_LABEL = "scan_label"
    READ_METER = "read_meter"
    MOUNT_EXPECTED = "mount_expected"
    MOUNT_FROM_TRUCK = "mount_from_truck"
    ASK_OFFICE = "ask_office"


class StockItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the stock list says of a serial."""

    serial: str
    model: str
    state: str
    crew: str | None = None


class OtherOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of this tablet that expects a serial."""

    order_id: str
    number: str
    place: str = ""


class MatchInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the four sources say.

    Attributes:
        order_serial: None where the office left the choice of device to the crew (then the model counts).
        stock: items by serial, at least for the serials named here.
        others: other open orders by the serial they expect.
        crew: whose truck this is.
        has_port: False for a device without an optical port: three sources must agree then.
        from_truck: False for a device that hung there before the crew came: no stock list speaks of it.
    """

    order_serial: str | None
    order_model: str | None
    label: str | None
    optical: str | None
    stock: Mapping[str, StockItem]
    others: Mapping[str, OtherOrder] = {}
    crew: str | None = None
    has_port: bool = True
    from_truck: bool = True


class MatchLine(msgspec.Struct, frozen=True, kw_only=True):
    """One source, what it names, and the half-open ranges of characters that differ from the reference."""

    source: Source
    serial: str | None
    state: SourceState
    marks: list[tuple[int, int]] = []
    note: str | None = None


class MatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. `params` fill the texts of cause and remedy; `other` is the order it was swapped with."""

    verdict: Verdict
    lines: list[MatchLine]
    cause: Cause | None = None
    remedy: Remedy | None = None
    params: dict[str, str] = {}
    other: OtherOrder | None = None

    @property
    def equal(self) -> bool:
        """Whether all four name the same device."""
        return self.verdict is Verdict.EQUAL


def last_four(serial: str | None) -> str:
    """The last four digits of a serial, which confirm a dangerous act."""
    return "".join(ch for ch in serial or "" if ch.isdigit())[-4:]


def normalise_serial(serial: str | None) -> str | None:
    """A serial without the spaces and hyphens people put in, in capitals; None for nothing."""
    if serial is None:
        return None
    plain = "".join(ch for ch in serial.strip().upper() if ch not in " -\u00a0")
    return plain or None


_SEPARATORS = str.maketrans("", "", " :-")


def same_identity(one: str, other: str) -> bool:
    """Whether two network identities are equal but for how people separate and write their parts."""
    return one.translate(_SEPARATORS).upper() == other.translate(_SEPARATORS).upper()


def difference(serial: str, reference: str) -> list[tuple[int, int]]:
    """Half-open ranges of `serial` that differ from `reference`, neighbours joined.

    Of unequal length: everything between the common beginning and the common end.
    """
    if len(serial) != len(reference):
        shorter = min(len(serial), len(reference))
        head = next((i for i in range(shorter) if serial[i] != reference[i]), shorter)
        tail = next((i for i in range(shorter - head) if serial[-1 - i] != reference[-1 - i]), shorter - head)
        end = max(len(serial) - tail, head)
        if end > head:
            return [(head, end)]
        # Characters are missing here: the one beside the gap is marked, for a gap itself cannot be.
        return [(max(head - 1, 0), max(head, 1))] if serial else []
    ranges: list[tuple[int, int]] = []
    for index, (one, other) in enumerate(zip(serial, reference, strict=True)):
        if one == other:
            continue
        if ranges and ranges[-1][1] == index:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges


def match(given: MatchInput) -> MatchResult:
    """Compare the four sources and say what is wrong, if anything, why, and what to do."""
    order = normalise_serial(given.order_serial)
    label, optical = normalise_serial(given.label), normalise_serial(given.optical)
    in_hand = optical or label
    item = given.stock.get(in_hand) if in_hand else None
    cause, remedy, params = _judge(given, order, label, optical, item)
    other = given.others.get(in_hand) if in_hand and cause is Cause.SWAPPED_ORDER else None
    lines = _lines(given, order, label, optical, item, equal=cause is None)
    return MatchResult(
        verdict=Verdict.EQUAL if cause is None else Verdict.MISMATCH,
        lines=lines,
        cause=cause,
        remedy=remedy,
        params=params,
        other=other,
    )


_Judgement = tuple[Cause | None, Remedy | None, dict[str, str]]


def _judge(
    given: MatchInput, order: str | None, label: str | None, optical: str | None, item: StockItem | None
) -> _Judgement:
    if label is None:
        return Cause.LABEL_UNREAD, Remedy.SCAN_LABEL, {}
    if optical is None and not given.has_port:
        optical = label
    if optical is None:
        return Cause.OPTICAL_UNREAD, Remedy.READ_METER, {}
    if label != optical:
        if order is None or optical == order:
            return Cause.LABEL_OF_BOX, Remedy.SCAN_LABEL, {"label": label, "optical": optical}
        if label == order:
            return Cause.OTHER_METER_MOUNTED, Remedy.MOUNT_EXPECTED, {"serial": order, "optical": optical}
    if order is not None and optical != order:
        return _not_the_ordered(given, order, optical, item)
    if not given.from_truck:
        return None, None, {}
    return _by_stock(given, optical, item)


def _not_the_ordered(given: MatchInput, order: str, in_hand: str, item: StockItem | None) -> _Judgement:
    expected = given.stock.get(order)
    at_hand = expected is not None and expected.state == ON_TRUCK and _own(given, expected)
    remedy = Remedy.MOUNT_EXPECTED if at_hand else Remedy.ASK_OFFICE
    params = {"serial": order, "in_hand": in_hand}
    other = given.others.get(in_hand)
    if other is not None:
        return Cause.SWAPPED_ORDER, remedy, params | {"order": other.number, "place": other.place}
    if item is None or item.state != ON_TRUCK or not _own(given, item):
        return _by_stock(given, in_hand, item, remedy)
    return Cause.OTHER_DEVICE, remedy, params


def _by_stock(
    given: MatchInput, in_hand: str, item: StockItem | None, remedy: Remedy = Remedy.MOUNT_FROM_TRUCK
) -> _Judgement:
    if item is None:
        return Cause.NOT_ON_TRUCK, remedy, {"in_hand": in_hand}
    if item.state == INSTALLED:
        return Cause.ALREADY_INSTALLED, Remedy.ASK_OFFICE, {"in_hand": in_hand}
    if item.state != ON_TRUCK:
        return Cause.NOT_ON_TRUCK, remedy, {"in_hand": in_hand, "state": item.state}
    if not _own(given, item):
        return Cause.OTHER_CREW, remedy, {"in_hand": in_hand, "crew": item.crew or ""}
    if given.order_model is not None and item.model != given.order_model:
        return (
            Cause.OTHER_MODEL,
            Remedy.MOUNT_FROM_TRUCK,
            {"model": item.model, "expected": given.order_model},
        )
    return None, None, {}


def _own(given: MatchInput, item: StockItem) -> bool:
    return item.crew is None or given.crew is None or item.crew == given.crew


def _lines(
    given: MatchInput,
    order: str | None,
    label: str | None,
    optical: str | None,
    item: StockItem | None,
    *,
    equal: bool,
) -> list[MatchLine]:
    reference = order or optical or label
    lines = [_order_line(given, order, label, optical, equal=equal)]
    sources = [(Source.LABEL, label), (Source.OPTICAL, optical)]
    for source, serial in sources if given.has_port else sources[:1]:
        lines.append(_line(source, serial, reference))
    if not given.from_truck:
        return lines
    return [*lines, _stock_line(given, item, optical or label, reference)]


def _order_line(
    given: MatchInput, order: str | None, label: str | None, optical: str | None, *, equal: bool
) -> MatchLine:
    if order is None:
        return MatchLine(source=Source.ORDER, serial=None, state=SourceState.ABSENT, note=given.order_model)
    if equal:
        return MatchLine(source=Source.ORDER, serial=order, state=SourceState.EQUAL)
    other = next((serial for serial in (optical, label) if serial and serial != order), None)
    marks = difference(order, other) if other else []
    return MatchLine(source=Source.ORDER, serial=order, state=SourceState.EXPECTED, marks=marks)


def _line(source: Source, serial: str | None, reference: str | None) -> MatchLine:
    if serial is None or reference is None:
        return MatchLine(source=source, serial=None, state=SourceState.UNREAD)
    if serial == reference:
        return MatchLine(source=source, serial=serial, state=SourceState.EQUAL)
    return MatchLine(
        source=source, serial=serial, state=SourceState.DIFFERS, marks=difference(serial, reference)
    )


def _stock_line(
    given: MatchInput, item: StockItem | None, in_hand: str | None, reference: str | None
) -> MatchLine:
    if in_hand is None or reference is None:
        return MatchLine(source=Source.STOCK, serial=None, state=SourceState.UNREAD)
    if item is None or item.state != ON_TRUCK or not _own(given, item):
        note = item.state if item else None
        return MatchLine(source=Source.STOCK, serial=None, state=SourceState.NOT_ON_TRUCK, note=note)
    if in_hand != reference:
        state = SourceState.OTHER_ORDER if in_hand in given.others else SourceState.DIFFERS
        marks = difference(in_hand, reference)
        return MatchLine(source=Source.STOCK, serial=in_hand, state=state, marks=marks, note=item.model)
    return MatchLine(source=Source.STOCK, serial=in_hand, state=SourceState.EQUAL, note=item.model)
