"""A balance in a crew's hands: which meters belong to it, what each said, and which one comes next. Pure.

The macro meter is read first, then the meters one after another, then the macro meter again: only two of its
readings tell whether the load stood still meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from fieldtool.procedure.readings import decimal
from workorders.journal.words import ReadingValue
from workorders.network import PowerBalance, PowerReading, power_balance

POWER_ITEMS = ("3:1.0.16.7.0.255:2", "3:1.0.1.7.0.255:2", "3:1.0.2.7.0.255:2")
"""Active power of all phases (Blue Book, 6.6): net; import; export. Which of them it has, the meter says."""
_PHASES = ("21", "41", "61")
_KILO = Decimal(1000)


class PowerBoard(msgspec.Struct, frozen=True, kw_only=True):
    """What was read so far.

    Attributes:
        node: what is balanced (mRID); `name` for people.
        macro: serial of the macro meter; None until somebody says which it is.
        expected: serials that should be under it, by slot.
        totals: readings of the macro meter, in time.
        shares: readings of the meters, by serial; the newest counts.
        silent: why a meter could not be read, by serial.
        strangers: meters that were read and belong to nothing here.
        ratio: the macro meter's current transformers as entered.
        demoted: members that were taken for the macro meter, and go back among them when they are not.
        own: the device of the order itself, where it is the macro meter.
    """

    node: str
    name: str
    macro: str | None
    expected: list[str]
    totals: list[PowerReading] = []
    shares: dict[str, PowerReading] = {}
    silent: dict[str, str] = {}
    strangers: dict[str, PowerReading] = {}
    last: str | None = None
    ratio: str | None = None
    three_phase: bool = True
    demoted: list[str] = []
    own: str | None = None

    @property
    def open(self) -> list[str]:
        """Meters that nobody has read yet."""
        return [serial for serial in self.expected if serial not in self.shares]

    @property
    def next(self) -> str | None:
        """Which meter should come next; None where all is read and the macro meter closed it.

        One that was said not to be readable is not asked for again.
        """
        if self.macro is not None and not self.totals:
            return self.macro
        for serial in self.open:
            if serial not in self.silent:
                return serial
        if self.macro is not None and (len(self.totals) < 2 or self.totals[-1].at < self._newest):
            return self.macro
        return None

    @property
    def _newest(self) -> str:
        return max((reading.at for reading in self.shares.values()), default="")

    @property
    def result(self) -> PowerBalance | None:
        """The balance as it stands; None before macro meter and a meter were read."""
        if not self.totals or not self.shares:
            return None
        meters: dict[str, PowerReading | None] = {serial: self.shares.get(serial) for serial in self.expected}
        return power_balance(self.totals, meters, ratio=self.ratio, three_phase=self.three_phase)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to read."""
        return self.next is None and bool(self.totals) and bool(self.shares)

    def take(self, reading: PowerReading) -> PowerBoard:
        """The board with one more reading."""
        change = msgspec.structs.replace
        silent = {serial: why for serial, why in self.silent.items() if serial != reading.serial}
        if reading.serial == self.macro:
            totals = sorted([*self.totals, reading], key=lambda one: one.at)
            return change(self, totals=totals, last=reading.serial, silent=silent)
        if reading.serial in self.expected:
            shares = self.shares | {reading.serial: reading}
            return change(self, shares=shares, last=reading.serial, silent=silent)
        return change(self, strangers=self.strangers | {reading.serial: reading}, last=reading.serial)

    def since(self, moment: str) -> PowerBoard:
        """The board without what was read before a moment (UTC text): the load was another one then."""
        return msgspec.structs.replace(
            self,
            totals=[reading for reading in self.totals if reading.at >= moment],
            shares={serial: found for serial, found in self.shares.items() if found.at >= moment},
            strangers={serial: found for serial, found in self.strangers.items() if found.at >= moment},
        )

    def not_read(self, serial: str, why: str) -> PowerBoard:
        """The board after a meter that could not be read."""
        return msgspec.structs.replace(self, silent=self.silent | {serial: why}, last=serial)

    def as_macro(self, serial: str) -> PowerBoard:
        """A person says that this one is the macro meter; what it said before counts as its reading."""
        if serial == self.macro:
            return self
        change = msgspec.structs.replace
        shares, strangers, expected = dict(self.shares), dict(self.strangers), list(self.expected)
        if self.macro is not None and self.macro in self.demoted:
            expected.append(self.macro)
        if self.macro is not None and self.totals:
            # Whoever it is, what it said was read: it stays, in the part that it has now.
            (shares if self.macro in expected else strangers)[self.macro] = self.totals[-1]
        before = [found for source in (strangers, shares) if (found := source.pop(serial, None))]
        demoted = [*self.demoted, serial] if serial in expected else self.demoted
        return change(
            self,
            macro=serial,
            totals=sorted(before, key=lambda one: one.at),
            expected=[one for one in expected if one != serial],
            shares=shares,
            strangers=strangers,
            demoted=[one for one in demoted if one == serial or one not in expected],
        )

    def as_member(self, serial: str) -> PowerBoard:
        """A person says that a stranger does hang here."""
        reading = self.strangers.get(serial)
        if reading is None:
            return self
        left = {one: found for one, found in self.strangers.items() if one != serial}
        grown = msgspec.structs.replace(self, strangers=left, expected=[*self.expected, serial])
        return grown.take(reading)


def is_power(item: str) -> bool:
    """Whether an item is active power at this moment, of all phases or of one."""
    c, d, e = _groups(item)
    return d == "7" and e == "0" and c in ("1", "2", "16", *_PHASES, "22", "42", "62")


def watts_of(readings: Iterable[ReadingValue]) -> Decimal | None:
    """Active power, import positive, W; None where the meter says none.

    Net power where there is such a register, else import less export, else the sum of the phases.
    """
    found: dict[str, Decimal] = {}
    for reading in readings:
        value = decimal(reading.value)
        if value is not None and is_power(reading.item):
            kilo = (reading.unit or "").lower().startswith("k")
            found.setdefault(_groups(reading.item)[0], value * _KILO if kilo else value)
    # A meter of one direction calls 16.7.0 the absolute power: with both directions there, they decide.
    if "1" in found and "2" in found:
        return found["1"] - found["2"]
    for total in ("16", "1"):
        if total in found:
            return found[total]
    if any(phase in found for phase in _PHASES):
        into = sum((found.get(phase, Decimal(0)) for phase in _PHASES), Decimal(0))
        return into - sum((found.get(phase, Decimal(0)) for phase in ("22", "42", "62")), Decimal(0))
    return None


def _groups(item: str) -> tuple[str, str, str]:
    """The groups C, D and E of an item; mode C sends `1.7.0` or `1.7`, ANSI is told as `ansi:ST28:1.7.0`."""
    parts = item.split(":")
    obis = parts[1] if len(parts) == 3 and parts[0] != "ansi" else parts[-1]
    groups = obis.split("*")[0].split(".")
    groups = groups[2:5] if len(groups) >= 5 else groups[:3]
    c, d, e = [*groups, "", "", "0"][:3] if len(groups) >= 2 else ("", "", "")
    return c, d, e or "0"


def power_items(items: Sequence[str]) -> list[str]:
    """Of the items that a model reads, those of power; the usual ones where it names none."""
    return [item for item in items if is_power(item)] or list(POWER_ITEMS)
