"""Names of COSEM things: items CLASS:OBIS:ATTR, units, data access results, date-times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from drivers.dlms.data import Data, Tag
from drivers.errors import Garbage, WrongValue

_ITEM = re.compile(r"(\d{1,5}):(\d{1,3}(?:[.\-:]\d{1,3}){4}(?:[.*]\d{1,3}))(?::(-?\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Item:
    """One attribute: class id, logical name (6 bytes), attribute index."""

    class_id: int
    obis: bytes
    attribute: int

    def __str__(self) -> str:
        return f"{self.class_id}:{obis_text(self.obis)}:{self.attribute}"

    def of(self, attribute: int) -> Item:
        """Another attribute of the same object."""
        return Item(self.class_id, self.obis, attribute)


def obis_text(obis: bytes) -> str:
    """``1.0.1.8.0.255``"""
    return ".".join(str(octet) for octet in obis)


def parse_obis(text: str) -> bytes:
    """Six numbers. Raises ``WrongValue``."""
    parts = re.split(r"[.\-:*]", text)
    if len(parts) != 6 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise WrongValue(f"{text!r} is not an OBIS code: six numbers of 0 to 255, like 1.0.1.8.0.255")
    return bytes(int(part) for part in parts)


def parse_item(text: str) -> Item:
    """``3:1.0.1.8.0.255:2``; the attribute may be left out (2). Raises ``WrongValue``."""
    match = _ITEM.fullmatch(text.strip())
    if match is None or int(match[1]) > 0xFFFF:
        raise WrongValue(f"{text!r} is not an item: use CLASS:OBIS:ATTRIBUTE, like 3:1.0.1.8.0.255:2")
    attribute = int(match[3] or "2")
    if not 1 <= attribute <= 127:
        raise WrongValue(f"{text!r}: attribute must be 1 to 127")
    return Item(int(match[1]), parse_obis(match[2]), attribute)


DATA_ACCESS_RESULTS = {
    1: "hardware-fault", 2: "temporary-failure", 3: "read-write-denied", 4: "object-undefined",
    9: "object-class-inconsistent", 11: "object-unavailable", 12: "type-unmatched",
    13: "scope-of-access-violated", 14: "data-block-unavailable", 15: "long-get-aborted",
    16: "no-long-get-in-progress", 17: "long-set-aborted", 18: "no-long-set-in-progress",
    19: "data-block-number-invalid", 250: "other-reason",
}  # fmt: skip
NOT_UNDERSTOOD = -1
"""Our own result beside the meter's: it answered, but not with anything that the standard knows."""
UNSUPPORTED = frozenset({"object-undefined", "object-class-inconsistent", "object-unavailable"})


def access_result(code: int) -> str:
    """Name of a data access or action result; unknown codes keep their number."""
    if code == NOT_UNDERSTOOD:
        return "not-understood"
    return DATA_ACCESS_RESULTS.get(code, f"result-{code}")


UNITS = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "°", 9: "°C", 10: "currency", 11: "m",
    12: "m/s", 13: "m³", 14: "m³", 15: "m³/h", 16: "m³/h", 17: "m³/d", 18: "m³/d", 19: "l", 20: "kg",
    21: "N", 22: "Nm", 23: "Pa", 24: "bar", 25: "J", 26: "J/h", 27: "W", 28: "VA", 29: "var", 30: "Wh",
    31: "VAh", 32: "varh", 33: "A", 34: "C", 35: "V", 36: "V/m", 37: "F", 38: "Ω", 39: "Ωm²/m", 40: "Wb",
    41: "T", 42: "A/m", 43: "H", 44: "Hz", 45: "1/Wh", 46: "1/varh", 47: "1/VAh", 48: "V²h", 49: "A²h",
    50: "kg/s", 51: "S", 52: "K", 53: "1/V²h", 54: "1/A²h", 55: "1/m³", 56: "%", 57: "Ah", 60: "Wh/m³",
    61: "J/m³", 62: "mol%", 63: "g/m³", 64: "Pa·s", 65: "J/kg", 67: "g/cm²", 68: "atm", 70: "dBm",
    71: "dBµV", 72: "dB",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScalerUnit:
    """value × 10^scaler in ``unit`` (text; ``None`` for a count or nothing)."""

    scaler: int
    unit: str | None

    def apply(self, raw: Decimal | int) -> str:
        """Exact decimal text, never in exponent form."""
        value = Decimal(raw)
        return format(value.scaleb(self.scaler), "f") if self.scaler else format(value, "f")


def scaler_unit(data: Data) -> ScalerUnit | None:
    """Decode a scaler_unit structure; ``None`` if the meter gives none."""
    if not isinstance(data.value, tuple) or len(data.items) != 2:
        return None
    scaler, code = data.items[0].value, data.items[1].value
    if not isinstance(scaler, int) or not isinstance(code, int):
        return None
    return ScalerUnit(int(scaler), UNITS.get(int(code), None if code == 255 else f"unit-{code}"))


def currency(data: Data) -> ScalerUnit | None:
    """Decode the currency of an account (class 111, attribute 15: name, scale, unit); ``None`` for anything
    else."""
    if not isinstance(data.value, tuple) or len(data.items) < 2:
        return None
    name, scale = data.items[0].value, data.items[1].value
    if not isinstance(name, bytes) or not isinstance(scale, int):
        return None
    return ScalerUnit(int(scale), text_of(name) if name else None)


# ---- date-time, Blue Book 4.1.6.1: local time, deviation in minutes with UTC = local + deviation

DEVIATION_UNSPECIFIED = -0x8000


@dataclass(frozen=True, slots=True)
class CosemTime:
    """``local`` without zone; ``deviation`` minutes or ``None``; ``status`` clock status bits (0xFF
    unspecified)."""

    local: datetime
    deviation: int | None
    status: int

    def utc(self, *, zone_minutes: int | None = None, reversed_sign: bool = False) -> datetime | None:
        """In UTC; with an unspecified deviation by ``zone_minutes`` (same sign rule), else ``None``."""
        minutes = self.deviation if self.deviation is not None else zone_minutes
        if minutes is None:
            return None
        shift = timedelta(minutes=-minutes if reversed_sign else minutes)
        return (self.local + shift).replace(tzinfo=UTC)


def parse_date_time(octets: bytes) -> CosemTime | None:
    """12 bytes; ``None`` where any part that matters is unspecified or impossible."""
    if len(octets) != 12:
        return None
    year = int.from_bytes(octets[:2], "big")
    month, day, hour, minute, second, hundredths = (octets[i] for i in (2, 3, 5, 6, 7, 8))
    second = 0 if second == 0xFF else second
    hundredths = 0 if hundredths == 0xFF else hundredths
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    try:
        local = datetime(year, month, day, hour, minute, second, hundredths * 10_000)  # noqa: DTZ001  # local by definition
    except ValueError:
        return None
    known = None if deviation == DEVIATION_UNSPECIFIED or abs(deviation) > 840 else deviation
    return CosemTime(local, known, octets[11])


def format_date_time(local: datetime, deviation: int | None, status: int = 0xFF) -> bytes:
    """12 bytes; day of week 1 = Monday."""
    shift = DEVIATION_UNSPECIFIED if deviation is None else deviation
    return (
        local.year.to_bytes(2, "big")
        + bytes([local.month, local.day, local.isoweekday(), local.hour, local.minute, local.second])
        + bytes([local.microsecond // 10_000])
        + shift.to_bytes(2, "big", signed=True)
        + bytes([status])
    )


def iso_utc(moment: datetime) -> str:
    """``2026-05-01T12:00:00Z``"""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def iso_local(time: CosemTime, *, reversed_sign: bool = False) -> str:
    """Local time of the meter with its offset where it is known."""
    moment = time.local.replace(microsecond=0)
    if time.deviation is None:
        return moment.isoformat()
    minutes = time.deviation if reversed_sign else -time.deviation
    return moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat()


def text_of(octets: bytes) -> str:
    """A string of a meter as text: printable ASCII or UTF-8 as it is, else hex."""
    trimmed = octets.rstrip(b"\x00")
    if not trimmed:
        return octets.hex()
    try:
        text = trimmed.decode("utf-8")
    except UnicodeDecodeError:
        return octets.hex().upper()
    return text.strip() if text.isprintable() else octets.hex().upper()


def plain_text(data: Data) -> str | None:
    """Readable text of any value; containers as JSON-like text; ``None`` for null."""
    value = data.value
    if value is None:
        return None
    if isinstance(value, tuple):
        inner = ", ".join(plain_text(item) or "null" for item in value)
        return f"[{inner}]" if data.tag == Tag.ARRAY else f"{{{inner}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return _octets_text(data.tag, value)
    return str(value)


def _octets_text(tag: int, value: bytes) -> str:
    if tag == Tag.DATE_TIME or (tag == Tag.OCTET_STRING and len(value) == 12 and _looks_like_time(value)):
        time = parse_date_time(value)
        if time is not None:
            return iso_local(time)
    return text_of(value)


def _looks_like_time(octets: bytes) -> bool:
    return 1990 <= int.from_bytes(octets[:2], "big") <= 2100 and octets[2] in range(1, 13)


def require(condition: bool, what: str) -> None:
    """Raise ``Garbage`` if a decoded structure is not what its class says."""
    if not condition:
        raise Garbage(detail=what)
