"""Identity and readings of a meter that only reads out (IEC 62056-21 mode A, B or C)."""

from __future__ import annotations

import msgspec

from drivers.errors import UnsupportedObject
from drivers.iec62056.identification import Identification
from drivers.iec62056.readout import DataSet
from drivers.models import MeterModel
from drivers.reading import Identity, Reading
from drivers.session.reach import identification_text

_SERIAL_CODES = ("0.0.0", "C.1.0", "0.0", "C.1", "96.1.0", "0-0:96.1.0", "1-0:0.0.0")
_FIRMWARE_CODES = ("0.2.0", "1-0:0.2.0", "C.2.0")


def readout_identity(
    identification: Identification, data_sets: list[DataSet], model: MeterModel | None
) -> Identity:
    """Manufacturer and type from the identification line, the serial from the codes that makes use for it."""
    values = {_bare(found.address): found.values[0][0] for found in data_sets}
    return Identity(
        identification.manufacturer,
        next((values[code] for code in _SERIAL_CODES if values.get(code)), None),
        model.name if model else identification.text or None,
        next((values[code] for code in _FIRMWARE_CODES if values.get(code)), None),
        None,
        {"identification": identification_text(identification), "mode": identification.mode},
    )


def readout_readings(data_sets: list[DataSet], wanted: list[str] | None) -> list[Reading]:
    """All data sets, or those asked for by their code (``1.8.0``, or an item whose OBIS the code
    shortens)."""
    if wanted is None:
        return [found.as_reading() for found in data_sets]
    readings = []
    for text in wanted:
        found = next((one for one in data_sets if _means(one.address, text)), None)
        missing = Reading(text, status="object-undefined")
        readings.append(msgspec.structs.replace(found.as_reading(), item=text) if found else missing)
    if all(reading.status == "object-undefined" for reading in readings):
        raise UnsupportedObject(detail=", ".join(wanted[:5]))
    return readings


def _bare(address: str) -> str:
    return address.removesuffix("*255")


def _means(address: str, wanted: str) -> bool:
    if address == wanted:
        return True
    parts = wanted.split(":")
    obis = parts[1] if len(parts) > 1 else parts[0]
    numbers = obis.split(".")
    if len(numbers) != 6:
        return False
    short = ".".join(numbers[2:5])
    return _bare(address) in (short, f"{numbers[0]}-{numbers[1]}:{short}")
