"""Access control and management: associations, SAP, image transfer, security setup, push (Blue Book 4.4;
classes 12, 15, 17, 18, 40, 64)."""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass
from drivers.dlms.classes.measuring import CAPTURE_OBJECT
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
)
from drivers.dlms.data import Data

IMAGE_STATES = {
    0: "not initiated", 1: "initiated", 2: "verification initiated", 3: "verification successful",
    4: "verification failed", 5: "activation initiated", 6: "activation successful", 7: "activation failed",
}  # fmt: skip
TRANSPORTS = {
    0: "TCP", 1: "UDP", 2: "FTP", 3: "SMTP", 4: "SMS", 5: "HDLC", 6: "M-Bus", 7: "ZigBee", 8: "gateway",
    9: "CoAP",
}  # fmt: skip
MESSAGES = {0: "A-XDR", 1: "XML"}
SUITES = {0: "AES-GCM-128", 1: "ECDH-ECDSA-AES-GCM-128-SHA-256", 2: "ECDH-ECDSA-AES-GCM-256-SHA-384"}
POLICIES = {0: "nothing", 1: "authenticated", 2: "encrypted", 3: "authenticated and encrypted"}
POLICY_BITS = (
    "bit 0", "bit 1", "requests authenticated", "requests encrypted", "requests signed",
    "responses authenticated", "responses encrypted", "responses signed",
)  # fmt: skip
ACCESS_MODES = {
    0: "none", 1: "read", 2: "write", 3: "read and write", 4: "authenticated read", 5: "authenticated write",
    6: "authenticated read and write",
}  # fmt: skip
"""Versions 0 to 2; from version 3 on the mode is a set of bits."""
ACCESS_BITS = (
    "read", "write", "authenticated request", "encrypted request", "signed request",
    "authenticated response", "encrypted response", "signed response",
)  # fmt: skip
METHOD_MODES = {0: "none", 1: "call", 2: "authenticated call"}
CONFORMANCE_BITS = (
    "reserved-zero", "general-protection", "general-block-transfer", "read", "write", "unconfirmed-write",
    "delta-value-encoding", "reserved-seven", "attribute0-supported-with-set", "priority-mgmt-supported",
    "attribute0-supported-with-get", "block-transfer-with-get-or-read", "block-transfer-with-set-or-write",
    "block-transfer-with-action", "multiple-references", "information-report", "data-notification", "access",
    "parameterized-access", "get", "set", "selective-access", "event-notification", "action",
)  # fmt: skip

_MECHANISMS = {
    0: "none", 1: "low", 2: "high", 3: "MD5", 4: "SHA-1", 5: "GMAC", 6: "SHA-256", 7: "ECDSA",
}  # fmt: skip
_CONTEXTS = {1: "logical names", 2: "short names", 3: "logical names, ciphered", 4: "short names, ciphered"}
_LAST_ARC_OF_DLMS_UA = bytes([0x60, 0x85, 0x74, 0x05, 0x08])


def _oid(names: dict[int, str]) -> shapes.Shape:
    """The last arc of 2.16.756.5.8.x.n, coded as BER octets or as a structure of arcs."""

    def shape(data: Data) -> Value:
        if isinstance(data.value, tuple):
            last = data.items[-1].number if data.items else -1
        else:
            octets = data.octets
            last = octets[-1] if _LAST_ARC_OF_DLMS_UA in octets else -1
        return names.get(last, f"unknown ({last})") if last >= 0 else shapes.anything(data)

    return shape


def _object_list(access: shapes.Shape, call: shapes.Shape) -> shapes.Shape:
    attributes = several(
        record(
            ("attribute", number),
            ("access", access),
            ("selectors", one_of(several(number), anything)),
            least=2,
        )
    )
    methods = several(record(("method", number), ("access", call)))
    return several(
        record(
            ("class", number),
            ("version", number),
            ("object", shapes.logical_name),
            ("rights", record(("attributes", attributes), ("methods", methods))),
        )
    )


def _bits_of_enum(data: Data) -> Value:
    return flags(*ACCESS_BITS)(data)


_PARTNERS = one_of(record(("client", number), ("server", number)), anything)
_CONTEXT_INFO = record(
    ("conformance", flags(*CONFORMANCE_BITS)), ("max_receive_pdu", number), ("max_send_pdu", number),
    ("dlms_version", number), ("quality_of_service", number), ("ciphering_info", shapes.hexadecimal), least=4,
)  # fmt: skip
_USER = record(("id", number), ("name", shapes.text))
_CERTIFICATE = record(
    ("entity", enumeration({0: "server", 1: "client", 2: "certification authority", 3: "other"})),
    ("type", enumeration({0: "signature", 1: "key agreement", 2: "TLS", 3: "other"})),
    ("serial", shapes.hexadecimal), ("issuer", shapes.hexadecimal), ("subject", shapes.hexadecimal),
    ("alternative_name", shapes.hexadecimal),
)  # fmt: skip
_SN_OBJECT = record(
    ("base_name", number), ("class", number), ("version", number), ("object", shapes.logical_name)
)
_WINDOW = record(("start", shapes.moment), ("end", shapes.moment))
_DESTINATION = record(
    ("transport", enumeration(TRANSPORTS)), ("destination", shapes.text), ("message", enumeration(MESSAGES))
)
_DELAY = record(("minimum", number), ("exponent", number), ("maximum", number))

CLASSES = (
    CosemClass(
        12,
        "Association SN",
        4,
        (
            Attribute(2, "object_list", several(_SN_OBJECT)),
            Attribute(3, "access_rights_list", anything, since=1),
            Attribute(4, "security_setup_reference", shapes.logical_name, since=2),
            Attribute(5, "user_list", several(_USER), since=3),
            Attribute(6, "current_user", _USER, since=3),
        ),
    ),
    CosemClass(
        15,
        "Association LN",
        3,
        (
            Attribute(
                2,
                "object_list",
                _object_list(enumeration(ACCESS_MODES), one_of(enumeration(METHOD_MODES), boolean)),
                until=2,
            ),
            Attribute(2, "object_list", _object_list(_bits_of_enum, _bits_of_enum), since=3),
            Attribute(3, "associated_partners_id", _PARTNERS),
            Attribute(4, "application_context_name", _oid(_CONTEXTS)),
            Attribute(5, "xdlms_context_info", _CONTEXT_INFO),
            Attribute(6, "authentication_mechanism_name", _oid(_MECHANISMS)),
            Attribute(7, "secret", secret=True),
            Attribute(8, "association_status", enumeration({0: "none", 1: "pending", 2: "associated"})),
            Attribute(9, "security_setup_reference", shapes.logical_name, since=1),
            Attribute(10, "user_list", several(_USER), since=2),
            Attribute(11, "current_user", _USER, since=2),
        ),
    ),
    CosemClass(
        17,
        "SAP assignment",
        0,
        (
            Attribute(
                2,
                "sap_assignment_list",
                several(record(("sap", number), ("logical_device_name", shapes.text))),
            ),
        ),
    ),
    CosemClass(
        18,
        "Image transfer",
        0,
        (
            Attribute(2, "image_block_size", number),
            Attribute(3, "image_transferred_blocks_status", shapes.hexadecimal),
            Attribute(4, "image_first_not_transferred_block_number", number),
            Attribute(5, "image_transfer_enabled", boolean),
            Attribute(6, "image_transfer_status", enumeration(IMAGE_STATES)),
            Attribute(
                7,
                "image_to_activate_info",
                several(
                    record(
                        ("size", number), ("identification", shapes.text), ("signature", shapes.hexadecimal)
                    )
                ),
            ),
        ),
    ),
    CosemClass(
        40,
        "Push setup",
        3,
        (
            Attribute(2, "push_object_list", several(CAPTURE_OBJECT)),
            Attribute(3, "send_destination_and_method", _DESTINATION),
            Attribute(4, "communication_window", several(_WINDOW)),
            Attribute(5, "randomisation_start_interval", number),
            Attribute(6, "number_of_retries", number),
            Attribute(7, "repetition_delay", one_of(_DELAY, number)),
            Attribute(8, "port_reference", shapes.logical_name, since=1),
            Attribute(9, "push_client_sap", number, since=1),
            Attribute(10, "push_protection_parameters", anything, since=1),
            Attribute(
                11,
                "push_operation_method",
                enumeration({0: "unconfirmed", 1: "unconfirmed, retried on failure", 2: "confirmed"}),
                since=2,
            ),
            Attribute(12, "confirmation_parameters", anything, since=2),
            Attribute(13, "last_confirmation_date_time", shapes.moment, since=2),
        ),
    ),
    CosemClass(
        64,
        "Security setup",
        1,
        (
            Attribute(2, "security_policy", enumeration(POLICIES), until=0),
            Attribute(2, "security_policy", flags(*POLICY_BITS), since=1),
            Attribute(3, "security_suite", enumeration(SUITES)),
            Attribute(4, "client_system_title", shapes.hexadecimal),
            Attribute(5, "server_system_title", shapes.hexadecimal),
            Attribute(6, "certificates", several(_CERTIFICATE), since=1),
        ),
    ),
)
