"""The meters of the campaign, how they are worked on, and what they really hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from drivers.connection import Auth, Connection, Mode, Protection
from drivers.virtual.ansi.device import ANSI_MODELS, AnsiDevice, AnsiSettings
from drivers.virtual.ansi.meter import AnsiMeter
from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.dlms.axdr import Data, encode
from drivers.virtual.faults import WriteFaults
from drivers.virtual.legacy.device import LEGACY_MODELS, LegacyDevice, LegacySettings
from drivers.virtual.legacy.meter import LegacyMeter
from drivers.virtual.line import Line, LineOptions
from drivers.virtual.meter import Meter
from drivers.virtual.models import MODELS
from drivers.virtual.secrets import derive, programmer_password
from tests.campaign.tablet import Durable
from tests.drivers.field import MANAGEMENT, READER, TITLE

NOW = datetime(2026, 5, 5, 12, 7, 30, tzinfo=UTC)
"""The wall clock of every visit stands still: what a meter holds does not change under the checks."""
CLOCKS = ("8:0.0.1.0.0.255:2", "ansi:ST52:clock", "0.9.1", "0.9.2")
_PHYSICAL, _INACTIVITY = 17, 120.0
_SHA256 = Connection(client=36, auth=Auth.SHA256, system_title=TITLE, password="hls_secret")
_IEC = Connection(mode=Mode.C, password="password")
_PUSHED = Connection(mode=Mode.D)
_KEYS = ("block_key", "auth_key", "sign_key", "agreement_key", "meter_sign_key", "meter_agreement_key")
IEC_B_CLOCK = str(Path(__file__).with_name("iec_b_clock.toml"))
TEN_ITEMS = str(Path(__file__).parents[1] / "bench" / "ten_items.toml")


def _ecdsa(suite: int, protection: Protection, *, signed: bool = False) -> Connection:
    """Client 37: key pairs, ECDSA, ciphered."""
    return Connection(
        client=37,
        auth=Auth.ECDSA,
        system_title=TITLE,
        suite=suite,
        protection=protection,
        signed=signed,
        model="idis-3ph-ct",
        **{name: name for name in _KEYS},  # type: ignore[arg-type]  # names of secrets, all text
    )


@dataclass(frozen=True)
class Kind:
    """A sort of visit: which virtual model, how it is reached, what is written."""

    name: str
    model: str
    connection: Connection
    program: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    has_profile: bool = True

    @property
    def is_ansi(self) -> bool:
        return self.connection.mode is Mode.C12

    @property
    def has_secret(self) -> bool:
        """Whether anything proves who we are: only then a wrong one can be tried."""
        return self.connection.password is not None or self.connection.block_key is not None


_RATIO = {
    "order.ct_primary": "200",
    "order.ct_secondary": "5",
    "plate.ct_primary": "200",
    "plate.ct_secondary": "5",
}
KINDS = (
    Kind("prime", "prime-1ph", MANAGEMENT, "residential-2.0TD", {"order.contracted_power": "4600"}),
    Kind("three-phase", "idis-3ph-ct", MANAGEMENT, "industrial-mt", _RATIO),
    Kind("prepay", "plc-prepay-1ph", MANAGEMENT, "prepay-bt", {"order.contracted_power": "8800"}),
    Kind("password", "prime-1ph", READER),
    Kind("hash", "idis-3ph-ct", _SHA256, has_profile=False),
    Kind("short-names", "sn-legacy", READER),
    Kind("readout", "sn-legacy", Connection(mode=Mode.C), has_profile=False),
    Kind(
        "ansi",
        "ansi-1ph",
        Connection(mode=Mode.C12, client=2, auth=Auth.LOW, password="password"),
        "ansi-clock",
    ),
    Kind("ten-items", "idis-3ph-ct", MANAGEMENT, TEN_ITEMS, has_profile=False),
    Kind("suite-1", "idis-3ph-ct", _ecdsa(1, Protection.IDENTIFIED, signed=True), "industrial-mt", _RATIO),
    Kind("suite-2", "idis-3ph-ct", _ecdsa(2, Protection.GENERAL_GLO), has_profile=False),
    Kind("suite-1-agreed", "idis-3ph-ct", _ecdsa(1, Protection.ONE_PASS), has_profile=False),
    Kind("iec-a", "iec-a-legacy", Connection(mode=Mode.C), has_profile=False),
    Kind("iec-b", "iec-b-legacy", _IEC, IEC_B_CLOCK, has_profile=False),
    Kind(
        "iec-c", "iec-c-legacy", _IEC, "iec-c-legacy", {"order.supply_number": "123-456"}, has_profile=False
    ),
    Kind("iec-c-profile", "iec-c-legacy", _IEC),
    Kind("iec-d", "iec-d-legacy", _PUSHED, has_profile=False),
)


def object_of(item: str) -> str:
    """What is changed together: an object by class and name; the clock, however it is called."""
    if item in CLOCKS or item == "clock:offset" or item.startswith("8:"):
        return "clock"
    return ":".join(item.split(":")[:2])


class WatchedMeter:
    """A virtual meter with a notebook: what was written to it and which passwords it was offered."""

    def __init__(
        self,
        kind: Kind,
        *,
        reaction: float,
        echo: bool,
        faults: WriteFaults,
        offset: int,
        baud: int = 9600,
    ) -> None:
        self.kind = kind
        self._offered: list[tuple[int, int]] = []
        self._attempt = self._refused = 0
        self.device: LogicalDevice | AnsiDevice | LegacyDevice
        options = LineOptions(paced=True, reaction=reaction, echo=echo)
        if kind.is_ansi:
            model = ANSI_MODELS[kind.model]
            ansi = AnsiSettings(serial=model.serial, days=2, clock_offset=offset, faults=faults)
            self.device = device = AnsiDevice(model, ansi, NOW.timestamp)
            self.serial = device.serial
            self.machine: Meter | AnsiMeter | LegacyMeter = AnsiMeter(device, baud)
            self.secrets = {"password": programmer_password(self.serial).encode()}
        elif kind.model in LEGACY_MODELS:
            kept = LEGACY_MODELS[kind.model]
            old = LegacySettings(
                kept.serial, baud=baud, reaction=reaction, days=2, clock_offset=offset, faults=faults
            )
            self.device = legacy = LegacyDevice(kept, old, NOW.timestamp)
            self.serial = legacy.serial
            self.machine = LegacyMeter(legacy, baud)
            self.secrets = {"password": legacy.password}
        else:
            dlms = MODELS[kind.model]
            suite = kind.connection.suite
            settings = Settings(
                serial=dlms.serial,
                baud=baud,
                reaction=reaction,
                days=2,
                clock_offset=offset,
                faults=faults,
                suite=suite,
            )
            self.device = cosem = LogicalDevice(dlms, settings, NOW.timestamp)
            self.serial = cosem.serial
            self.machine = Meter(cosem, baud, reaction, _PHYSICAL, _INACTIVITY)
            known = derive(self.serial, suite)
            self.secrets = {name: known[name].encode() for name in ("password", "hls_secret")}
            self.secrets |= {name: bytes.fromhex(known[name]) for name in _KEYS if name in known}
        self.line = Line(self.machine, options)

    def begin_attempt(self) -> None:
        """A person decided to go on: what was tried before does not count for what is tried from here on."""
        self._attempt += 1
        self._refused = 0

    def watch(self, durable: Durable, problems: list[tuple[str, str]]) -> None:
        """Note passwords offered and values written that should not have been."""

        def offered(right: bool) -> None:
            if not right:
                self._refused += 1
                if self._refused > 1:
                    problems.append(("passwords_retried", "a second wrong secret"))
            now = (self._attempt, durable.proven)
            if now in self._offered:
                problems.append(("passwords_retried", "again before the verdict on the first was heard"))
            self._offered.append(now)

        def written(key: str) -> None:
            item = object_of(key)
            if not any(object_of(intent.item) == item for intent in durable.open_intents):
                problems.append(("unreported", f"{key} was written without an open intent"))

        device = self.device
        if isinstance(device, AnsiDevice):
            ask_right = device.check_password

            def right(password: bytes, now: float) -> object:
                found = ask_right(password, now)
                offered(found is not None)
                return found

            device.check_password = right  # type: ignore[method-assign,assignment]  # a notebook, nothing else
            return
        if isinstance(device, LegacyDevice):
            log_in, take = device.login, device.write

            def logged_in(password: bytes, now: float) -> bool:
                found = log_in(password, now)
                offered(found)
                return found

            def taken(code: str, value: str) -> None:
                take(code, value)
                written(code)

            device.login, device.write = logged_in, taken  # type: ignore[method-assign]  # as above
            return
        security = device.security
        check, fail = security.check_password, security.fail

        def checked(client: int, password: bytes) -> bool:
            found = check(client, password)
            if found:
                offered(True)
            return found

        def failed(now: float) -> None:
            offered(False)
            fail(now)

        security.check_password = checked  # type: ignore[method-assign,assignment]  # as above
        security.fail = failed  # type: ignore[method-assign]  # as above
        device.store.changed = written

    @property
    def clock_offset(self) -> float:
        """Seconds by which its clock is ahead."""
        device = self.device
        return device.clock.offset if isinstance(device, LogicalDevice) else device.offset

    def held(self) -> dict[str, bytes]:
        """Every stored setting that a write could change, as A-XDR; of an old meter as text."""
        if isinstance(self.device, LegacyDevice):
            texts = {code: value.encode() for code, value in self.device.values.items()}
            return texts | {"clock:offset": str(self.device.offset).encode()}
        if isinstance(self.device, AnsiDevice):
            return {"clock:offset": str(self.device.offset).encode()}
        values = self.device.store.values
        return {key: encode(value) for key, value in values.items() if not key.startswith("counter:")}

    def value(self, key: str) -> Data:
        assert isinstance(self.device, LogicalDevice)
        return self.device.store.values[key]


@contextmanager
def standing_clock() -> Iterator[None]:
    """The driver's wall clock stands still, too."""
    import sys
    from unittest.mock import patch

    class Standing(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only ever asked for UTC
            return NOW

    names = [
        name
        for name, module in sys.modules.items()
        if name.startswith("drivers.session") and getattr(module, "datetime", None) is datetime
    ]
    patches = [patch(f"{name}.datetime", Standing) for name in names]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
