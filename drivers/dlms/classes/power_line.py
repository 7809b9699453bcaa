"""Power line networks: PRIME (Blue Book 4.12, classes 80 to 86) and G3 (4.13, classes 90 to 92)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass, numbered
from drivers.dlms.classes.shapes import (
    Value,
    anything,
    boolean,
    enumeration,
    flags,
    number,
    one_of,
    record,
    several,
    short_address,
)
from drivers.dlms.data import Data

NODE_STATES = {0: "disconnected", 1: "terminal", 2: "switch", 3: "base"}
PRIME_CAPABILITIES = (
    "switch", "packet aggregation", "contention-free period", "direct connections", "multicast",
    "robust PHY", "arq",
)  # fmt: skip
MODULATIONS = {0: "robust", 1: "DBPSK", 2: "DQPSK", 3: "D8PSK", 4: "16-QAM"}
PHASES = {
    0: "same phase", 1: "60°, inverted", 2: "next phase, 120°", 3: "180°, inverted", 4: "other phase, 240°",
    5: "300°, inverted",
}  # fmt: skip
"""Phase differential in steps of 60°: on which phase the neighbour hangs, seen from here (ITU-T G.9903)."""
G3_DEVICE_TYPES = {0: "PAN device", 1: "coordinator", 2: "not defined"}

_PRIME_SWITCH = record(
    ("sna", shapes.address), ("lsid", number), ("level", number), ("rx_level", number), ("rx_snr", number)
)
_PRIME_PHY = record(
    ("mac", shapes.address), ("tx_power", number), ("tx_coding", number), ("rx_coding", number),
    ("rx_level", number), ("snr", number), ("tx_power_age", number), ("tx_coding_age", number),
    ("rx_coding_age", number), least=6,
)  # fmt: skip
_PRIME_DIRECT = record(
    ("source_sid", number), ("source_lnid", number), ("source_lcid", number), ("destination_sid", number),
    ("destination_lnid", number), ("destination_lcid", number), ("destination_mac", shapes.address),
)  # fmt: skip
NEIGHBOUR = record(
    ("address", short_address), ("payload_modulation", boolean), ("tone_map", shapes.hexadecimal),
    ("modulation", enumeration(MODULATIONS)), ("tx_gain", number), ("tx_resolution", number),
    ("tx_coefficients", shapes.hexadecimal), ("lqi", number), ("phase_differential", number),
    ("tmr_valid_time", number), ("valid_time", number), least=9,
)  # fmt: skip
POS_ENTRY = record(("address", short_address), ("lqi", number), ("valid_time", number), least=2)
_ROUTE = record(
    ("destination", short_address), ("next_hop", short_address), ("cost", number), ("hops", number),
    ("weak_links", number), ("valid_time", number),
)  # fmt: skip
_ROUTING = record(
    *[
        (name, anything)
        for name in (
            "net_traversal_time", "routing_table_entry_ttl", "kr", "km", "kc", "kq", "kh", "krt",
            "rreq_retries", "rreq_wait", "blacklist_entry_ttl", "unicast_rreq_gen_enable",
            "rlc_enabled", "add_rev_link_cost",
        )
    ],
    least=10,
)  # fmt: skip


def route_cost(data: Data) -> Value:
    """Cost of the way to the coordinator; FFFF while there is none."""
    return None if data.number == 0xFFFF else str(data.number)


PRIME = (
    CosemClass(
        80,
        "PRIME LLC SSCS setup",
        0,
        numbered(2, "service_node_address", "base_node_address", shape=number),
    ),
    CosemClass(
        81,
        "PRIME PHY counters",
        0,
        numbered(
            2,
            "phy_stats_crc_incorrect_count",
            "phy_stats_crc_failed_count",
            "phy_stats_tx_drop_count",
            "phy_stats_rx_drop_count",
            shape=number,
        ),
    ),
    CosemClass(
        82,
        "PRIME MAC setup",
        0,
        numbered(
            2,
            "mac_min_switch_search_time",
            "mac_max_promotion_pdu",
            "mac_promotion_pdu_tx_period",
            "mac_beacons_per_frame",
            "mac_scp_max_tx_attempts",
            "mac_ctl_re_tx_timer",
            "mac_max_ctl_re_tx",
            shape=number,
        ),
    ),
    CosemClass(
        83,
        "PRIME MAC functional parameters",
        0,
        (
            *numbered(2, "mac_lnid", "mac_lsid", "mac_sid", shape=number),
            Attribute(5, "mac_sna", shapes.address),
            Attribute(6, "mac_state", enumeration(NODE_STATES)),
            *numbered(
                7,
                "mac_scp_length",
                "mac_node_hierarchy_level",
                "mac_beacon_slot_count",
                "mac_beacon_rx_slot",
                "mac_beacon_tx_slot",
                "mac_beacon_rx_frequency",
                "mac_beacon_tx_frequency",
                shape=number,
            ),
            Attribute(14, "mac_capabilities", flags(*PRIME_CAPABILITIES)),
        ),
    ),
    CosemClass(
        84,
        "PRIME MAC counters",
        0,
        numbered(
            2,
            "mac_tx_data_pkt_count",
            "mac_rx_data_pkt_count",
            "mac_tx_ctrl_pkt_count",
            "mac_rx_ctrl_pkt_count",
            "mac_csma_fail_count",
            "mac_csma_ch_busy_count",
            shape=number,
        ),
    ),
    CosemClass(
        85,
        "PRIME MAC network administration",
        0,
        (
            Attribute(
                2, "mac_list_multicast_entries", several(record(("lcid", number), ("members", number)))
            ),
            Attribute(3, "mac_list_switch_table", several(number)),
            Attribute(4, "mac_list_direct_table", several(_PRIME_DIRECT)),
            Attribute(5, "mac_list_available_switches", several(_PRIME_SWITCH)),
            Attribute(6, "mac_list_phy_comm", several(_PRIME_PHY)),
        ),
    ),
    CosemClass(
        86,
        "PRIME application identification",
        0,
        (
            Attribute(2, "firmware_version", shapes.text),
            Attribute(3, "vendor_id", number),
            Attribute(4, "product_id", number),
        ),
    ),
)
G3 = (
    CosemClass(
        90,
        "G3-PLC MAC counters",
        1,
        numbered(
            2,
            "mac_tx_data_packet_count",
            "mac_rx_data_packet_count",
            "mac_tx_cmd_packet_count",
            "mac_rx_cmd_packet_count",
            "mac_csma_fail_count",
            "mac_csma_no_ack_count",
            "mac_bad_crc_count",
            "mac_tx_data_broadcast_count",
            "mac_rx_data_broadcast_count",
            shape=number,
        ),
    ),
    CosemClass(
        91,
        "G3-PLC MAC setup",
        4,
        (
            Attribute(2, "mac_short_address", short_address),
            Attribute(3, "mac_rc_coord", route_cost),
            Attribute(4, "mac_pan_id", short_address),
            Attribute(5, "mac_key_table", secret=True),
            Attribute(6, "mac_frame_counter", number),
            Attribute(7, "mac_tone_mask", shapes.hexadecimal),
            *numbered(
                8, "mac_tmr_ttl", "mac_max_frame_retries", "mac_neighbour_table_entry_ttl", shape=number
            ),
            Attribute(11, "mac_neighbour_table", several(NEIGHBOUR)),
            *numbered(
                12,
                "mac_high_priority_window_size",
                "mac_csma_fairness_limit",
                "mac_beacon_randomization_window_length",
                "mac_a",
                "mac_k",
                "mac_min_cw_attempts",
                "mac_cenelec_legacy_mode",
                shape=number,
            ),
            Attribute(19, "mac_fcc_legacy_mode", number, since=1),
            Attribute(20, "mac_max_be", number, since=1),
            Attribute(21, "mac_max_csma_backoffs", number, since=1),
            Attribute(22, "mac_min_be", number, since=1),
            Attribute(23, "mac_broadcast_max_cw_enabled", boolean, since=2),
            Attribute(24, "mac_transmit_atten", number, since=2),
            Attribute(25, "mac_pos_table", several(POS_ENTRY), since=2),
            Attribute(26, "mac_duplicate_detection_ttl", number, since=3),
            Attribute(27, "mac_pos_recent_entry_threshold", number, since=4),
            Attribute(28, "mac_pos_recent_entries", number, since=4),
            Attribute(29, "mac_preamble_length", number, since=4),
        ),
    ),
    CosemClass(
        92,
        "G3-PLC 6LoWPAN adaptation layer setup",
        3,
        (
            *numbered(2, "adp_max_hops", "adp_weak_lqi_value", "adp_security_level", shape=number),
            Attribute(5, "adp_prefix_table", anything),
            Attribute(6, "adp_routing_configuration", several(_ROUTING)),
            Attribute(7, "adp_broadcast_log_table_entry_ttl", number),
            Attribute(8, "adp_routing_table", several(_ROUTE)),
            Attribute(9, "adp_context_information_table", anything),
            Attribute(
                10, "adp_blacklist_table", several(record(("address", short_address), ("valid_time", number)))
            ),
            Attribute(
                11,
                "adp_broadcast_log_table",
                several(record(("source", short_address), ("sequence", number), ("valid_time", number))),
            ),
            Attribute(12, "adp_group_table", several(one_of(short_address, anything))),
            *numbered(
                13,
                "adp_max_join_wait_time",
                "adp_path_discovery_time",
                "adp_active_key_index",
                "adp_metric_type",
                shape=number,
            ),
            Attribute(17, "adp_coord_short_address", short_address, since=1),
            Attribute(18, "adp_disable_default_routing", boolean, since=1),
            Attribute(19, "adp_device_type", enumeration(G3_DEVICE_TYPES), since=1),
            Attribute(20, "adp_default_coord_route_enabled", boolean, since=2),
            Attribute(21, "adp_destination_address", several(short_address), since=2),
            Attribute(22, "adp_low_lqi", number, since=3),
            Attribute(23, "adp_high_lqi", number, since=3),
        ),
    ),
)
CLASSES = (*PRIME, *G3)
