"""Our client and a virtual meter in one process: every octet goes through both, no time passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from drivers.connection import Protection
from drivers.dlms.acse import Mechanism
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.dlms.protection import Keys
from drivers.dlms.short_name_services import NameTable
from drivers.elliptic import Purpose, Suite, private_key, public_key
from drivers.virtual import secrets
from drivers.virtual.meter import Meter
from tests.drivers.virtual.peer import make_meter as make_meter

TITLE = b"FTT\x00\x00\x00\x00\x01"
Change = Callable[[bytes], bytes]


class MeterWire:
    """A wire to a `Meter`. Waiting moves the clock; ``to_meter`` and ``from_meter`` may damage octets."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._now = 1000.0
        self._answers: list[bytes] = []
        self.to_meter: Change = lambda data: data
        self.from_meter: Change = lambda data: data

    def now(self) -> float:
        return self._now

    def write(self, data: bytes) -> None:
        self._now += 0.01
        outputs = self.meter.receive(self.to_meter(data), self._now)
        answer = self.from_meter(b"".join(output.octets for output in outputs))
        if answer:
            self._answers.append(answer)

    def read(self, deadline: float) -> bytes:
        if self._answers:
            return self._answers.pop(0)
        self._now = max(self._now, deadline)
        return b""


class Counter:
    """Invocation counters as a durable store would hand them out."""

    def __init__(self, first: int = 1) -> None:
        self.value = first

    def __call__(self) -> int:
        self.value += 1
        return self.value


def link(meter: Meter, client: int, **more: int) -> HdlcLink:
    found = HdlcLink(MeterWire(meter), LinkOptions(client=client, server="1:17", **more))  # type: ignore[arg-type]  # integers only
    found.connect()
    return found


def reader(meter: Meter, max_pdu: int = 0xFFFF, **more: int) -> DlmsClient:
    """The reader (low level security) of a meter, associated."""
    credentials = Credentials(
        Mechanism.LOW, secrets.derive(meter.device.serial)["password"].encode(), client=2
    )
    return associated(meter, credentials, False, max_pdu, **more)


def keys_of(meter: Meter, suite: int = 0) -> Keys:
    """All keys that the management client of a meter may use."""
    found = secrets.derive(meter.device.serial, suite)
    keys = Keys(TITLE, bytes.fromhex(found["block_key"]), bytes.fromhex(found["auth_key"]), Suite(suite))
    if not suite:
        return keys
    raw = {name: bytes.fromhex(text) for name, text in found.items() if name.endswith("_key")}
    return replace(
        keys,
        sign_key=private_key(raw["sign_key"], keys.suite),
        agreement_key=private_key(raw["agreement_key"], keys.suite),
        meter_sign_key=public_key(raw["meter_sign_key"], keys.suite, Purpose.SIGN),
        meter_agreement_key=public_key(raw["meter_agreement_key"], keys.suite, Purpose.AGREE),
        meter_title=meter.device.system_title,
    )


def manager(
    meter: Meter,
    protection: Protection = Protection.GLO,
    *,
    signed: bool = False,
    mechanism: Mechanism = Mechanism.GMAC,
    counter: Counter | None = None,
    general_blocks: bool = False,
    max_pdu: int = 0xFFFF,
    **more: int,
) -> DlmsClient:
    """The management client of a meter, associated by GMAC (1) or ECDSA (37)."""
    keys = keys_of(meter, meter.device.security.suite)
    ciphering = Ciphering(keys, counter or Counter(), wrapping=protection, signed=signed)
    client = 1 if mechanism is Mechanism.GMAC else 37
    return associated(
        meter, Credentials(mechanism, b"", ciphering, client, keys), general_blocks, max_pdu, **more
    )


def associated(
    meter: Meter,
    credentials: Credentials,
    general_blocks: bool = False,
    max_pdu: int = 0xFFFF,
    **more: int,
) -> DlmsClient:
    client = DlmsClient(
        link(meter, credentials.client, **more),
        credentials,
        short_names=NameTable() if meter.device.short_names else None,
        general_blocks=general_blocks,
        max_pdu=max_pdu,
    )
    client.associate()
    return client
