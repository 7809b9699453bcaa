"""Storage of values: data, registers, profiles, tables (Blue Book 4.3; classes 1 to 7 and 61 to 63)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass
from drivers.dlms.classes.shapes import anything, enumeration, number, one_of, record, several
from drivers.dlms.cosem import UNITS

SORT_METHODS = {
    1: "fifo", 2: "lifo", 3: "largest", 4: "smallest", 5: "nearest to zero", 6: "farthest from zero",
}  # fmt: skip
CAPTURE_OBJECT = record(
    ("class", number), ("object", shapes.logical_name), ("attribute", number), ("element", number),
    ("restriction", anything), ("columns", anything), least=3,
)  # fmt: skip
"""Also element of push object lists; versions differ in what follows the attribute."""
_UNIT_NAMES = UNITS | {255: "none"}
SCALER_UNIT = record(("scaler", number), ("unit", enumeration(_UNIT_NAMES)))
_TABLE_CELLS = record(
    ("class", number), ("object", shapes.logical_name), ("group_e_values", several(number)),
    ("attribute", number), least=3,
)  # fmt: skip

CLASSES = (
    CosemClass(1, "Data", 0, (Attribute(2, "value"),)),
    CosemClass(3, "Register", 0, (Attribute(2, "value"), Attribute(3, "scaler_unit", SCALER_UNIT))),
    CosemClass(
        4,
        "Extended register",
        0,
        (
            Attribute(2, "value"),
            Attribute(3, "scaler_unit", SCALER_UNIT),
            Attribute(4, "status"),
            Attribute(5, "capture_time", shapes.moment),
        ),
    ),
    CosemClass(
        5,
        "Demand register",
        0,
        (
            Attribute(2, "current_average_value"),
            Attribute(3, "last_average_value"),
            Attribute(4, "scaler_unit", SCALER_UNIT),
            Attribute(5, "status"),
            Attribute(6, "capture_time", shapes.moment),
            Attribute(7, "start_time_current", shapes.moment),
            Attribute(8, "period", number),
            Attribute(9, "number_of_periods", number),
        ),
    ),
    CosemClass(
        6,
        "Register activation",
        0,
        (
            Attribute(
                2,
                "register_assignment",
                several(record(("class", number), ("object", shapes.logical_name))),
            ),
            Attribute(
                3,
                "mask_list",
                several(record(("name", shapes.text), ("indexes", several(number)))),
            ),
            Attribute(4, "active_mask", shapes.text),
        ),
    ),
    CosemClass(
        7,
        "Profile generic",
        1,
        (
            Attribute(2, "buffer"),
            Attribute(3, "capture_objects", several(CAPTURE_OBJECT)),
            Attribute(4, "capture_period", number),
            Attribute(5, "sort_method", enumeration(SORT_METHODS)),
            Attribute(6, "sort_object", CAPTURE_OBJECT),
            Attribute(7, "entries_in_use", number),
            Attribute(8, "profile_entries", number),
        ),
    ),
    CosemClass(
        61,
        "Register table",
        0,
        (
            Attribute(2, "table_cell_values", anything),
            Attribute(3, "table_cell_definition", _TABLE_CELLS),
            Attribute(4, "scaler_unit", SCALER_UNIT),
        ),
    ),
    CosemClass(
        62,
        "Compact data",
        1,
        (
            Attribute(2, "compact_buffer", shapes.hexadecimal),
            Attribute(3, "capture_objects", several(CAPTURE_OBJECT)),
            Attribute(4, "template_id", number),
            Attribute(5, "template_description", shapes.hexadecimal),
            Attribute(6, "capture_method", enumeration({0: "when read", 1: "when called"})),
        ),
    ),
    CosemClass(
        63,
        "Status mapping",
        0,
        (
            Attribute(2, "status_word"),
            Attribute(
                3,
                "mapping_table",
                record(("reference_table", number), ("entries", one_of(number, several(number)))),
            ),
        ),
    ),
)
