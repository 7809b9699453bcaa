"""Radio networks: Wi-SUN (Blue Book 4.18, classes 95 to 98), ZigBee (4.15, 101 to 105), SCHC and LoRaWAN
(4.16, 4.17, 126 to 129). Attributes of which only the type is known keep their nesting."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass, numbered
from drivers.dlms.classes.shapes import Value, anything, boolean, enumeration, number, several, short_address
from drivers.dlms.data import Data

# Join states of the Wi-SUN FAN specification; the numbers are those of its state machine.
WI_SUN_STATES = {
    0: "not started", 1: "selecting a network", 2: "authenticating", 3: "acquiring the configuration",
    4: "configuring the route", 5: "operational",
}  # fmt: skip
LORAWAN_CLASSES = {0: "A", 1: "B", 2: "C"}


def device_address(data: Data) -> Value:
    """Address of a LoRaWAN device: eight hex digits."""
    return f"{data.number:08X}"


def address_or_number(data: Data) -> Value:
    """An EUI-64; some meters send it as a number."""
    return shapes.address(data) if isinstance(data.value, bytes) else number(data)


CLASSES = (
    CosemClass(
        95,
        "Wi-SUN setup",
        0,
        (
            Attribute(2, "network_name", shapes.text),
            Attribute(3, "routing_method", number),
            Attribute(4, "pan_id", short_address),
            *numbered(
                5,
                "disc_imin",
                "disc_imax",
                "data_message_imin",
                "data_message_imax",
                "default_dio_interval_min",
                "default_dio_interval_doublings",
                shape=number,
            ),
            Attribute(11, "channel_plan", anything),
            Attribute(12, "channel_function", number),
            Attribute(13, "excluded_channels", anything),
            Attribute(14, "join_state", enumeration(WI_SUN_STATES)),
            Attribute(15, "reg_channel_exclusions", anything),
        ),
    ),
    CosemClass(96, "Wi-SUN diagnostic", 0, ()),
    CosemClass(
        97,
        "RPL diagnostic",
        0,
        (
            *numbered(2, "rpl_instance_id", "dodag_version_number", "dodag_rank", shape=number),
            Attribute(5, "grounded", anything),
            *numbered(6, "mode_of_operation", "dodag_prf", "dodag_dtsn", shape=number),
            Attribute(9, "dodag_id", anything),
        ),
    ),
    CosemClass(
        98,
        "MPL diagnostic",
        0,
        numbered(
            2,
            "proactive_forwarding",
            "z",
            "tunit",
            "se_lifetime",
            "dm_k",
            "dm_imin",
            "dm_imax",
            "dm_t_exp",
            "c_k",
            "c_imin",
            "c_imax",
            "c_t_exp",
        ),
    ),
    CosemClass(
        101,
        "ZigBee SAS startup",
        0,
        (
            Attribute(2, "short_address", short_address),
            Attribute(3, "extended_pan_id", address_or_number),
            Attribute(4, "pan_id", short_address),
            *numbered(5, "channel_mask", "protocol_version", "stack_profile", "start_up_control"),
            Attribute(9, "trust_center_address", address_or_number),
            Attribute(10, "link_key", secret=True),
            Attribute(11, "network_key", secret=True),
            Attribute(12, "use_insecure_join", boolean),
        ),
    ),
    CosemClass(
        102,
        "ZigBee SAS join",
        0,
        numbered(
            2,
            "scan_attempts",
            "time_between_scans",
            "rejoin_interval",
            "rejoin_retry_interval",
            shape=number,
        ),
    ),
    CosemClass(
        103,
        "ZigBee SAS APS fragmentation",
        0,
        numbered(2, "aps_interframe_delay", "aps_max_window_size", shape=number),
    ),
    CosemClass(
        104,
        "ZigBee network control",
        0,
        (
            Attribute(2, "enable_disable_joining", boolean),
            Attribute(3, "join_timeout", number),
            Attribute(4, "active_devices", several(anything)),
        ),
    ),
    CosemClass(
        105,
        "ZigBee tunnel setup",
        0,
        numbered(
            2,
            "max_incoming_transfer_size",
            "max_outgoing_transfer_size",
            "protocol_address",
            "close_tunnel_timeout",
        ),
    ),
    CosemClass(
        126,
        "SCHC-LPWAN setup",
        0,
        (
            Attribute(2, "lpwan_reference", shapes.logical_name),
            Attribute(3, "schc_cd_rules", anything),
            Attribute(4, "schc_fr_param", anything),
        ),
    ),
    CosemClass(
        127,
        "SCHC-LPWAN diagnostic",
        0,
        numbered(
            2,
            "schc_packets_tx_counter",
            "schc_packets_rx_counter",
            "schc_fragments_tx_counter",
            "schc_fragments_rx_counter",
            "schc_ack_tx_counter",
            "schc_ack_rx_counter",
            shape=number,
        ),
    ),
    CosemClass(
        128,
        "LoRaWAN setup",
        0,
        (
            Attribute(2, "class", enumeration(LORAWAN_CLASSES)),
            Attribute(3, "state", number),
            Attribute(4, "max_transmit_eirp_setting", number),
            Attribute(5, "adr_mode", boolean),
            Attribute(6, "regional_parameters", number),
            Attribute(7, "device_operation", anything),
            Attribute(8, "modem_versions", anything),
            Attribute(9, "dev_addr", device_address),
            Attribute(10, "join_strategy", number),
            Attribute(11, "multicasts_parameters", secret=True),
        ),
    ),
    CosemClass(
        129,
        "LoRaWAN diagnostic",
        0,
        numbered(
            2,
            "internal_error_code",
            "out_frames_u_counter",
            "out_frames_c_counter",
            "in_frames_u_counter",
            "in_frames_c_counter",
            "in_mac_command_counter",
            "in_mac_ans_error_counter",
            "in_mac_ignored_counter",
            "in_per",
            "in_mean_rssi_rx1",
            "in_mean_snr_rx1",
            "in_mean_rssi_rx2",
            "in_mean_snr_rx2",
        ),
    ),
)
