"""Keeps what a meter stores in a file, so that it survives the end of its process."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from drivers.virtual.cosem.device import LogicalDevice
from drivers.virtual.cosem.profile import Profile, Row
from drivers.virtual.dlms import axdr

FORM = 1
INTERVAL = 1.0


class StateError(OSError):
    """The file is there but can't be used."""


class StateFile:
    """One file for one meter: settings, keys, counters, energies and the rows of both profiles, as JSON."""

    def __init__(self, path: Path, device: LogicalDevice) -> None:
        self._path, self._device = path, device
        self._saved: tuple[object, ...] = ()
        self._next = 0.0
        self._setting_changed = False
        if path.exists():
            self._load()
        device.store.changed = self._on_change

    def _on_change(self, key: str) -> None:
        self._setting_changed = True

    def save_if_due(self) -> None:
        """A setting is on disk before its answer is; counters, energies and rows follow within a second."""
        now = time.monotonic()
        if self._setting_changed or (now >= self._next and self._revision() != self._saved):
            self._next = now + INTERVAL
            self.save()

    def _revision(self) -> tuple[object, ...]:
        device = self._device
        rows = (device.profile.rows, device.events.rows)
        return (device.security.received, device.security.sent, *(r[-1].at if r else None for r in rows))

    def save(self) -> None:
        """Writes the file in one step: a new one, flushed to disk, takes the old one's place."""
        self._setting_changed = False
        self._saved = self._revision()
        content = json.dumps(self._content()).encode()
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _content(self) -> dict[str, Any]:
        device = self._device
        return {
            "form": FORM,
            "serial": device.serial,
            "values": {key: axdr.encode(value).hex() for key, value in device.store.values.items()},
            "energies": {f"{q}:{t}": value for (q, t), value in device.energies.registers.items()},
            "profile": _rows(device.profile),
            "events": _rows(device.events),
        }

    def _load(self) -> None:
        device = self._device
        try:
            content = json.loads(self._path.read_bytes())
            if content["form"] != FORM or content["serial"] != device.serial:
                raise StateError(f"{self._path}: belongs to another meter or another version")
            values = {key: axdr.decode_whole(bytes.fromhex(text)) for key, text in content["values"].items()}
            energies = {
                tuple(map(int, key.split(":"))): int(value) for key, value in content["energies"].items()
            }
            profile, events = _decode(content["profile"]), _decode(content["events"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(f"{self._path}: is no state of a virtual meter ({error})") from error
        device.store.values.update(values)
        device.energies.registers = {(q, t): value for (q, t), value in energies.items()}
        device.profile.rows.clear()
        device.profile.rows.extend(profile)
        device.events.rows.clear()
        device.events.rows.extend(events)
        device.power_up()


def _rows(profile: Profile) -> list[list[Any]]:
    return [[row.at, axdr.encode(axdr.structure(*row.values)).hex()] for row in profile.rows]


def _decode(rows: list[Any]) -> list[Row]:
    return [Row(float(at), axdr.decode_whole(bytes.fromhex(text)).items) for at, text in rows]
