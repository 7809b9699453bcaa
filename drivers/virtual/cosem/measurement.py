"""Classes 1 data and 3 register: identity, energies by tariff, momentary values of each phase."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from drivers.virtual.cosem.base import READ, CosemObject, Rights, computed, fixed, obis
from drivers.virtual.dlms.axdr import Data, Tag, enum, i8, i32, octets, structure, u8, u16, u32
from drivers.virtual.physics import TARIFFS, Phase

DEGREE, WATT, VAR, WATT_HOUR, VAR_HOUR, AMPERE, VOLT, NO_UNIT = 8, 27, 29, 30, 32, 33, 35, 255
_PHASE_CODES = ((32, 31, 21, 23, 33), (52, 51, 41, 43, 53), (72, 71, 61, 63, 73))


def data(name: str, value: Data, rights: Rights = READ) -> CosemObject:
    """Class 1, version 0, with a value that never changes."""
    return CosemObject(1, 0, obis(name), {2: fixed(value, rights)})


def label(name: str, value: str, rights: Rights = READ) -> CosemObject:
    """Class 1 with a text as an octet-string."""
    return data(name, octets(value.encode()), rights)


def live_data(name: str, read: Callable[[], Data], rights: Rights = READ) -> CosemObject:
    return CosemObject(1, 0, obis(name), {2: computed(read, rights)})


def register(name: str, read: Callable[[], Data], scaler: int, unit: int) -> CosemObject:
    """Class 3, version 0: value = mantissa · 10^scaler in `unit`."""
    scaler_unit = structure(i8(scaler), enum(unit))
    return CosemObject(3, 0, obis(name), {2: computed(read), 3: fixed(scaler_unit)})


def energies(read: Callable[[int, int], int], scaler: int) -> list[CosemObject]:
    """1.0.{1,2,3,4}.8.{0..4}.255; `read` gives whole Wh or varh of quantity and tariff."""
    objects = []
    for quantity in (1, 2, 3, 4):
        unit = WATT_HOUR if quantity <= 2 else VAR_HOUR
        for tariff in range(TARIFFS + 1):
            value = partial(_energy, read, quantity, tariff, scaler)
            objects.append(register(f"1.0.{quantity}.8.{tariff}.255", value, scaler, unit))
    return objects


def _energy(read: Callable[[int, int], int], quantity: int, tariff: int, scaler: int) -> Data:
    return u32(read(quantity, tariff) // 10**scaler % 2**32)


def momentary(phases: Callable[[], list[Phase]], count: int) -> list[CosemObject]:
    """U (0.1 V), I (mA), P (W), Q (var) and cos φ (thousandths) of each phase, and the sum of P."""
    objects = [register("1.0.1.7.0.255", lambda: i32(sum(p.watts for p in phases())), 0, WATT)]
    for index, codes in enumerate(_PHASE_CODES[:count]):
        reads: tuple[tuple[Callable[[Phase], Data], int, int], ...] = (
            (lambda p: u16(p.millivolts // 100), -1, VOLT),
            (lambda p: u32(p.milliamperes), -3, AMPERE),
            (lambda p: i32(p.watts), 0, WATT),
            (lambda p: i32(p.vars), 0, VAR),
            (lambda p: Data(Tag.LONG, p.power_factor), -3, NO_UNIT),
        )
        for code, (read, scaler, unit) in zip(codes, reads, strict=True):
            objects.append(
                register(f"1.0.{code}.7.0.255", partial(_of_phase, phases, index, read), scaler, unit)
            )
    return objects


def angles(phases: Callable[[], list[Phase]], count: int) -> list[CosemObject]:
    """1.0.81.7.xy.255, whole degrees 0…359 by which y is behind x (IEC 62056-6-1): U(L2) and U(L3) behind
    U(L1), each current behind its own voltage."""
    objects = []
    for index in range(1, count):
        read = partial(_of_phase, phases, index, lambda p: u16(p.voltage_lag))
        objects.append(register(f"1.0.81.7.{index}.255", read, 0, DEGREE))
    for index in range(count):
        read = partial(_of_phase, phases, index, lambda p: u16(p.current_lag))
        objects.append(register(f"1.0.81.7.{11 * index + 4}.255", read, 0, DEGREE))
    return objects


def _of_phase(phases: Callable[[], list[Phase]], index: int, read: Callable[[Phase], Data]) -> Data:
    return read(phases()[index])


def status(name: str, read: Callable[[], int]) -> CosemObject:
    """A status word of one octet (class 1)."""
    return CosemObject(1, 0, obis(name), {2: computed(lambda: u8(read()))})
