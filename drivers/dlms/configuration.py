"""Parts of a program as settings of COSEM objects: time zone, special days, profiles, displays, demand,
push, modem, transformer ratios, objects by the names of their attributes. No I/O here.

The wanted state is one ``Data``, written in the types that the meter itself holds: makes differ in them
where the standard leaves a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from drivers.changes import ChangeState, Danger
from drivers.dlms.attributes import scaler_item
from drivers.dlms.classes import attributes_of, decode
from drivers.dlms.classes.shapes import readable
from drivers.dlms.cosem import Item, parse_item, scaler_unit
from drivers.dlms.data import Data, Tag, array, integer, long_unsigned, octet_string, structure, unsigned
from drivers.dlms.settings import (
    Finding,
    PlainValue,
    Results,
    Setting,
    Write,
    data_of,
    same_data,
    unreadable,
)
from drivers.errors import WrongValue
from drivers.program_parts import (
    DaylightSaving,
    DemandSetting,
    ObjectSetting,
    ProfileSetting,
    PushSetting,
    SpecialDays,
    TimeZone,
    TransformerSetting,
    Window,
    special_date,
    time_of_day,
    transport_of,
    yearly_start,
)
from drivers.programs import Program, ValueSetting

Resolve = Callable[[str], str]
_UNSPECIFIED_ZONE = bytes([0x80, 0x00, 0xFF])
_START_OCTETS = 7
_MOST_SECONDARY = Decimal("1.2")
_VOLTAGE_BAND = (Decimal("0.8"), Decimal("1.2"))


def same_start(left: Data, right: Data) -> bool:
    """Whether two yearly starts are the same to the minute: makes fill the rest of the octets differently."""
    one, other = left.value, right.value
    if not isinstance(one, bytes) or not isinstance(other, bytes):
        return False
    return one[:_START_OCTETS] == other[:_START_OCTETS]


@dataclass(frozen=True)
class WholeState:
    """An attribute that should hold exactly one value, whatever its structure."""

    id: str
    name: str
    item: Item
    wanted: Data
    danger: Danger = Danger.HARMLESS
    same: Callable[[Data, Data], bool] = same_data

    def reads(self, known: Results) -> list[Item]:
        return [] if self.item in known else [self.item]

    def judge(self, known: Results, now: datetime) -> Finding:
        will_be = self._text(self.wanted)
        data = data_of(known, self.item)
        if data is None:
            return unreadable(known, self.item, will_be)
        wanted = in_types_of(data, self.wanted)
        if self.same(data, wanted):
            return Finding(ChangeState.SAME, self._text(data), will_be, now_data=data, wanted=wanted)
        return Finding(
            ChangeState.DIFFERS, self._text(data), will_be, self.danger, now_data=data, wanted=wanted
        )

    def writes(self, state: Data, now: datetime, known: Results) -> list[Write]:
        return [Write(self.item, state)]

    def _text(self, data: Data) -> str:
        return state_text(self.item, data)


OBJECT_LISTS = {(7, 3), (40, 2)}
"""Class and attribute of lists of other objects' attributes."""


def state_text(item: Item, data: Data) -> str:
    """How the state of an attribute reads in a plan and in the journal."""
    if (item.class_id, item.attribute) in OBJECT_LISTS:
        return objects_text(data)
    return readable(decode(item.class_id, None, item.attribute, data).value) or "—"


def objects_text(data: Data) -> str:
    """A list of captured, shown or pushed attributes as items, in order."""
    shown = []
    for row in data.items:
        parts = row.items if isinstance(row.value, tuple) else ()
        if len(parts) < 3 or not isinstance(parts[1].value, bytes) or len(parts[1].value) != 6:
            return "—"
        shown.append(str(Item(parts[0].number, parts[1].octets, parts[2].number)))
    return ", ".join(shown) or "—"


def in_types_of(now: Data, wanted: Data) -> Data:
    """``wanted`` with the tags of what the meter holds, as far as both have the same form; of an array the
    first element tells those of all."""
    if isinstance(now.value, tuple) and isinstance(wanted.value, tuple):
        if now.tag != wanted.tag or not now.value:
            return wanted
        if wanted.tag == Tag.ARRAY:
            return Data(wanted.tag, tuple(in_types_of(now.value[0], part) for part in wanted.value))
        if len(now.value) != len(wanted.value):
            return wanted
        pairs = zip(now.value, wanted.value, strict=True)
        return Data(wanted.tag, tuple(in_types_of(one, part) for one, part in pairs))
    alike = type(now.value) is type(wanted.value)
    return Data(now.tag, wanted.value) if alike else wanted


def parts_of(program: Program, resolve: Resolve) -> list[Setting]:
    """The settings of all parts of a program. Raises ``WrongValue``."""
    found: list[Setting] = []
    if program.special_days is not None:
        found.append(_special_days(program.special_days))
    if program.time_zone is not None:
        found += _time_zone(program.time_zone)
    for display in program.displays:
        item = parse_item(display.item).of(3)
        found.append(
            WholeState(setting_id("display", item), "display list", item, capture_objects(display.objects))
        )
    for profile in program.profiles:
        found += _profile(profile)
    for demand in program.demands:
        found += _demand(demand)
    for part in program.objects:
        found += _object(part, resolve)
    if program.transformers is not None:
        found += _transformers(program.transformers, resolve)
    if program.disconnect is not None:
        item = parse_item(program.disconnect.item)
        mode = Data(Tag.ENUM, program.disconnect.mode)
        found.append(WholeState("disconnect.mode", "disconnect mode", item, mode, Danger.SUPPLY))
    for push in program.pushes:
        found += _push(push, resolve)
    if program.modem is not None:
        item = parse_item(program.modem.item)
        apn = octet_string(resolve(program.modem.apn).encode())
        found.append(WholeState("modem.apn", "access point name", item, apn, Danger.COMMUNICATION))
    return found


def setting_id(word: str, item: Item) -> str:
    """Ids stay readable and are unique where a program has several of a kind: C.D.E of the logical name, and
    B before them where the object is of a channel of its own (an M-Bus device, a second charge)."""
    numbers = item.obis[1:5] if item.obis[1] else item.obis[2:5]
    return f"{word}.{'.'.join(str(octet) for octet in numbers)}"


def _special_days(setting: SpecialDays) -> WholeState:
    rows = [
        structure(long_unsigned(number), octet_string(special_date(one.date)), unsigned(one.day))
        for number, one in enumerate(setting.days, start=1)
    ]
    return WholeState("special_days", "special days", parse_item(setting.item), array(*rows))


def _time_zone(setting: TimeZone) -> Iterator[Setting]:
    item = parse_item(setting.item)
    saving = setting.daylight_saving
    if saving is not None:
        yield from _daylight_saving(item, saving)
    enabled = Data(Tag.BOOLEAN, saving is not None)
    yield WholeState("daylight_saving.enabled", "daylight saving", item.of(8), enabled)
    zone = Data(Tag.LONG, setting.minutes)
    yield WholeState("time_zone", "time zone (minutes)", item.of(3), zone, Danger.CLOCK_JUMP)


def _daylight_saving(item: Item, saving: DaylightSaving) -> Iterator[Setting]:
    for attribute, word, text in ((5, "begin", saving.begin), (6, "end", saving.end)):
        start = octet_string(yearly_start(text) + b"\x00" + _UNSPECIFIED_ZONE)
        name = f"daylight saving, {word}"
        yield WholeState(f"daylight_saving.{word}", name, item.of(attribute), start, same=same_start)
    deviation = Data(Tag.INTEGER, saving.deviation_minutes)
    yield WholeState("daylight_saving.deviation", "daylight saving (minutes)", item.of(7), deviation)


def capture_objects(items: list[str]) -> Data:
    """capture_object_definition of each CLASS:OBIS:ATTRIBUTE."""
    rows = []
    for text in items:
        item = parse_item(text)
        rows.append(
            structure(
                long_unsigned(item.class_id),
                octet_string(item.obis),
                integer(item.attribute),
                long_unsigned(0),
            )
        )
    return array(*rows)


def _profile(setting: ProfileSetting) -> Iterator[Setting]:
    item = parse_item(setting.item)
    if setting.objects:
        wanted = capture_objects(setting.objects)
        yield WholeState(
            setting_id("capture_objects", item), "capture objects", item.of(3), wanted, Danger.DATA_LOSS
        )
    if setting.period is not None:
        period = Data(Tag.DOUBLE_LONG_UNSIGNED, setting.period)
        yield WholeState(
            setting_id("capture_period", item), "capture period (s)", item.of(4), period, Danger.DATA_LOSS
        )


def _demand(setting: DemandSetting) -> Iterator[Setting]:
    item = parse_item(setting.item)
    parts = (
        (8, "period", "demand period (s)", Data(Tag.DOUBLE_LONG_UNSIGNED, setting.period)),
        (9, "periods", "demand periods", long_unsigned(setting.periods)),
    )
    for attribute, word, name, wanted in parts:
        yield WholeState(
            setting_id(f"demand_{word}", item), name, item.of(attribute), wanted, Danger.DATA_LOSS
        )


def _object(setting: ObjectSetting, resolve: Resolve) -> Iterator[Setting]:
    base = parse_item(setting.item)
    for name, text in setting.set.items():
        attribute = attribute_named(base.class_id, name)
        item = base.of(attribute)
        label = f"{setting.name or setting_id('object', base)}, {name.replace('_', ' ')}"
        plain = ValueSetting(f"{setting_id(name, base)}", str(item), label, text, setting.danger)
        yield PlainValue(plain, resolve(text))


def attribute_named(class_id: int, name: str) -> int:
    """The index of an attribute by its standard name. Raises ``WrongValue`` naming what there is."""
    known = attributes_of(class_id, None)
    for index, attribute in known.items():
        if attribute.name == name and not attribute.secret:
            return index
    names = ", ".join(attribute.name for attribute in known.values() if not attribute.secret)
    raise WrongValue(f"Class {class_id} has no attribute {name!r}; it has: {names or 'none that are known'}.")


# ---- push


def _push(setting: PushSetting, resolve: Resolve) -> Iterator[Setting]:
    item = parse_item(setting.item)
    destination = structure(
        Data(Tag.ENUM, transport_of(setting.transport)),
        octet_string(resolve(setting.destination).encode()),
        Data(Tag.ENUM, 0),
    )
    parts: list[tuple[int, str, Data]] = [
        (2, "objects", capture_objects(setting.objects)),
        (4, "window", array(*(_window(window) for window in setting.windows))),
    ]
    if setting.random_start_seconds is not None:
        parts.append((5, "random start (s)", long_unsigned(setting.random_start_seconds)))
    if setting.retries is not None:
        parts.append((6, "retries", unsigned(setting.retries)))
    for attribute, word, wanted in parts:
        key = setting_id(f"push_{word.split()[0]}", item)
        yield WholeState(key, f"push, {word}", item.of(attribute), wanted)
    key = setting_id("push_destination", item)
    yield WholeState(key, "push, destination", item.of(3), destination, Danger.COMMUNICATION)


def _window(window: Window) -> Data:
    return structure(*(octet_string(_daily(text)) for text in (window.start, window.end)))


def _daily(text: str) -> bytes:
    hour, minute = time_of_day(text)
    return bytes([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, hour, minute, 0, 0]) + _UNSPECIFIED_ZONE


# ---- transformers


class Ratio(PlainValue):
    """One number of a transformer's ratio. Where what the meter measures now does not fit the plates, it
    asks."""

    def __init__(self, setting: ValueSetting, value: str, live: LiveCheck) -> None:
        super().__init__(setting, value)
        self._live = live

    def reads(self, known: Results) -> list[Item]:
        return [*super().reads(known), *(item for item in self._live.items if item not in known)]

    def judge(self, known: Results, now: datetime) -> Finding:
        found = super().judge(known, now)
        doubt = self._live.doubt(known)
        if doubt is None or found.state is not ChangeState.DIFFERS:
            return found
        return Finding(
            found.state, found.now, found.will_be, Danger.IMPLAUSIBLE, doubt, found.now_data, found.wanted
        )


@dataclass(frozen=True)
class LiveCheck:
    """Voltage and current at the meter's terminals against the plates of the transformers."""

    voltage: Item
    current: Item
    ct_secondary: Decimal
    vt_ratio: Decimal
    nominal_voltage: Decimal | None

    @property
    def items(self) -> list[Item]:
        wanted = [self.current] if self.nominal_voltage is None else [self.current, self.voltage]
        scalers = [scaler_item(item) for item in wanted]
        return [*wanted, *(item for item in scalers if item is not None)]

    def doubt(self, known: Results) -> str | None:
        """What does not fit; ``None`` where it fits or cannot be told."""
        current = _measured(known, self.current)
        if current is not None and abs(current) > self.ct_secondary * _MOST_SECONDARY:
            return f"{current:f} A now: more than a secondary of {self.ct_secondary:f} A carries"
        voltage = _measured(known, self.voltage)
        if self.nominal_voltage is None or voltage is None:
            return None
        primary = voltage * self.vt_ratio
        low, high = (self.nominal_voltage * part for part in _VOLTAGE_BAND)
        if low <= primary <= high:
            return None
        shown = f"{primary.quantize(Decimal(1)):f} V primary"
        return f"{voltage:f} V now: {shown}, not {self.nominal_voltage:f} V"


def _measured(known: Results, item: Item) -> Decimal | None:
    data, where = data_of(known, item), scaler_item(item)
    scale_data = data_of(known, where) if where is not None else None
    scale = scaler_unit(scale_data) if scale_data is not None else None
    if data is None or scale is None or isinstance(data.value, bool):
        return None
    if not isinstance(data.value, int | Decimal):
        return None
    return Decimal(data.value).scaleb(scale.scaler)


def _transformers(setting: TransformerSetting, resolve: Resolve) -> Iterator[Setting]:
    words = ("ct_primary", "ct_secondary", "vt_primary", "vt_secondary")
    values = {word: resolve(getattr(setting, word)) for word in words}
    numbers = {word: _positive(word, text) for word, text in values.items()}
    nominal = resolve(setting.nominal_voltage) if setting.nominal_voltage else None
    live = LiveCheck(
        parse_item(setting.voltage_item),
        parse_item(setting.current_item),
        numbers["ct_secondary"],
        numbers["vt_primary"] / numbers["vt_secondary"],
        _positive("nominal_voltage", nominal) if nominal else None,
    )
    for word in words:
        item: str = getattr(setting, f"{word}_item")
        name = word.replace("_", " ").replace("ct", "CT").replace("vt", "VT")
        plain = ValueSetting(f"transformers.{word}", item, name, values[word], Danger.HARMLESS)
        yield Ratio(plain, values[word], live)


def _positive(word: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise WrongValue(f"{word} {text!r} is not a number") from None
    if not number.is_finite() or number <= 0:
        raise WrongValue(f"{word} {text!r}: a ratio is of numbers above zero")
    return number
