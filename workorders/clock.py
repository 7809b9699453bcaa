"""What time it is, as honestly as this machine can say: device, monotonic, boot, server offset, GPS."""

from __future__ import annotations

import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import msgspec

from workorders.journal.entry import EntryTime

GPS_HOLDS_MS = 10 * 60 * 1000
"""So long a clock of a tablet carries GPS time on without going wrong by more than some milliseconds."""


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`, the one spelling used in the record.

    Raises:
        ValueError: a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without its zone is not a time")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_utc(text: str) -> datetime:
    """The inverse of `utc_text`; takes any RFC 3339 text with an offset.

    Raises:
        ValueError: not a time, or one without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment.astimezone(UTC)


@lru_cache(maxsize=1024)
def normal_utc(text: str | None) -> str | None:
    """Any RFC 3339 time with an offset in the record's spelling; None for what is none."""
    try:
        return None if text is None else utc_text(read_utc(text))
    except (ValueError, OverflowError):
        return None


class Clock(Protocol):
    """Where the journal takes the time from."""

    def now(self) -> EntryTime: ...


SKEW_MS = 5 * 60 * 1000
"""A clock of a tablet that is further off than this is shown, with what to do."""


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """When the gateway's clock was last heard, by it and by this machine's time since boot."""

    server: str
    monotonic_ms: int
    boot_id: str


class SystemClock:
    """The clock of this machine.

    Attributes:
        server_offset_ms: gateway clock minus ours at the last contact; whoever syncs sets it (`meet`).
        met: that contact. Within the same boot the time since then counts, not the clock, which somebody may
            have set meanwhile (`offset_ms`).

    GPS time stands in an entry while it is known: from a fix on (`gps_fix`), carried on by the monotonic
    clock for `GPS_HOLDS_MS`, because the receiver itself is open only while a position is taken.
    """

    def __init__(self, server_offset_ms: int | None = None, met: Meeting | None = None) -> None:
        self.server_offset_ms = server_offset_ms
        self.met = met
        self._gps: tuple[datetime, int] | None = None
        self._boot_id = boot_id()

    def gps_fix(self, moment: datetime) -> None:
        """A receiver with a fix says that it is `moment` now."""
        self._gps = (moment, _since_boot_ms())

    def meet(self, offset_ms: int) -> None:
        """The gateway's clock was heard: it is `offset_ms` ahead of ours."""
        server = utc_text(_wall() + timedelta(milliseconds=offset_ms))
        self.server_offset_ms = offset_ms
        self.met = Meeting(server=server, monotonic_ms=_since_boot_ms(), boot_id=self._boot_id)

    def offset_ms(self) -> int | None:
        """Gateway clock minus ours now, as far as it can be known; None before the first contact."""
        met = self.met
        if met is None or met.boot_id != self._boot_id:
            return self.server_offset_ms
        passed = timedelta(milliseconds=_since_boot_ms() - met.monotonic_ms)
        return round((read_utc(met.server) + passed - _wall()) / timedelta(milliseconds=1))

    def skew_ms(self) -> int | None:
        """How far this machine's clock is ahead (negative: behind): by GPS where known, else the office's."""
        gps = self._gps_time(_since_boot_ms())
        if gps is not None:
            return round((_wall() - read_utc(gps)) / timedelta(milliseconds=1))
        offset = self.offset_ms()
        return None if offset is None else -offset

    def now(self) -> EntryTime:
        since_boot = _since_boot_ms()
        return EntryTime(
            device=utc_text(_wall()),
            monotonic_ms=since_boot,
            boot_id=self._boot_id,
            server_offset_ms=self.offset_ms(),
            gps=self._gps_time(since_boot),
        )

    def _gps_time(self, since_boot: int) -> str | None:
        if self._gps is None:
            return None
        moment, then = self._gps
        passed = since_boot - then
        return utc_text(moment + timedelta(milliseconds=passed)) if passed <= GPS_HOLDS_MS else None


def _wall() -> datetime:
    return datetime.now(UTC)


def _since_boot_ms() -> int:
    if sys.platform == "linux":
        # Counts while the tablet sleeps, which the plain monotonic clock of Linux does not.
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return time.monotonic_ns() // 1_000_000


_PROCESS = str(uuid.uuid4())


def boot_id() -> str:
    """Names the present boot: the kernel's id on Linux, the boot counter on Windows, else this process."""
    if sys.platform == "win32":
        return _windows_boot_id()
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"process-{_PROCESS}"


def _windows_boot_id() -> str:
    if sys.platform != "win32":
        return f"process-{_PROCESS}"
    import winreg

    folder = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, folder) as key:
            return f"windows-{winreg.QueryValueEx(key, 'BootId')[0]}"
    except OSError:
        return f"process-{_PROCESS}"
