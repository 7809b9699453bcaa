"""What a virtual concentrator knows: itself, and meters that appear some time after they have power."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from drivers.virtual.cosem.prime import mac_of
from drivers.virtual.cosem.time import Zone

SPAIN = Zone(-60, summer=True)
FINE, WARNING, ERROR = 2, 1, 0
POLL = 240.0
"""A concentrator hears from each of its meters about this often (seconds)."""


class ConfigError(ValueError):
    """The configuration file or a control request is wrong; the text says where."""


class MeterEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One meter, as configured or added at run time. Times in seconds after it was added (its power-up).

    `after_s`: when it registers; `lost_after_s`: when it falls silent; `answers`: whether it answers requests
    (S06).
    """

    serial: str
    after_s: float = 0.0
    mac: str | None = None
    com_status: int = FINE
    active: bool = True
    answers: bool = True
    lost_after_s: float | None = None
    manufacturer: str = "Z"
    model: str = "NT"
    firmware: str = "VK013"
    prime_firmware: str = "V2203"

    def __post_init__(self) -> None:
        if not self.serial or len(self.serial) > 32 or not self.serial.isalnum():
            raise ConfigError(f"serial {self.serial!r}: letters and digits, at most 32")


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The concentrator itself."""

    id: str = "ZIV0004394488"
    mac: str = "40:40:22:00:00:01"
    model: str = "5CTI"
    firmware: str = "3.23.99"
    prime_firmware: str = "2223"
    address: str = "192.168.42.30"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``--config`` file: a table ``concentrator`` and any number of ``meters``."""

    concentrator: Identity = Identity()
    meters: list[MeterEntry] = []


def load_config(path: Path) -> Config:
    """Reads the TOML file; `ConfigError` names the file, and line or field, and the reason."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(content, Config)
    except (
        OSError,
        tomllib.TOMLDecodeError,
        msgspec.ValidationError,
        UnicodeDecodeError,
        ConfigError,
    ) as error:
        raise ConfigError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Listed:
    """One meter in the concentrator's list: status, time of the last word from it (UTC)."""

    entry: MeterEntry
    mac: str
    com_status: int
    heard: datetime
    active: bool


@dataclass(frozen=True, slots=True)
class _Added:
    entry: MeterEntry
    at: float


@dataclass
class Concentrator:
    """State of the concentrator; `time` gives unix seconds."""

    identity: Identity
    time: Callable[[], float]
    _meters: dict[str, _Added] = field(default_factory=dict)

    def add(self, entry: MeterEntry) -> None:
        """A meter gets power now; it registers by itself after its time. Again: as if it were new."""
        self._meters[entry.serial] = _Added(entry, self.time())

    def remove(self, serial: str) -> bool:
        """Forgets a meter (order B06, or it was taken down). False if it was not known."""
        return self._meters.pop(serial, None) is not None

    def reboot(self) -> None:
        """Every meter has to register again (order B11 T01)."""
        now = self.time()
        self._meters = {serial: replace(added, at=now) for serial, added in self._meters.items()}

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def meters(self) -> list[Listed]:
        """The meters that have appeared, in the order of their serials."""
        listed = (self.find(serial) for serial in sorted(self._meters))
        return [meter for meter in listed if meter is not None]

    def find(self, serial: str) -> Listed | None:
        """One meter, or None while it has not appeared."""
        added = self._meters.get(serial)
        age = self.time() - added.at if added else 0.0
        if added is None or age < added.entry.after_s:
            return None
        entry = added.entry
        lost = entry.lost_after_s is not None and age >= entry.lost_after_s
        since = age - entry.after_s
        silent = age - (entry.lost_after_s or 0.0) if lost else min(since, since % POLL)
        return Listed(
            entry,
            entry.mac or ":".join(f"{octet:02X}" for octet in mac_of(serial)),
            ERROR if lost else entry.com_status,
            self.now() - timedelta(seconds=silent),
            entry.active and not lost,
        )


def stamp(moment: datetime) -> str:
    """``YYYYMMDDhhmmssmmm`` in local time of Spain and S (summer) or W (winter)."""
    seconds = moment.timestamp()
    local = SPAIN.local(seconds)
    summer = SPAIN.offset(seconds)[1]
    return f"{local:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}{'S' if summer else 'W'}"
