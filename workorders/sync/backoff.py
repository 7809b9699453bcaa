"""When to try again: 1 s to 15 min, doubling, full jitter, `Retry-After` honoured, never giving up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 15 * 60.0


@dataclass
class Backoff:
    """Counts failed rounds and says how long to wait. Full jitter: 300 tablets do not come back as one."""

    dice: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def failed(self, retry_after: float | None = None) -> float:
        """Seconds to wait after one more failure; at least what the gateway asked for."""
        ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.failures, 20))
        self.failures += 1
        wait = self.dice.uniform(0.0, ceiling)
        return wait if retry_after is None else min(max(wait, retry_after), LONGEST_SECONDS)

    def succeeded(self) -> None:
        """Begin from the first wait again."""
        self.failures = 0
