"""Bytes that syncing cost, by month: kept in the store, so that a crew sees what its data plan bears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from workorders.store.settings import set_setting, setting

_NAME = "sync.usage"
MONTHS_KEPT = 13


class MonthUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one month. `kinds`: both ways, by what they were for (`records`, `lists`, `files`,
    `firmware`)."""

    sent: int = 0
    received: int = 0
    kinds: dict[str, int] = {}

    @property
    def total(self) -> int:
        """Both ways."""
        return self.sent + self.received


def usage_of(connection: Connection, month: str) -> MonthUsage:
    """What a month (`2026-11`) cost so far."""
    return _kept(connection).get(month, MonthUsage())


def add_usage(
    connection: Connection, month: str, sent: int, received: int, kinds: Mapping[str, int] | None = None
) -> None:
    """Add what a round cost; months long past are let go."""
    kept = _kept(connection)
    before = kept.get(month, MonthUsage())
    by_kind = Counter(before.kinds)
    by_kind.update(kinds or {})
    kept[month] = MonthUsage(
        sent=before.sent + sent, received=before.received + received, kinds=dict(sorted(by_kind.items()))
    )
    newest = sorted(kept)[-MONTHS_KEPT:]
    set_setting(connection, _NAME, {name: msgspec.to_builtins(kept[name]) for name in newest})


def _kept(connection: Connection) -> dict[str, MonthUsage]:
    try:
        return msgspec.convert(setting(connection, _NAME) or {}, dict[str, MonthUsage])
    except msgspec.ValidationError:
        return {}
