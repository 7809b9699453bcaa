"""Tables 01, 03, 05, 06: who the meter is, and how it feels (C12.19, decade 0)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.ansi.config import Configuration
from drivers.ansi.cursor import Cursor

MODES = ("metering", "test", "meter-shop", "factory")
STATUS = (
    "unprogrammed", "configuration-error", "self-check-error", "ram-failure", "rom-failure",
    "nonvolatile-memory-failure", "clock-error", "measurement-error", "low-battery", "low-loss-potential",
    "demand-overload", "power-failure", "tamper-detect", "reverse-rotation",
)  # fmt: skip
"""ED_STD_STATUS1, bit by bit."""
_UTILITY_TEXTS = (
    ("owner_name", 20, False),
    ("utility_division", 20, False),
    ("service_point_id", 20, True),
    ("electrical_address", 20, False),
    ("device_id", 20, True),
    ("utility_serial", 20, True),
    ("customer_id", 20, True),
    ("coordinate_1", 10, False),
    ("coordinate_2", 10, False),
    ("coordinate_3", 10, False),
    ("tariff_id", 8, False),
)


@dataclass(frozen=True)
class Manufacturer:
    """Table 01. Versions are ``VERSION.REVISION`` as numbers."""

    manufacturer: str
    model: str
    hardware: str
    firmware: str
    serial: str


def decode_manufacturer(data: bytes, config: Configuration) -> Manufacturer:
    cursor = Cursor(data, config.formats, 1)
    maker, model = cursor.text(4), cursor.text(8)
    hardware, hardware_revision, firmware, firmware_revision = cursor.octets(4)
    serial = cursor.identification(16)
    return Manufacturer(
        maker, model, f"{hardware}.{hardware_revision}", f"{firmware}.{firmware_revision}", serial
    )


@dataclass(frozen=True)
class ModeStatus:
    """Table 03: mode words and standard status words; manufacturer status as hex."""

    modes: tuple[str, ...]
    status: tuple[str, ...]
    manufacturer: str


def decode_mode_status(data: bytes, config: Configuration) -> ModeStatus:
    cursor = Cursor(data, config.formats, 3)
    mode = cursor.u8()
    first = cursor.u16()
    cursor.u8()  # ED_STD_STATUS2: reserved
    own = cursor.take(min(config.manufacturer_status, cursor.left))
    return ModeStatus(
        tuple(word for bit, word in enumerate(MODES) if mode >> bit & 1),
        tuple(word for bit, word in enumerate(STATUS) if first >> bit & 1),
        own.hex(),
    )


def decode_device_identification(data: bytes, config: Configuration) -> str:
    """Table 05."""
    return Cursor(data, config.formats, 5).identification(20)


def decode_utility_information(data: bytes, config: Configuration) -> dict[str, str]:
    """Table 06, word → text, empty ones left out. A meter may end it early."""
    cursor = Cursor(data, config.formats, 6)
    found = {}
    for word, size, identification in _UTILITY_TEXTS:
        needed = size // 2 if identification and config.formats.id_bcd else size
        if cursor.left < needed:
            break
        text = cursor.identification(size) if identification else cursor.text(size)
        if text:
            found[word] = text
    return found
