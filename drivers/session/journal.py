"""Where a session's writes are recorded: by the application, durably, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.changes import WriteIntent, WriteOutcome


@dataclass(frozen=True)
class Journal:
    """Where intents and outcomes go; both return only when durable."""

    intent: Callable[[WriteIntent], None]
    outcome: Callable[[WriteOutcome], None]
