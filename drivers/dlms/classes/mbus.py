"""Meters behind a meter: M-Bus client, master port, diagnostic (Blue Book 4.8, EN 13757-3; classes 72, 74,
76, 77)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass, numbered
from drivers.dlms.classes.ports import BAUD_RATES
from drivers.dlms.classes.shapes import Value, enumeration, number, record, several
from drivers.dlms.data import Data

DEVICE_TYPES = {
    0: "other", 1: "oil", 2: "electricity", 3: "gas", 4: "heat", 5: "steam", 6: "hot water", 7: "water",
    8: "heat cost allocator", 10: "cooling", 11: "cooling", 12: "heat", 13: "heat and cooling", 14: "bus",
    15: "unknown", 21: "hot water", 22: "cold water", 23: "water, two registers", 24: "pressure",
    25: "A/D converter", 32: "breaker", 33: "valve",
}  # fmt: skip
KEY_STATES = {
    0: "no key", 1: "key set", 2: "key transferred", 3: "key set and transferred", 4: "key in use",
}  # fmt: skip
LINK_STATES = {0: "none", 1: "normal", 2: "interrupted", 3: "interrupted for long"}
_APPLICATION = {0: "", 1: "busy", 2: "application error", 3: "abnormal condition"}
_STATUS_BITS = {2: "power low", 3: "permanent error", 4: "temporary error"}


def status(data: Data) -> Value:
    """The status byte of EN 13757-3: what the application says, then power and errors."""
    word = data.number
    said = [_APPLICATION[word & 3], *(name for bit, name in _STATUS_BITS.items() if word >> bit & 1)]
    said += [f"bit {bit}" for bit in (5, 6, 7) if word >> bit & 1]
    return tuple(name for name in said if name)


CLASSES = (
    CosemClass(
        72,
        "M-Bus client",
        2,
        (
            Attribute(2, "mbus_port_reference", shapes.logical_name),
            Attribute(
                3,
                "capture_definition",
                several(record(("dib", shapes.hexadecimal), ("vib", shapes.hexadecimal))),
            ),
            Attribute(4, "capture_period", number),
            Attribute(5, "primary_address", number),
            Attribute(6, "identification_number", shapes.bcd),
            Attribute(7, "manufacturer_id", shapes.manufacturer),
            Attribute(8, "version", number),
            Attribute(9, "device_type", enumeration(DEVICE_TYPES)),
            Attribute(10, "access_number", number),
            Attribute(11, "status", status),
            Attribute(12, "alarm", number),
            Attribute(13, "configuration", number, since=1),
            Attribute(14, "encryption_key_status", enumeration(KEY_STATES), since=1),
        ),
    ),
    CosemClass(74, "M-Bus master port setup", 0, (Attribute(2, "comm_speed", enumeration(BAUD_RATES)),)),
    CosemClass(76, "DLMS server M-Bus port setup", 0, ()),
    CosemClass(
        77,
        "M-Bus diagnostic",
        0,
        (
            Attribute(2, "received_signal_strength", number),
            Attribute(3, "channel_id", number),
            Attribute(4, "link_status", enumeration(LINK_STATES)),
            Attribute(
                5,
                "broadcast_frames_counter",
                several(record(("client", number), ("counter", number), ("time", shapes.moment))),
            ),
            *numbered(
                6, "transmissions_counter", "fcs_ok_frames_counter", "fcs_nok_frames_counter", shape=number
            ),
            Attribute(9, "capture_time", record(("attribute", number), ("time", shapes.moment))),
        ),
    ),
)
