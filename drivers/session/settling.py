"""What became of intents that have no outcome: each is read back and told exactly. Nothing is
written, but what proves a secret, and an old PIN that goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drivers.changes import ChangeState, OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms.apdu import Result
from drivers.dlms.attributes import value_text
from drivers.dlms.calendar import Tables
from drivers.dlms.configuration import same_start
from drivers.dlms.configuration import state_text as whole_text
from drivers.dlms.cosem import Item, parse_date_time, parse_item
from drivers.dlms.data import Data, decode, structure
from drivers.dlms.settings import Limiter, same_data
from drivers.errors import OtherMeter
from drivers.programs import LimiterSetting
from drivers.session.holding import Holding
from drivers.session.image import ImageJobs, is_image_intent
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.secrets import SecretJobs

_CONTROL_STATES = {0: "disconnected", 1: "connected", 2: "ready for reconnection"}
_YEARLY_STARTS = ((8, 5), (8, 6))
_CLOCK_TOLERANCE = timedelta(seconds=60)


class Settler:
    """Settles the intents of one meter."""

    def __init__(self, jobs: Jobs, journal: Journal, images: ImageJobs, secrets: SecretJobs) -> None:
        self._jobs = jobs
        self._journal = journal
        self._images = images
        self._secrets = secrets

    def settle(self, meter: str, intents: list[WriteIntent]) -> list[WriteOutcome]:
        """Raises ``OtherMeter`` for an intent of another meter than ``meter``."""
        if any(intent.meter != meter for intent in intents):
            raise OtherMeter(detail="an intent is of another meter")
        plain = [one for one in intents if not is_image_intent(one) and one.secret is None]
        items = [item for one in plain for item in _items_of(parse_item(one.item))]
        held = self._jobs.fetch(list(dict.fromkeys(items)), "apply")
        outcomes = []
        for intent in intents:
            outcome = self._settle_one(intent, held)
            self._journal.outcome(outcome)
            if intent.secret is not None:
                self._secrets.settled(intent, outcome)
            outcomes.append(outcome)
        return outcomes

    def _settle_one(self, intent: WriteIntent, held: dict[Item, Result]) -> WriteOutcome:
        if is_image_intent(intent):
            return self._images.settle(intent)
        if intent.secret is not None:
            return self._secrets.settle(intent)
        item = parse_item(intent.item)
        present = _snapshot(item, held)
        if present is None:
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "cannot be read back")
        text = state_text(item, present)
        if item.class_id == 8 and item.attribute == 2:
            right = _clock_is_right(present, self._jobs.reversed_sign)
            return WriteOutcome(intent.id, OutcomeState.VERIFIED if right else OutcomeState.FAILED, text)
        if self._is(item, present, intent.will_be_data, intent.will_be):
            return WriteOutcome(intent.id, OutcomeState.VERIFIED, text)
        if self._is(item, present, intent.was_data, intent.was):
            return WriteOutcome(intent.id, OutcomeState.UNTOUCHED, text, "the write never took effect")
        return WriteOutcome(intent.id, OutcomeState.FAILED, text, "neither the old nor the new value")

    def _is(self, item: Item, present: Data, data: str | None, text: str | None) -> bool:
        """Whether the meter holds a state: by its data where the journal kept it, else by the text shown
        then."""
        if data is not None:
            same = same_start if (item.class_id, item.attribute) in _YEARLY_STARTS else same_data
            return same(present, decode(bytes.fromhex(data)))
        if text is None:
            return False
        value, _, unit = text.partition(" ")
        if item.class_id == 71 and unit:
            limiter = Limiter(LimiterSetting(value, unit, str(item)), value)
            holding = Holding(self._jobs)
            holding.read([limiter], "apply")
            return holding.judge(limiter).state is ChangeState.SAME
        return text in (state_text(item, present), whole_text(item, present))


def _items_of(item: Item) -> list[Item]:
    """The attributes that make up the state of an item: class 20 is settled by its four tables."""
    return [item.of(item.attribute + n) for n in range(4)] if item.class_id == 20 else [item]


def _snapshot(item: Item, held: dict[Item, Result]) -> Data | None:
    parts = [held[one].data for one in _items_of(item)]
    present = [part for part in parts if part is not None]
    if len(present) != len(parts):
        return None
    return structure(*present) if item.class_id == 20 else present[0]


def state_text(item: Item, data: Data) -> str:
    """The state of an item as the journal says it."""
    if item.class_id == 20 and isinstance(data.value, tuple) and len(data.items) == 4:
        return Tables(*data.items).text()
    if item.class_id == 70 and item.attribute == 3 and isinstance(data.value, int):
        return _CONTROL_STATES.get(int(data.value), str(data.value))
    return value_text(item, data) or ""


def _clock_is_right(data: Data, reversed_sign: bool) -> bool:
    moment = parse_date_time(data.octets)
    utc = moment.utc(reversed_sign=reversed_sign) if moment else None
    return utc is not None and abs(utc - datetime.now(UTC)) <= _CLOCK_TOLERANCE
