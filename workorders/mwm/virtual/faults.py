"""What goes wrong on purpose: answers 429 and 500, work done but its answer lost, the same twice, slow."""

from __future__ import annotations

import random
import time

import msgspec

NAMES = ("429", "500", "lost", "duplicate", "reorder", "slow")


class BadFault(ValueError):
    """A fault that is not known, or its rate is none."""

    code = "bad_fault"


class Faults(msgspec.Struct):
    """Rates from 0 to 1; `slow` is in milliseconds for every answer."""

    rates: dict[str, float] = msgspec.field(default_factory=dict)
    dice: random.Random = msgspec.field(default_factory=random.Random)
    hit: dict[str, int] = msgspec.field(default_factory=dict)

    def strikes(self, name: str) -> bool:
        """Whether this fault happens now; counted."""
        if self.dice.random() >= self.rates.get(name, 0.0):
            return False
        self.hit[name] = self.hit.get(name, 0) + 1
        return True

    def wait(self) -> None:
        """Be slow."""
        if self.rates.get("slow"):
            time.sleep(self.rates["slow"] / 1000)


def read_faults(text: str, seed: int | None) -> Faults:
    """`429=0.1,500=0.1,lost=0.1,duplicate=0.2,reorder=0.2,slow=200`.

    Raises:
        BadFault
    """
    rates: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, rate = part.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError:
            raise BadFault(f"{part!r}: a fault is NAME=RATE") from None
        if name not in NAMES or rates[name] < 0 or (name != "slow" and rates[name] > 1):
            raise BadFault(f"{part!r}: the faults are {', '.join(NAMES)}, with a rate from 0 to 1")
    return Faults(rates, random.Random(seed))
