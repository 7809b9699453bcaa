"""The parts of a program beside clock, calendar and limiter: time zone, special days, profiles, displays,
demand, push, modem, transformer ratios, objects by the names of their attributes. What each key means:
``assets/programs/README.md``.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Annotated

import msgspec

from drivers.changes import Danger

_ORDINALS = {"first": 1, "second": 8, "third": 15, "fourth": 22, "last": 0xFE}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_BY_WEEKDAY = re.compile(
    rf"({'|'.join(_ORDINALS)}) ({'|'.join(_WEEKDAYS)}) of ({'|'.join(_MONTHS)}) ([01]\d|2[0-3]):([0-5]\d)"
)
_BY_DATE = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):([0-5]\d)")
_SPECIAL_DAY = re.compile(r"(?:(20\d\d)-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
Minutes = Annotated[int, msgspec.Meta(ge=-720, le=840)]


class DaylightSaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it begins and ends, every year: ``last sunday of march 02:00`` or ``03-28 02:00``, in local
    time."""

    begin: str
    end: str
    deviation_minutes: Annotated[int, msgspec.Meta(ge=-120, le=120)] = 60


class TimeZone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 8, attributes 3 and 5 to 8. ``minutes``: UTC = local + this (Peru 300). Without
    ``daylight_saving`` it is switched off."""

    minutes: Minutes
    daylight_saving: DaylightSaving | None = None
    item: str = "8:0.0.1.0.0.255:3"


class SpecialDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``date`` is MONTH-DAY (every year) or YEAR-MONTH-DAY; ``day`` the id of a day of the calendar."""

    date: str
    day: Annotated[int, msgspec.Meta(ge=0, le=255)]


class SpecialDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 11: the whole table; what is not in the program is taken out."""

    days: list[SpecialDay]
    item: str = "11:0.0.11.0.0.255:2"


class ProfileSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 7: what a profile captures and how often. Changing either empties it."""

    item: str
    objects: list[str] = []
    period: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] | None = None


class DisplaySetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 7 of a display list: what the display shows, in order."""

    item: str
    objects: list[str]


class DemandSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 5: period of one block in seconds, and how many blocks slide."""

    item: str
    period: Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)]
    periods: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)] = 1


class DisconnectSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 70, control_mode: 0 never to 6 (Blue Book 4.5.8 says what each allows). The relay itself is
    not moved."""

    mode: Annotated[int, msgspec.Meta(ge=0, le=6)]
    item: str = "70:0.0.96.3.10.255:4"


class EmergencyProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a limiter: ``id`` of the emergency, ``activation`` in the meter's local time (``2027-01-15 18:00``;
    without it the profile never begins by itself), ``duration_seconds``."""

    id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
    duration_seconds: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
    activation: str | None = None


class ChargeSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 113: prices by the index of the charge table (hex octets, as the meter's tariffs use them), in
    the meter's currency for each unit of its commodity."""

    prices: dict[Annotated[str, msgspec.Meta(pattern="^(?:[0-9A-Fa-f]{2})*$")], str]
    item: str = "113:0.0.19.20.0.255"


class Transport(IntEnum):
    """transport_service of a push."""

    TCP = 0
    UDP = 1
    FTP = 2
    SMTP = 3
    SMS = 4
    HDLC = 5
    MBUS = 6


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A communication window of every day, local time ``HH:MM``."""

    start: str
    end: str


class PushSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 40. ``transport`` by name (tcp, udp, sms, …); ``destination`` as the transport wants it
    (``10.0.0.1:4059``)."""

    item: str
    objects: list[str]
    destination: str
    transport: str = "tcp"
    windows: list[Window] = []
    random_start_seconds: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)] | None = None
    retries: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None


class ModemSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Class 45: the access point name."""

    apn: str
    item: str = "45:0.0.25.4.0.255:2"


class TransformerSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ratios of the transformers, numerator and denominator as on their plates. With ``nominal_voltage``
    (primary, in V, between the wires that the meter measures) what the meter measures now must fit, else
    it asks."""

    ct_primary: str
    ct_secondary: str
    vt_primary: str = "1"
    vt_secondary: str = "1"
    nominal_voltage: str | None = None
    ct_primary_item: str = "1:1.0.0.4.2.255:2"
    vt_primary_item: str = "1:1.0.0.4.3.255:2"
    ct_secondary_item: str = "1:1.0.0.4.5.255:2"
    vt_secondary_item: str = "1:1.0.0.4.6.255:2"
    voltage_item: str = "3:1.0.32.7.0.255:2"
    current_item: str = "3:1.0.31.7.0.255:2"


class ObjectSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes of one object by the names of its class: prepayment (111 to 113), modems, monitors and
    any other.

    ``item`` is CLASS:OBIS; ``set`` maps attribute names to simple values, written in the type that the
    meter holds.
    """

    item: str
    set: dict[str, str]
    name: str = ""
    danger: Danger = Danger.HARMLESS


def yearly_start(text: str) -> bytes:
    """Eight octets of a date-time that comes every year (Blue Book 4.1.6.1): year, month, day, weekday, time.

    Raises ``ValueError`` with the reason.
    """
    words = " ".join(text.lower().split())
    named = _BY_WEEKDAY.fullmatch(words)
    if named is not None:
        day, weekday = _ORDINALS[named[1]], _WEEKDAYS.index(named[2]) + 1
        month = _MONTHS.index(named[3]) + 1
        return bytes([0xFF, 0xFF, month, day, weekday, int(named[4]), int(named[5]), 0])
    dated = _BY_DATE.fullmatch(words)
    if dated is None:
        raise ValueError(f"{text!r} is not like 'last sunday of march 02:00' or '03-28 02:00'")
    month, day = int(dated[1]), int(dated[2])
    if day > _LONGEST_MONTHS[month - 1]:
        raise ValueError(f"{text!r}: there is no such day")
    return bytes([0xFF, 0xFF, month, day, 0xFF, int(dated[3]), int(dated[4]), 0])


def special_date(text: str) -> bytes:
    """Five octets of a date: year or any, month, day, any weekday. Raises ``ValueError`` with the reason."""
    found = _SPECIAL_DAY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not MONTH-DAY or YEAR-MONTH-DAY, like 12-25 or 2027-04-02")
    year, month, day = int(found[1] or 0xFFFF), int(found[2]), int(found[3])
    leap = year == 0xFFFF or year % 4 == 0
    if day > _LONGEST_MONTHS[month - 1] or ((month, day) == (2, 29) and not leap):
        raise ValueError(f"{text!r}: there is no such day")
    return year.to_bytes(2, "big") + bytes([month, day, 0xFF])


def time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute. Raises ``ValueError`` with the reason."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise ValueError(f"{text!r} is not a time of day, like 08:00")
    return int(found[1]), int(found[2])


def transport_of(text: str) -> Transport:
    """Raises ``ValueError`` with the reason."""
    try:
        return Transport[text.upper()]
    except KeyError:
        known = ", ".join(name.lower() for name in Transport.__members__)
        raise ValueError(f"{text!r} is none of {known}") from None
