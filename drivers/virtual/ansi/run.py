"""What the command line needs of a virtual ANSI meter: building, describing, keeping its state."""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from drivers.virtual.ansi.device import ANSI_MODELS, AnsiDevice, AnsiSettings, Entry, Right
from drivers.virtual.ansi.service import BAUDS
from drivers.virtual.ansi.tables import PROCEDURES, TableSet
from drivers.virtual.faults import WriteFaults

FORM = 1
_SAVE_SECONDS = 1.0


def build_ansi(options: argparse.Namespace) -> AnsiDevice:
    """The device that the options describe."""
    model = ANSI_MODELS[options.model]
    settings = AnsiSettings(
        serial=options.serial or model.serial,
        seed=options.seed,
        baud=options.baud,
        lockout=options.lockout_s,
        days=options.days,
        clock_offset=options.clock_offset_s,
        import_kwh=options.import_kwh,
        faults=WriteFaults(options.cut_before_write, options.power_loss_write, options.cut_after_write),
    )
    return AnsiDevice(model, settings, time.time)


def describe_ansi(device: AnsiDevice) -> dict[str, Any]:
    """One JSON object: identity, formats, users with their training passwords, tables, procedures."""
    model = device.model
    return {
        "model": model.name,
        "description": model.description,
        "manufacturer": model.manufacturer,
        "product": model.product,
        "serial": device.serial,
        "firmware": ".".join(map(str, model.firmware)),
        "protocol": "ansi-c12.18",
        "bauds": [baud for baud in sorted(BAUDS.values()) if baud <= device.settings.baud],
        "format_control": device.layout.controls.hex().upper(),
        "users": [
            {"name": "anybody", "password": None},
            {"name": "reader", "password": device.passwords[Right.READER].decode()},
            {"name": "programmer", "password": device.passwords[Right.PROGRAMMER].decode()},
        ],
        "tables": TableSet(device).numbers,
        "procedures": list(PROCEDURES),
    }


class AnsiStateFile:
    """Keeps clock, registers, demand and logs of one meter in a file, as JSON; the profile is drawn anew."""

    def __init__(self, path: Path, device: AnsiDevice) -> None:
        self._path, self._device = path, device
        self._due, self._next = False, 0.0
        if path.exists():
            self._load()
        device.changed = self._mark

    def _mark(self) -> None:
        self._due = True

    def save_if_due(self) -> None:
        """A setting is on disk before its answer is; energies follow within a second."""
        now = time.monotonic()
        if self._due or now >= self._next:
            self._due, self._next = False, now + _SAVE_SECONDS
            self.save()

    def save(self) -> None:
        """Writes the file in one step: a new one, flushed to disk, takes the old one's place."""
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with fresh.open("wb") as file:
            file.write(json.dumps(self._content()).encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _content(self) -> dict[str, Any]:
        device = self._device
        return {
            "form": FORM,
            "serial": device.serial,
            "offset": device.offset,
            "at": device.energies.at,
            "demand_resets": device.demand_resets,
            "energies": {f"{q}:{t}": value for (q, t), value in device.energies.registers.items()},
            "demands": [[d.watts, d.at.isoformat() if d.at else None, d.cumulative] for d in device.demands],
            "events": [device.event_count, [_entry(entry) for entry in device.event_log]],
            "history": [device.history_count, [_entry(entry) for entry in device.history_log]],
        }

    def _load(self) -> None:
        device = self._device
        try:
            content = json.loads(self._path.read_bytes())
            if content["form"] != FORM or content["serial"] != device.serial:
                raise OSError(f"{self._path}: belongs to another meter or another version")
            registers = {tuple(map(int, key.split(":"))): int(v) for key, v in content["energies"].items()}
            device.offset = float(content["offset"])
            device.energies.registers = {(q, t): value for (q, t), value in registers.items()}
            device.demand_resets = int(content["demand_resets"])
            for demand, (watts, at, cumulative) in zip(device.demands, content["demands"], strict=True):
                demand.watts, demand.cumulative = int(watts), int(cumulative)
                demand.at = datetime.fromisoformat(at) if at else None
            device.event_count, events = content["events"]
            device.history_count, history = content["history"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OSError(f"{self._path}: is no state of a virtual meter ({error})") from error
        device.event_log.clear()
        device.event_log.extend(_from(row) for row in events)
        device.history_log.clear()
        device.history_log.extend(_from(row) for row in history)
        device.power_up()


def _entry(entry: Entry) -> list[Any]:
    return [entry.at.isoformat(), entry.code, entry.user, entry.number, entry.sequence, entry.argument]


def _from(row: list[Any]) -> Entry:
    return Entry(datetime.fromisoformat(row[0]), *(int(value) for value in row[1:]))
