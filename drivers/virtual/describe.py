"""What ``--describe`` says of a virtual meter: all that a client needs to work with it."""

from __future__ import annotations

from typing import Any

from drivers.virtual import secrets
from drivers.virtual.cosem import g3, mbus, prepayment, prime
from drivers.virtual.cosem.base import Client, obis_text
from drivers.virtual.cosem.device import LogicalDevice, counter_objects
from drivers.virtual.dlms import acse
from drivers.virtual.dlms.acse import Mechanism
from drivers.virtual.dlms.session import Access
from drivers.virtual.meter import LIMITS, LOGICAL_DEVICE
from drivers.virtual.models import Network

_AUTH = {mechanism: mechanism.name.lower() for mechanism in Mechanism}


def describe(device: LogicalDevice) -> dict[str, Any]:
    """One JSON object: identity, addresses, clients with their rights, training secrets, titles, objects.

    In ``objects``, ``attributes`` and ``methods`` give for each client the access mode (0 none, 1 read, 2
    write, 3 both; methods 0, 1).
    """
    model, settings = device.model, device.settings
    counters = counter_objects(device.clients)
    return {
        "model": model.name,
        "description": model.description,
        "manufacturer": model.flag,
        "serial": device.serial,
        "logical_device_name": device.logical_device_name.decode(),
        "firmware": device.image.firmware,
        "sign_on": {"identification": f"/{model.flag}…\\2{model.identification}", "address": device.serial},
        "server": {"logical": LOGICAL_DEVICE, "physical": settings.physical},
        "hdlc": {"information": LIMITS.transmit, "window": LIMITS.window_transmit, "baud": settings.baud},
        "max_pdu": device.max_pdu,
        "clients": [
            {
                "name": access.name,
                "client": client,
                "role": access.role.name.lower(),
                "auth": _AUTH[access.mechanism],
                "application_context": access.context,
                "security": _security(access),
                "conformance": f"{access.conformance:06X}",
                "secrets": _secrets(access),
                "invocation_counter": counters.get(client),
            }
            for client, access in device.clients.items()
        ],
        "secrets": secrets.derive(device.serial, device.security.suite),
        "system_title": device.system_title.hex().upper(),
        "suite": int(device.security.suite),
        "security_policy": device.security.policy,
        "invocation_counter": counters[Client.MANAGEMENT],
        "list_limit": device.list_limit,
        "referencing": "sn" if device.short_names else "ln",
        "prime": _prime(device),
        "network": _network(device),
        "prepayment": _prepayment(device),
        "mbus": _children(device),
        "objects": [
            {
                "class": thing.class_id,
                "version": thing.version,
                "obis": obis_text(thing.logical_name),
                "short_name": device.base_names.get(thing.logical_name),
                "attributes": {str(i): _rights(a.rights.of) for i, a in sorted(thing.attributes.items())},
                "methods": {str(i): _rights(m.rights.of) for i, m in sorted(thing.methods.items())},
            }
            for thing in device.objects.values()
        ],
    }


def _security(access: Access) -> str:
    ciphered = access.context in (acse.CONTEXT_LN_CIPHERED, acse.CONTEXT_SN_CIPHERED)
    return "authenticated+encrypted" if ciphered else "none"


def _secrets(access: Access) -> list[str]:
    """What a client needs to come in as this one; agreed keys and signatures need the others too."""
    needed = {
        Mechanism.NONE: [],
        Mechanism.LOW: ["password"],
        Mechanism.GMAC: [],
        Mechanism.ECDSA: ["sign_key", "meter_sign_key"],
    }.get(access.mechanism, ["hls_secret"])
    return needed + (["block_key", "auth_key"] if _security(access) != "none" else [])


def _rights(of: Any) -> dict[str, int]:
    return {client.name.lower(): of(client) for client in Client}


def _prime(device: LogicalDevice) -> dict[str, Any] | None:
    if device.model.network is not Network.PRIME:
        return None
    settings = device.settings
    mac = prime.mac_of(device.serial)
    return {
        "mac": mac.hex().upper(),
        "base_node": settings.base_node.hex().upper(),
        "join_after_s": settings.join_after,
    }


def _network(device: LogicalDevice) -> dict[str, Any] | None:
    """The network it joins, its address there, when, and how that ends."""
    kind = device.model.network
    if kind is Network.NONE:
        return None
    address = {Network.PRIME: prime.mac_of, Network.G3: g3.eui64_of}.get(kind)
    return {
        "technology": kind.value,
        "mac": address(device.serial).hex().upper() if address else None,
        "join_after_s": device.joining.after,
        "join": device.joining.outcome.value,
    }


def _prepayment(device: LogicalDevice) -> dict[str, Any] | None:
    """Tokens that this meter takes, each once and in this order: 10.00, 25.00 and 100.00."""
    if device.prepayment is None:
        return None
    amounts = enumerate((1000, 2500, 10000), start=1)
    return {
        "credit": device.settings.credit,
        "tokens": [prepayment.token(device.serial, amount, sequence) for sequence, amount in amounts],
    }


def _children(device: LogicalDevice) -> list[dict[str, Any]]:
    if not device.model.mbus:
        return []
    return [
        {"channel": channel, "number": f"{child.number:08d}", "manufacturer": child.flag, "type": child.kind}
        for channel, child in enumerate(mbus.children_of(device.serial), start=1)
    ]
