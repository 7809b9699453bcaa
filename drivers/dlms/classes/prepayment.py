"""Prepayment: account, credit, charge, token gateway (Blue Book 4.6, classes 111 to 113 and 115), and by what
the tokens of the STS are made (class 116).

Amounts are in the account's currency and scale (attribute 15); they stay raw here, whoever shows them scales
them (`drivers.dlms.attributes.scaler_item`).
"""

from __future__ import annotations

from drivers.dlms.classes import shapes
from drivers.dlms.classes.definition import Attribute, CosemClass
from drivers.dlms.classes.shapes import enumeration, flags, number, record, several

ACCOUNT_MODES = {1: "credit", 2: "prepayment"}
ACCOUNT_STATES = {1: "new", 2: "active", 3: "closed"}
CREDIT_STATUS_BITS = (
    "in credit", "low credit", "next credit enabled", "next credit selectable", "next credit selected",
    "selectable credit in use", "out of credit",
)  # fmt: skip
COLLECTION_BITS = ("when disconnected", "while load-limited", "in friendly credit periods")
CREDIT_TYPES = {0: "token", 1: "reserved", 2: "emergency", 3: "time-based", 4: "consumption-based"}
CREDIT_STATES = {0: "enabled", 1: "selectable", 2: "selected", 3: "in use", 4: "exhausted"}
CREDIT_BITS = ("shown", "to be confirmed", "to be paid back", "resettable", "takes tokens")
CHARGE_TYPES = {0: "consumption-based", 1: "time-based", 2: "payment-based"}
CHARGE_BITS = ("percentage", "continuous")
DELIVERIES = {0: "remote", 1: "local", 2: "by hand"}
TOKEN_STATES = {
    0: "format accepted", 1: "authenticated", 2: "validated", 3: "executed", 4: "wrong format",
    5: "authentication failed", 6: "validation failed", 7: "execution failed", 8: "not processed yet",
}  # fmt: skip
UNITS = {0: "time", 1: "consumption", 2: "money"}

CURRENCY = record(
    ("name", shapes.text), ("scale", number), ("unit", enumeration(UNITS)),
)  # fmt: skip
STATUS = record(("mode", enumeration(ACCOUNT_MODES)), ("status", enumeration(ACCOUNT_STATES)))
_UNIT_CHARGE = record(
    (
        "scaling",
        record(("commodity_scale", number), ("price_scale", number)),
    ),
    (
        "commodity",
        record(("class", number), ("object", shapes.logical_name), ("attribute", number)),
    ),
    ("table", several(record(("index", shapes.hexadecimal), ("price", number)))),
)

ACCOUNT = CosemClass(
    111,
    "Account",
    0,
    (
        Attribute(2, "account_mode_and_status", STATUS),
        Attribute(3, "current_credit_in_use", number),
        Attribute(4, "current_credit_status", flags(*CREDIT_STATUS_BITS)),
        Attribute(5, "available_credit", number),
        Attribute(6, "amount_to_clear", number),
        Attribute(7, "clearance_threshold", number),
        Attribute(8, "aggregated_debt", number),
        Attribute(9, "credit_reference_list", several(shapes.logical_name)),
        Attribute(10, "charge_reference_list", several(shapes.logical_name)),
        Attribute(
            11,
            "credit_charge_configuration",
            several(
                record(
                    ("credit", shapes.logical_name),
                    ("charge", shapes.logical_name),
                    ("collected", flags(*COLLECTION_BITS)),
                )
            ),
        ),
        Attribute(
            12,
            "token_gateway_configuration",
            several(record(("credit", shapes.logical_name), ("percent", number))),
        ),
        Attribute(13, "account_activation_time", shapes.moment),
        Attribute(14, "account_closure_time", shapes.moment),
        Attribute(15, "currency", CURRENCY),
        Attribute(16, "low_credit_threshold", number),
        Attribute(17, "next_credit_available_threshold", number),
        Attribute(18, "max_provision", number),
        Attribute(19, "max_provision_period", number),
    ),
)
CREDIT = CosemClass(
    112,
    "Credit",
    0,
    (
        Attribute(2, "current_credit_amount", number),
        Attribute(3, "credit_type", enumeration(CREDIT_TYPES)),
        Attribute(4, "priority", number),
        Attribute(5, "warning_threshold", number),
        Attribute(6, "limit", number),
        Attribute(7, "credit_configuration", flags(*CREDIT_BITS)),
        Attribute(8, "credit_status", enumeration(CREDIT_STATES)),
        Attribute(9, "preset_credit_amount", number),
        Attribute(10, "credit_available_threshold", number),
        Attribute(11, "period", shapes.moment),
    ),
)
CHARGE = CosemClass(
    113,
    "Charge",
    0,
    (
        Attribute(2, "total_amount_paid", number),
        Attribute(3, "charge_type", enumeration(CHARGE_TYPES)),
        Attribute(4, "priority", number),
        Attribute(5, "unit_charge_active", _UNIT_CHARGE),
        Attribute(6, "unit_charge_passive", _UNIT_CHARGE),
        Attribute(7, "unit_charge_activation_time", shapes.moment),
        Attribute(8, "period", number),
        Attribute(9, "charge_configuration", flags(*CHARGE_BITS)),
        Attribute(10, "last_collection_time", shapes.moment),
        Attribute(11, "last_collection_amount", number),
        Attribute(12, "total_amount_remaining", number),
        Attribute(13, "proportion", number),
    ),
)
# Attribute 2 is the last token as entered: whoever has it may try it elsewhere, so it is not asked for.
TOKEN_GATEWAY = CosemClass(
    115,
    "Token gateway",
    0,
    (
        Attribute(2, "token", shapes.hexadecimal, secret=True),
        Attribute(3, "token_time", shapes.moment),
        Attribute(4, "token_description", several(shapes.text)),
        Attribute(5, "token_delivery_method", enumeration(DELIVERIES)),
        Attribute(
            6,
            "token_status",
            record(("code", enumeration(TOKEN_STATES)), ("data", shapes.hexadecimal)),
        ),
    ),
)
STS_ATTRIBUTES = CosemClass(
    116,
    "IEC 62055-41 attributes",
    0,
    (
        Attribute(
            2,
            "meter_pan",
            record(("issuer", number), ("decoder_reference_number", number), ("check_digit", number)),
        ),
        Attribute(3, "commodity", shapes.text),
        Attribute(4, "token_carrier_types", several(number)),
        Attribute(5, "encryption_algorithm", number),
        Attribute(6, "supply_group_code", number),
        Attribute(7, "tariff_index", number),
        Attribute(8, "key_revision_number", number),
        Attribute(9, "key_type", number),
        Attribute(10, "key_expiry_number", number),
        Attribute(11, "no_of_kct_supported", number),
        Attribute(12, "sts_certificate_no", shapes.text),
    ),
)
CLASSES = (ACCOUNT, CREDIT, CHARGE, TOKEN_GATEWAY, STS_ATTRIBUTES)
