"""What the command line needs of an old meter: building, describing, keeping its state."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from drivers.virtual import wiring
from drivers.virtual.faults import WriteFaults
from drivers.virtual.legacy.device import LEGACY_MODELS, LegacyDevice, LegacySettings

FORM = 1
_SAVE_SECONDS = 1.0


def build_legacy(options: argparse.Namespace) -> LegacyDevice:
    """The device that the options describe."""
    model = LEGACY_MODELS[options.model]
    settings = LegacySettings(
        serial=options.serial or model.serial,
        seed=options.seed,
        baud=options.baud,
        reaction=options.reaction_ms / 1000,
        lockout=options.lockout_s,
        days=options.days,
        clock_offset=options.clock_offset_s,
        import_kwh=options.import_kwh,
        button=options.button_s,
        wiring=wiring.parse(options.wiring, model.supply.phases),
        faults=WriteFaults(options.cut_before_write, options.power_loss_write, options.cut_after_write),
    )
    return LegacyDevice(model, settings, time.time)


def describe_legacy(device: LegacyDevice) -> dict[str, Any]:
    """One JSON object: identity, mode, training password, codes."""
    model = device.model
    codes = [line.partition("(")[0] for line in device.readout()]
    return {
        "model": model.name,
        "description": model.description,
        "manufacturer": model.flag,
        "product": model.text,
        "serial": device.serial,
        "firmware": model.firmware,
        "protocol": "iec62056-21",
        "mode": model.mode,
        "baud": model.baud,
        "password": device.password.decode(),
        "codes": codes,
        "writable": sorted({"0.9.1", "0.9.2", *model.writable}) if model.mode in "bc" else [],
        "profile": ["P.01", "P.98"] if model.profile else [],
    }


class LegacyStateFile:
    """Keeps clock, registers, values and log of one meter in a file, as JSON."""

    def __init__(self, path: Path, device: LegacyDevice) -> None:
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
            "energies": _plain(device.energies.registers),
            "closed": [[at, _plain(registers)] for at, registers in device.closed],
            "values": device.values,
            "log": device.log,
        }

    def _load(self) -> None:
        device = self._device
        try:
            content = json.loads(self._path.read_bytes())
            if content["form"] != FORM or content["serial"] != device.serial:
                raise OSError(f"{self._path}: belongs to another meter or another version")
            device.offset = float(content["offset"])
            device.energies.at = float(content["at"])
            device.energies.registers = _registers(content["energies"])
            device.closed = [(float(at), _registers(kept)) for at, kept in content["closed"]]
            device.values = {str(code): str(value) for code, value in content["values"].items()}
            device.log = [(float(at), int(status)) for at, status in content["log"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OSError(f"{self._path}: is no state of a virtual meter ({error})") from error
        device.power_up()


def _plain(registers: dict[tuple[int, int], int]) -> dict[str, int]:
    return {f"{quantity}:{tariff}": value for (quantity, tariff), value in registers.items()}


def _registers(kept: dict[str, int]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for key, value in kept.items():
        quantity, _, tariff = key.partition(":")
        found[int(quantity), int(tariff)] = int(value)
    return found
