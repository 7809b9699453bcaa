"""Cellular networks: GSM diagnostic and LTE monitoring (Blue Book 4.7; classes 47 and 151, all versions)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass
from drivers.dlms.classes.shapes import enumeration, number, record, several

REGISTRATIONS = {
    0: "not registered", 1: "registered at home", 2: "searching", 3: "denied", 4: "unknown",
    5: "registered roaming",
}  # fmt: skip
PACKET_STATES = {
    0: "inactive", 1: "GPRS", 2: "EDGE", 3: "UMTS", 4: "HSDPA", 5: "LTE", 6: "CDMA", 7: "LTE-M",
    8: "NB-IoT", 9: "NB-IoT 2",
}  # fmt: skip
COVERAGE = {0: "level 0", 1: "level 1", 2: "level 2"}

# Version 0 has four fields (three on some meters), version 1 appends the network's codes and the channel.
CELL = record(
    ("cell_id", number), ("location_id", number), ("signal_quality", number), ("bit_errors", number),
    ("mobile_country_code", number), ("mobile_network_code", number), ("channel", number), least=3,
)  # fmt: skip
NETWORK_V0 = record(
    ("t3402", number), ("t3412", number), ("rsrq", number), ("rsrp", number), ("minimum_level", number)
)
NETWORK_V1 = record(
    ("t3402", number), ("t3412", number), ("t3412_extended", number), ("t3324", number),
    ("edrx_cycle", number), ("paging_window", number), ("minimum_level", number),
    ("minimum_level_ce", number), ("minimum_level_ce1", number),
)  # fmt: skip
QUALITY = record(
    ("rsrq", number), ("rsrp", number), ("signal_to_noise", number), ("coverage", enumeration(COVERAGE))
)

CLASSES = (
    CosemClass(
        47,
        "GSM diagnostic",
        2,
        (
            Attribute(2, "operator", shapes.text),
            Attribute(3, "status", enumeration(REGISTRATIONS)),
            Attribute(4, "cs_attachment", enumeration({0: "inactive", 1: "incoming call", 2: "active"})),
            Attribute(5, "ps_status", enumeration(PACKET_STATES)),
            Attribute(6, "cell_info", CELL),
            Attribute(7, "adjacent_cells", several(record(("cell_id", number), ("signal_quality", number)))),
            Attribute(8, "capture_time", shapes.moment),
        ),
    ),
    CosemClass(
        151,
        "LTE monitoring",
        1,
        (
            Attribute(2, "lte_network_parameters", NETWORK_V0, until=0),
            Attribute(2, "lte_network_parameters", NETWORK_V1, since=1),
            Attribute(3, "lte_quality_of_service", QUALITY, since=1),
        ),
    ),
)
