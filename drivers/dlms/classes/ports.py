"""Setup of communication ports: local ports, modems, TCP/IP (Blue Book 4.7 to 4.9; classes 19, 23, 25, 27 to
29, 41 to 46, 48). Passwords and PIN codes among them are never asked for."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass, numbered
from drivers.dlms.classes.shapes import anything, boolean, enumeration, number, record, several

BAUD_RATES = {
    0: "300", 1: "600", 2: "1200", 3: "2400", 4: "4800", 5: "9600", 6: "19200", 7: "38400", 8: "57600",
    9: "115200",
}  # fmt: skip
_BAUD = enumeration(BAUD_RATES)
_QUALITY = record(
    ("precedence", number), ("delay", number), ("reliability", number), ("peak_throughput", number),
    ("mean_throughput", number),
)  # fmt: skip
_WINDOW = record(("start", shapes.moment), ("end", shapes.moment))
_OPTION = record(("type", number), ("length", number), ("data", anything))

CLASSES = (
    CosemClass(
        19,
        "IEC local port setup",
        1,
        (
            Attribute(2, "default_mode", enumeration({0: "IEC 62056-21", 1: "HDLC", 2: "not specified"})),
            Attribute(3, "default_baud", _BAUD),
            Attribute(4, "prop_baud", _BAUD),
            Attribute(5, "response_time", enumeration({0: "20 ms", 1: "200 ms"})),
            Attribute(6, "device_addr", shapes.text),
            *(
                Attribute(7 + n, name, secret=True)
                for n, name in enumerate(("pass_p1", "pass_p2", "pass_w5"))
            ),
        ),
    ),
    CosemClass(
        23,
        "IEC HDLC setup",
        1,
        (
            Attribute(2, "comm_speed", _BAUD),
            *numbered(
                3,
                "window_size_transmit",
                "window_size_receive",
                "max_info_field_length_transmit",
                "max_info_field_length_receive",
                "inter_octet_time_out",
                "inactivity_time_out",
                "device_address",
                shape=number,
            ),
        ),
    ),
    CosemClass(
        25,
        "M-Bus slave port setup",
        0,
        (
            Attribute(2, "default_baud", _BAUD),
            Attribute(3, "avail_baud", _BAUD),
            Attribute(4, "addr_state", enumeration({0: "not assigned", 1: "assigned"})),
            Attribute(5, "bus_address", number),
        ),
    ),
    CosemClass(
        27,
        "Modem configuration",
        1,
        (
            Attribute(2, "comm_speed", _BAUD),
            Attribute(3, "initialization_string", anything),
            Attribute(4, "modem_profile", several(shapes.text)),
        ),
    ),
    CosemClass(
        28,
        "Auto answer",
        2,
        (
            Attribute(2, "mode", number),
            Attribute(3, "listening_window", several(_WINDOW)),
            Attribute(4, "status", enumeration({0: "inactive", 1: "active", 2: "locked"})),
            Attribute(5, "number_of_calls", number),
            Attribute(6, "number_of_rings", anything),
            Attribute(7, "list_of_allowed_callers", anything, since=2),
        ),
    ),
    CosemClass(
        29,
        "Auto connect",
        2,
        (
            Attribute(2, "mode", number),
            Attribute(3, "repetitions", number),
            Attribute(4, "repetition_delay", number),
            Attribute(5, "calling_window", several(_WINDOW)),
            Attribute(6, "destination_list", several(shapes.text)),
        ),
    ),
    CosemClass(
        41,
        "TCP-UDP setup",
        0,
        (
            Attribute(2, "port", number),
            Attribute(3, "ip_reference", shapes.logical_name),
            *numbered(4, "mss", "nb_of_sim_conn", "inactivity_time_out", shape=number),
        ),
    ),
    CosemClass(
        42,
        "IPv4 setup",
        0,
        (
            Attribute(2, "dl_reference", shapes.logical_name),
            Attribute(3, "ip_address", shapes.ipv4),
            Attribute(4, "multicast_ip_address", several(shapes.ipv4)),
            Attribute(5, "ip_options", several(_OPTION)),
            Attribute(6, "subnet_mask", shapes.ipv4),
            Attribute(7, "gateway_ip_address", shapes.ipv4),
            Attribute(8, "use_dhcp_flag", boolean),
            Attribute(9, "primary_dns_address", shapes.ipv4),
            Attribute(10, "secondary_dns_address", shapes.ipv4),
        ),
    ),
    CosemClass(43, "MAC address setup", 0, (Attribute(2, "mac_address", shapes.address),)),
    CosemClass(
        44,
        "PPP setup",
        0,
        (
            Attribute(2, "phy_reference", shapes.logical_name),
            Attribute(3, "lcp_options", several(_OPTION)),
            Attribute(4, "ipcp_options", several(_OPTION)),
            Attribute(5, "ppp_authentication", secret=True),
        ),
    ),
    CosemClass(
        45,
        "GPRS modem setup",
        0,
        (
            Attribute(2, "apn", shapes.text),
            Attribute(3, "pin_code", secret=True),
            Attribute(4, "quality_of_service", record(("default", _QUALITY), ("requested", _QUALITY))),
        ),
    ),
    CosemClass(
        46,
        "SMTP setup",
        0,
        (
            Attribute(2, "server_port", number),
            Attribute(3, "user_name", shapes.text),
            Attribute(4, "login_password", secret=True),
            Attribute(5, "server_address", shapes.text),
            Attribute(6, "sender_address", shapes.text),
        ),
    ),
    CosemClass(
        48,
        "IPv6 setup",
        0,
        (
            Attribute(2, "dl_reference", shapes.logical_name),
            Attribute(
                3,
                "address_config_mode",
                enumeration({0: "automatic", 1: "DHCPv6", 2: "manual", 3: "neighbour discovery"}),
            ),
            Attribute(4, "unicast_ipv6_addresses", several(shapes.ipv6)),
            Attribute(5, "multicast_ipv6_addresses", several(shapes.ipv6)),
            Attribute(6, "gateway_ipv6_addresses", several(shapes.ipv6)),
            Attribute(7, "primary_dns_address", shapes.ipv6),
            Attribute(8, "secondary_dns_address", shapes.ipv6),
            Attribute(9, "traffic_class", number),
            Attribute(
                10,
                "neighbor_discovery_setup",
                several(record(("max_retry", number), ("retry_wait_time", number), ("send_period", number))),
            ),
        ),
    ),
)
