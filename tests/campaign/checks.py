"""What must hold after a visit, whatever happened during it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from unittest.mock import patch

from drivers.changes import OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms import ciphering
from drivers.dlms.data import decode, encode
from drivers.reading import ProfileRow, Reading, ReadResult
from drivers.session.iec_apply import same_value
from drivers.session.iec_jobs import UNCONFIRMED
from tests.campaign.meters import CLOCKS, WatchedMeter, object_of
from tests.campaign.tablet import Durable, Taken

_CLOCK_SECONDS = 60
_TABLES = 4


@dataclass
class Truth:
    """What a meter of a kind says on a good line: the values an item may have, and the profile's rows."""

    values: dict[str, set[tuple[str | None, str | None]]] = field(default_factory=dict)
    rows: set[tuple[str | None, tuple[str | None, ...]]] = field(default_factory=set)
    identities: set[tuple[str | None, ...]] = field(default_factory=set)

    @classmethod
    def of(cls, taken: Taken) -> Truth:
        truth = cls()
        for result in taken.readings:
            truth.identities.add(_identity(result))
            for reading in result.readings:
                truth.values.setdefault(reading.item, set()).add((_number(reading.value), reading.unit))
        truth.rows = {_row(row) for profile in taken.profiles for row in profile.rows}
        return truth

    def wrong_in(self, taken: Taken) -> list[str]:
        """Every accepted value that the meter does not have."""
        wrong = []
        for result in taken.readings:
            if _identity(result) not in self.identities:
                wrong.append(f"identity {_identity(result)}")
            for reading in result.readings:
                said = (_number(reading.value), reading.unit)
                if not _is_taken(reading) or reading.item in CLOCKS:
                    continue
                if said not in self.values.get(reading.item, set()):
                    wrong.append(f"{reading.item} = {said}")
        rows = [row for profile in taken.profiles for row in profile.rows]
        wrong += [f"row {row}" for row in rows if _row(row) not in self.rows]
        return wrong

    def missing_in(self, taken: Taken) -> int:
        """Values that the meter has and that came without a value, with a reason."""
        return sum(
            not _is_taken(reading) and (None, None) not in self.values.get(reading.item, set())
            for result in taken.readings
            for reading in result.readings
        ) + sum(len(profile.rows) < len(self.rows) for profile in taken.profiles)


def _is_taken(reading: Reading) -> bool:
    """Whether it is given as certain."""
    return reading.value is not None and reading.status != UNCONFIRMED


def _identity(result: ReadResult) -> tuple[str | None, ...]:
    who = result.identity
    return (who.manufacturer, who.serial, who.model, who.firmware, who.logical_device_name)


def _number(text: str | None) -> str | None:
    try:
        return str(Decimal(text or "").normalize())
    except InvalidOperation:
        return text


def _row(row: ProfileRow) -> tuple[str | None, tuple[str | None, ...]]:
    return (row.time, tuple(row.values))


# ---- what the meter holds against what was reported


def unreported(meter: WatchedMeter, before: dict[str, bytes], durable: Durable) -> list[str]:
    """Settings that changed without an intent, intents without an outcome, outcomes that are not true."""
    found = []
    after = meter.held()
    told = {object_of(intent.item) for intent in durable.intents}
    for key in sorted(set(before) | set(after)):
        if before.get(key) != after.get(key) and object_of(key) not in told:
            found.append(f"{key} changed without an intent")
    latest = {intent.item: intent for intent in durable.intents}
    for intent in durable.intents:
        outcome = durable.outcomes.get(intent.id)
        if outcome is None:
            found.append(f"{intent.item}: no outcome")
        elif latest[intent.item] is intent:
            found += _untrue(meter, intent, outcome, after)
    return found


def _untrue(
    meter: WatchedMeter, intent: WriteIntent, outcome: WriteOutcome, after: dict[str, bytes]
) -> Iterator[str]:
    if object_of(intent.item) == "clock":
        right = abs(meter.clock_offset) <= _CLOCK_SECONDS
        if outcome.state is OutcomeState.VERIFIED and not right:
            yield f"clock said to be right, is {meter.clock_offset} s off"
        return
    holds_new, holds_old = _holds(intent, after)
    said = f"{intent.item} said to be {outcome.state.value}"
    match outcome.state:
        case OutcomeState.VERIFIED if not holds_new:
            yield f"{said}, holds another value"
        case OutcomeState.UNTOUCHED | OutcomeState.ROLLED_BACK if not holds_old:
            yield f"{said}, does not hold the old value"
        case OutcomeState.FAILED if holds_new and not holds_old:
            yield f"{said}, holds the new value"


def _holds(intent: WriteIntent, after: dict[str, bytes]) -> tuple[bool, bool]:
    """Whether the new and whether the old value stands there; what an old meter holds is text."""
    if intent.will_be_data is None:
        text = after[intent.item].decode()
        return same_value(text, intent.will_be), same_value(text, intent.was or "")
    present = [after[key] for key in _keys(intent)]
    return present == _parts(intent.will_be_data), present == _parts(intent.was_data)


def _keys(intent: WriteIntent) -> list[str]:
    head, _, attribute = intent.item.rpartition(":")
    count = len(_parts(intent.will_be_data)) if head.startswith("20:") else 1
    return [f"{head}:{int(attribute) + number}" for number in range(count)]


def _parts(data: str | None) -> list[bytes]:
    """The attributes of a state: a calendar is a structure of its four tables."""
    if data is None:
        return []
    value = decode(bytes.fromhex(data))
    if isinstance(value.value, tuple) and len(value.items) == _TABLES:
        return [encode(part) for part in value.items]
    return [bytes.fromhex(data)]


# ---- counters


class Nonces:
    """Every key and nonce that was used to encrypt; the same twice is what must never be."""

    def __init__(self) -> None:
        self._seen: set[tuple[bytes, bytes]] = set()
        self.reused = 0

    def used(self, key: bytes, nonce: bytes) -> None:
        self.reused += (key, nonce) in self._seen
        self._seen.add((key, nonce))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While open, each encryption of the driver is noted (not only those that reach the meter)."""
        encrypt = ciphering.gcm_encrypt

        def noted(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
            self.used(key, nonce)
            return encrypt(key, nonce, plain, associated)

        with patch.object(ciphering, "gcm_encrypt", noted):
            yield
