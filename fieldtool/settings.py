"""Where one tablet keeps its data, and the few choices that belong to the machine and not to the record.

`FIELDTOOL_HOME` moves everything. Each realm has a folder of its own below it, with its own database, keys
and enrolment; nothing is shared between them but language, theme and the probe's port.
"""

from __future__ import annotations

import os
import stat
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from drivers.position.take import AUTO
from fieldtool.text import Language
from workorders.durable import write_whole
from workorders.journal.entry import Realm
from workorders.sync.firmware import FIRMWARE

HOME_VARIABLE = "FIELDTOOL_HOME"
PIN_VARIABLE = "FIELDTOOL_PIN"
DATABASE_VARIABLE = "FIELDTOOL_DATABASE"
DATABASE_KEY_VARIABLE = "FIELDTOOL_DATABASE_KEY"
BLOBS_VARIABLE = "FIELDTOOL_BLOBS"
PASSPHRASE_VARIABLE = "FIELDTOOL_PASSPHRASE"  # noqa: S105 - the name of a variable


class Theme(StrEnum):
    """Light first; dark one tap away."""

    LIGHT = "light"
    DARK = "dark"


class Line(StrEnum):
    """What the tablet's line costs: as the system says, or as somebody who knows the data plan says."""

    AUTO = "auto"
    METERED = "metered"
    FREE = "free"


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Choices of this machine. `probe` is the port of the optical probe, None: the first one found.

    `position` says where a position is taken from: `auto`, `windows`, `none`, or the port of a receiver.
    `line` says what the network costs (`auto` where the system does not say: that it costs);
    `photos_on_metered` whether photos go over a line that costs, `data_cap_mb` up to how much in a month.
    After `stale_days` without contact orders and network are shown as old. `camera` is the one that the crew
    looked through last, None: the first found. `beep`: a short sound says that a code was read.
    """

    language: Language = Language.ES
    theme: Theme = Theme.LIGHT
    probe: str | None = None
    position: str = AUTO
    realm: Realm | None = None
    line: Line = Line.AUTO
    photos_on_metered: bool = True
    data_cap_mb: int | None = None
    stale_days: int = 3
    camera: str | None = None
    beep: bool = False


class Home:
    """The data folder of one tablet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def default(cls) -> Home:
        """`FIELDTOOL_HOME`, else the place the system gives to data of programs."""
        named = os.environ.get(HOME_VARIABLE)
        return cls(Path(named) if named else _platform_folder())

    def realm_folder(self, realm: Realm) -> Path:
        """Folder of a realm, made where it is missing and readable by this user only."""
        path = self.folder / realm.value
        path.mkdir(parents=True, exist_ok=True)
        if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) != 0o700:
            path.chmod(0o700)  # only where it must: a disk that has become read-only is told by the database
        return path

    def database(self, realm: Realm) -> Path:
        """The encrypted database of a realm."""
        return self.realm_folder(realm) / "tablet.db"

    def blobs(self, realm: Realm) -> Path:
        """Sealed photos and documents of a realm."""
        return _made(self.realm_folder(realm) / "blobs")

    def firmware(self, realm: Realm = Realm.LIVE) -> Path:
        """Where firmware images lie, those that people bring among them; of another realm than live beside
        its database, so that what a training office offers is never shown at a live meter."""
        return (self.folder if realm is Realm.LIVE else self.realm_folder(realm)) / FIRMWARE

    def cache(self) -> Path:
        """What can be thrown away: association views by meter type."""
        return _made(self.folder / "cache")

    def recordings(self, realm: Realm | None = None) -> Path:
        """Recordings of sessions that belong to no order, those of the bench: of a tablet beside its database
        (they are wiped with it); without `realm` of a machine that is none."""
        return _made((self.folder if realm is None else self.realm_folder(realm)) / "recordings")

    def realms(self) -> list[Realm]:
        """Realms that have a database here."""
        return [realm for realm in Realm if (self.folder / realm.value / "tablet.db").is_file()]

    def settings(self) -> Settings:
        """The settings; defaults where there are none or they cannot be read (they hold nothing precious)."""
        try:
            return msgspec.json.decode((self.folder / "settings.json").read_bytes(), type=Settings)
        except (OSError, msgspec.DecodeError):
            return Settings()

    def save_settings(self, settings: Settings) -> None:
        """Write the settings, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / "settings.json", msgspec.json.encode(settings))

    def realm(self) -> Realm:
        """The realm to open: the chosen one, else the only one that is there, else live."""
        chosen = self.settings().realm
        if chosen is not None:
            return chosen
        there = self.realms()
        return there[0] if len(there) == 1 else Realm.LIVE


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _platform_folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "fieldtool"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "fieldtool"
