"""Time and event bound control: clock, scripts, schedules, calendars, monitors (Blue Book 4.5; classes 8 to
11, 20 to 22, 68, 70, 71)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass, numbered
from drivers.dlms.classes.shapes import anything, boolean, enumeration, flags, number, record, several

CLOCK_STATUS_BITS = (
    "invalid", "doubtful", "different base", "invalid status", "bit 4", "bit 5", "bit 6", "daylight saving",
)  # fmt: skip
CLOCK_BASES = {
    0: "not defined", 1: "crystal", 2: "mains 50 Hz", 3: "mains 60 Hz", 4: "satellite", 5: "radio",
}  # fmt: skip
SERVICES = {1: "write", 2: "call"}
CONTROL_STATES = {0: "disconnected", 1: "connected", 2: "ready for reconnection"}

SCRIPT = record(("script_table", shapes.logical_name), ("script", number))
MONITORED = record(("class", number), ("object", shapes.logical_name), ("attribute", number))
_ACTION = record(
    ("service", enumeration(SERVICES)), ("class", number), ("object", shapes.logical_name),
    ("index", number), ("parameter", anything),
)  # fmt: skip
_SEASON = record(("name", shapes.hexadecimal), ("start", shapes.moment), ("week", shapes.hexadecimal))
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK = record(("name", shapes.hexadecimal), *[(day, number) for day in _WEEKDAYS])
_DAY = record(
    ("day", number),
    (
        "switches",
        several(
            record(
                ("start", shapes.time_of_day), ("script_table", shapes.logical_name), ("script", number)
            )
        ),
    ),
)  # fmt: skip
_SCHEDULE = record(
    ("index", number), ("enabled", boolean), ("script_table", shapes.logical_name), ("script", number),
    ("switch_time", shapes.time_of_day), ("validity_window", number),
    ("weekdays", flags(*_WEEKDAYS)), ("special_days", shapes.hexadecimal),
    ("begin", shapes.date), ("end", shapes.date),
)  # fmt: skip
_CALENDAR = (
    ("name", shapes.text),
    ("seasons", several(_SEASON)),
    ("weeks", several(_WEEK)),
    ("days", several(_DAY)),
)

CLASSES = (
    CosemClass(
        8,
        "Clock",
        0,
        (
            Attribute(2, "time", shapes.moment),
            Attribute(3, "time_zone", number),
            Attribute(4, "status", flags(*CLOCK_STATUS_BITS)),
            Attribute(5, "daylight_savings_begin", shapes.moment),
            Attribute(6, "daylight_savings_end", shapes.moment),
            Attribute(7, "daylight_savings_deviation", number),
            Attribute(8, "daylight_savings_enabled", boolean),
            Attribute(9, "clock_base", enumeration(CLOCK_BASES)),
        ),
    ),
    CosemClass(
        9,
        "Script table",
        0,
        (Attribute(2, "scripts", several(record(("script", number), ("actions", several(_ACTION))))),),
    ),
    CosemClass(10, "Schedule", 0, (Attribute(2, "entries", several(_SCHEDULE)),)),
    CosemClass(
        11,
        "Special days table",
        0,
        (
            Attribute(
                2, "entries", several(record(("index", number), ("date", shapes.date), ("day", number)))
            ),
        ),
    ),
    CosemClass(
        20,
        "Activity calendar",
        0,
        (
            *(
                Attribute(start + place, f"{kind}_{name}", shape)
                for start, kind in ((2, "active"), (6, "passive"))
                for place, (name, shape) in enumerate(_CALENDAR)
            ),
            Attribute(10, "activate_passive_calendar_time", shapes.moment),
        ),
    ),
    CosemClass(
        21,
        "Register monitor",
        0,
        (
            Attribute(2, "thresholds", several(anything)),
            Attribute(3, "monitored_value", MONITORED),
            Attribute(4, "actions", several(record(("up", SCRIPT), ("down", SCRIPT)))),
        ),
    ),
    CosemClass(
        22,
        "Single action schedule",
        0,
        (
            Attribute(2, "executed_script", SCRIPT),
            Attribute(
                3,
                "type",
                enumeration(
                    {
                        1: "once",
                        2: "same time, any dates",
                        3: "same time, any dates given",
                        4: "any times, same date",
                        5: "any times, any dates given",
                    }
                ),
            ),
            Attribute(
                4, "execution_time", several(record(("time", shapes.time_of_day), ("date", shapes.date)))
            ),
        ),
    ),
    CosemClass(
        68,
        "Arbitrator",
        0,
        (
            Attribute(2, "actions", several(SCRIPT)),
            Attribute(3, "permissions_table", several(shapes.hexadecimal)),
            Attribute(4, "weightings_table", several(several(number))),
            Attribute(5, "most_recent_requests_table", several(shapes.hexadecimal)),
            Attribute(6, "last_outcome", number),
        ),
    ),
    CosemClass(
        70,
        "Disconnect control",
        0,
        (
            Attribute(2, "output_state", boolean),
            Attribute(3, "control_state", enumeration(CONTROL_STATES)),
            Attribute(4, "control_mode", number),
        ),
    ),
    CosemClass(
        71,
        "Limiter",
        0,
        (
            Attribute(2, "monitored_value", MONITORED),
            *numbered(
                3,
                "threshold_active",
                "threshold_normal",
                "threshold_emergency",
                "min_over_threshold_duration",
                "min_under_threshold_duration",
                shape=anything,
            ),
            Attribute(
                8,
                "emergency_profile",
                record(("id", number), ("activation_time", shapes.moment), ("duration", number)),
            ),
            Attribute(9, "emergency_profile_group_id_list", several(number)),
            Attribute(10, "emergency_profile_active", boolean),
            Attribute(11, "actions", record(("over", SCRIPT), ("under", SCRIPT))),
        ),
    ),
)
