"""A panel's photo against what should hang there: ours and right, ours in another slot, not ours, not seen.
Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping

import msgspec

from fieldtool.identity import normalise_serial

from .panel import PanelReading, PanelSlot, SlotSight


class Standing(enum.StrEnum):
    """How a slot stands: `right`, `wrong_slot` (ours, but the orders have it in another one), `foreign` (of
    none of these
    orders, not on this truck), `twice` (the serial was read in two slots), `doubtful` (a second look must
    agree),
    `competing`, `unread`, `empty` (nothing seen where something is due), `free` (nothing seen, nothing
    due)."""

    RIGHT = "right"
    WRONG_SLOT = "wrong_slot"
    FOREIGN = "foreign"
    TWICE = "twice"
    DOUBTFUL = "doubtful"
    COMPETING = "competing"
    UNREAD = "unread"
    EMPTY = "empty"
    FREE = "free"


class SlotVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One slot against the orders. due: serial that the orders have for it; belongs: slot that they have for
    its serial."""

    slot: int
    standing: Standing
    serial: str | None = None
    due: str | None = None
    belongs: int | None = None


class PanelVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A panel against its orders. missing: expected serials that were seen in no slot."""

    slots: tuple[SlotVerdict, ...]
    expected: int
    missing: tuple[str, ...] = ()

    def count(self, *standings: Standing) -> int:
        """How many slots stand so."""
        return sum(slot.standing in standings for slot in self.slots)

    def to_json(self) -> dict[str, object]:
        """Keys `expected`, `right`, `missing`, `slots`."""
        return {
            "expected": self.expected,
            "right": self.count(Standing.RIGHT),
            "missing": list(self.missing),
            "slots": [msgspec.to_builtins(slot) for slot in self.slots],
        }


def judge_panel(
    reading: PanelReading,
    expected: Mapping[str, int | None],
    *,
    also_ours: Collection[str] = (),
    said: Mapping[int, str] | None = None,
) -> PanelVerdict:
    """Hold a photo against the orders.

    Args:
        expected: serial → its slot by the orders; None where they leave the slot open.
        also_ours: serials that may hang in any slot: on this truck, standing in the panel already.
        said: slot → serial as a person scanned or corrected it after the photo; it counts before the photo.
    """
    due = {slot: serial for serial, slot in expected.items() if slot is not None}
    belongs = {_plain(serial): slot for serial, slot in expected.items()}
    ours = {_plain(serial) for serial in also_ours} | set(belongs)
    named = {slot.slot: slot.serial for slot in reading.slots if slot.serial}
    named |= said or {}
    times: dict[str, int] = {}
    for serial in named.values():
        times[_plain(serial)] = times.get(_plain(serial), 0) + 1

    def judged(slot: PanelSlot) -> SlotVerdict:
        serial, wanted = named.get(slot.slot), due.get(slot.slot)
        if not serial:
            return SlotVerdict(slot=slot.slot, standing=_without(slot, wanted), due=wanted)
        plain = _plain(serial)
        place = belongs.get(plain)
        if times[plain] > 1:
            standing = Standing.TWICE
        elif plain not in ours:
            standing = Standing.FOREIGN
        elif place is not None and place != slot.slot:
            standing = Standing.WRONG_SLOT
        elif slot.slot not in (said or {}) and (slot.doubtful or (reading.unsure_origin and place is None)):
            standing = Standing.DOUBTFUL
        else:
            standing = Standing.RIGHT
        return SlotVerdict(slot=slot.slot, standing=standing, serial=serial, due=wanted, belongs=place)

    slots = tuple(judged(slot) for slot in reading.slots)
    missing = tuple(sorted(serial for serial in expected if _plain(serial) not in times))
    return PanelVerdict(slots=slots, expected=len(expected), missing=missing)


def _without(slot: PanelSlot, wanted: str | None) -> Standing:
    if slot.sight is SlotSight.COMPETING:
        return Standing.COMPETING
    if slot.sight is SlotSight.UNREAD:
        return Standing.UNREAD
    return Standing.EMPTY if wanted is not None else Standing.FREE


def _plain(serial: str) -> str:
    return normalise_serial(serial) or ""
