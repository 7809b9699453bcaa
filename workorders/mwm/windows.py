"""The windows of time in which a field service gives its activities: none may be longer than 31 days."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

WINDOW = "window"
"""How a cursor begins that stands in a window."""
LONGEST = timedelta(days=31)
"""From the first day to the last, of one request (Oracle Field Service, “Get activities”)."""
_BEHIND, _AHEAD = timedelta(days=7), timedelta(days=60)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A window: its first day, the last day of all windows, how many of its activities were had."""

    start: date
    last: date
    offset: int = 0
    opening: bool = False

    @classmethod
    def first(cls, today: date) -> Window:
        """The first of the windows that are loaded."""
        return cls(start=today - _BEHIND, last=today + _AHEAD, opening=True)

    @classmethod
    def read(cls, text: str) -> tuple[Window, str]:
        """The window of a cursor, and the page of events to go on with when all were had."""
        start, last, opening, offset, page = text.split(":", 4)
        days = date.fromisoformat(start), date.fromisoformat(last)
        return cls(start=days[0], last=days[1], offset=int(offset), opening=opening == "1"), page

    def cursor(self, page: str) -> str:
        """This place, to go on there."""
        return f"{WINDOW}:{self.start}:{self.last}:{int(self.opening)}:{self.offset}:{page}"

    @property
    def end(self) -> date:
        """Its last day."""
        return min(self.start + LONGEST, self.last)

    def params(self) -> dict[str, str]:
        """Of a request; what has no day yet is asked for once, with the first window."""
        told = {"dateFrom": f"{self.start}", "dateTo": f"{self.end}", "offset": str(self.offset)}
        return told | {"includeNonScheduled": "true" if self.opening else "false"}

    def further(self, number: int) -> Window:
        """The same window after so many more activities."""
        return msgspec.structs.replace(self, offset=self.offset + number)

    def next(self) -> Window | None:
        """The window after this one; None after the last."""
        if self.end >= self.last:
            return None
        return Window(start=self.end + timedelta(days=1), last=self.last)
