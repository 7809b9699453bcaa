"""What pages of many meters need beside `ui.backend.Backend`: one probe along a panel, several on a bench.

`ui.preview.many` implements it with invented data, `ui.wiring` with the tablet. Methods marked *port* take
long and are called in the port lane; `stop`, `again`, `at`, `scanned` and `permit` come from any thread and
return at once.
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

    def photo(self) -> manyviews.PanelPhoto:
        """The open panel's photo as it stands."""

    def take_photo(self) -> manyviews.PanelPhoto:
        """*Camera.* Takes a photo of the open panel and reads it. Raises Failure."""

    def size_photo(self, rows: int, columns: int) -> manyviews.PanelPhoto:
        """*Camera.* Rows and columns of the open panel; a photo that is there is read anew."""

    def say_slot(self, slot: str, serial: str) -> manyviews.PanelPhoto:
        """A person scanned or typed what hangs in a slot."""

    def register_photo(self) -> manyviews.PanelPhoto:
        """Accepts label and place of every device that hangs right, in its own order. Raises Failure."""


class BenchBackend(Protocol):
    """Several probes on a bench, one program for a pallet."""

    def load(self) -> manyviews.Bench:
        """*Port.* What can be chosen: programs and probes; or the bench as it stands."""

    def choose(self, program: str, port: str) -> manyviews.Bench:
        """Another program, or a probe that is to be used or not; an empty text changes nothing."""

    def run(self, report: Callable[[manyviews.Bench], None]) -> manyviews.Bench:
        """*Port.* Until `stop`."""

    def stop(self) -> None:
        """Ends as soon as every meter can be left well."""

    def again(self, port: str) -> None:
        """The meter at this probe once more."""

    def scanned(self, serial: str) -> None:
        """The label of a meter of the pallet was read."""

    def permit(self) -> None:
        """The dangerous changes that are asked for, on every meter of this pallet."""

    def save(self) -> str:
        """Writes the pallet as CSV and returns the file's path."""
