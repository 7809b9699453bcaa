"""What the pages of many meters need: doors beside `ui.backend.Backend`, for one probe along a panel.

`ui.preview.many` implements it with invented data, `ui.wiring.panel` with the tablet. Methods marked *port*
take long and are called in the port lane; `stop`, `again` and `at` come from any thread and return at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ui import manyviews


class PanelBackend(Protocol):
    """Panels of this tablet's orders."""

    def load(self) -> manyviews.Panel:
        """The panels, or the open one as it stands."""

    def open(self, key: str) -> manyviews.Panel:
        """One panel; an empty key: back to the list."""

    def run(self, report: Callable[[manyviews.Panel], None]) -> manyviews.Panel:
        """*Port.* Works meter after meter until all are done or `stop`."""

    def stop(self) -> None:
        """Ends the run as soon as the meter can be left well."""

    def again(self) -> None:
        """The meter under the probe once more."""

    def at(self, slot: str) -> manyviews.Panel:
        """A person says at which slot the probe is; the same slot again takes it back."""
