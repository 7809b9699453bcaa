"""The page *Medidor*: the meter at the probe without an order, what was read, what crossed the line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from drivers.connection import Mode
from fieldtool.tablet.meterpage import MeterVisit
from fieldtool.tablet.rows import MeterView
from fieldtool.tablet.tablet import Tablet
from ui import views
from ui.wiring.formats import Formats
from ui.wiring.images import AtProbe
from ui.wiring.meter import meter_view
from workorders.journal.words import DeviceRole


class MeterTool:
    """Called from the lane of the port; only `stop` may come from elsewhere."""

    def __init__(self, tablet: Tablet, formats: Callable[[], Formats]) -> None:
        self._tablet, self._formats = tablet, formats
        self._shown = views.Meter()
        self._found: MeterView | None = None
        self._visit: MeterVisit | None = None
        self._head: Literal["iec", "ansi"] = "iec"
        self._recorded, self._read_by = b"", ""

    def shown(self) -> views.Meter:
        """What was read last, or whether there is a probe."""
        recorded = bool(self.heard()[1])
        if self._shown.state == "read":
            return msgspec.structs.replace(self._shown, recorded=recorded)
        port = self._tablet.port_for(DeviceRole.NEW)
        return views.Meter(
            state="ready" if port else "absent", port=port or "", head=self._head, recorded=recorded
        )

    def use_head(self, head: str) -> views.Meter:
        """Another optical head: another meter will be at it."""
        self.leave()
        self._recorded = b""
        self._head = "ansi" if head == "ansi" else "iec"
        self._shown = views.Meter()
        return self.shown()

    def read(self, report: Callable[[views.Meter], None]) -> views.Meter:
        """Reads the meter at the probe."""
        port = self._tablet.port_for(DeviceRole.NEW)
        formats = self._formats()
        if port is None:
            return views.Meter(state="absent")

        def told(step: str, done: int, total: int, left: float | None) -> None:
            text = formats.word(f"progress.{step}")
            report(views.Meter(state="reading", progress=done / total if total else 0.0, progress_text=text))

        report(views.Meter(state="reading", progress_text=formats.say("Leyendo")))
        self.leave()
        self._read_by, self._found = self._who(), None
        mode = Mode.C12 if self._head == "ansi" else Mode.AUTO
        self._visit = visit = MeterVisit(self._tablet, port, told, mode)
        day = self._yesterday(formats)
        try:
            found = visit.read(day)
        except Exception:
            report(self.shown())
            raise
        self._found = found
        self._shown = self._view_of(found, day, formats)
        return self._shown

    def refresh(self) -> views.Meter:
        """Live values once more; what was read before stays where nothing is open any more."""
        visit = self._visit
        try:
            found = visit.refresh() if visit is not None else None
        except Exception:
            self.leave()
            raise
        formats = self._formats()
        if found is not None:
            self._shown = self._view_of(found, self._yesterday(formats), formats)
        return self._shown

    def leave(self) -> None:
        """Ends the session with the meter."""
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.close()
            self._recorded = visit.recording
            self._shown = msgspec.structs.replace(self._shown, live=False)

    def stop(self) -> None:
        """Ends what runs at the port; from any thread."""
        visit = self._visit
        if visit is not None:
            visit.cancel()

    def heard(self) -> tuple[str, bytes]:
        """Serial of the meter, and what crossed the line; for the person who read it, and for no other."""
        if self._visit is not None:
            self._recorded = self._visit.recording
        serial = self._found.identity.get("serial") if self._found is not None else None
        return str(serial or ""), self._recorded if self._who() == self._read_by else b""

    def keep(self, lines: bytes) -> None:
        """Another session with this meter has ended: what crossed the line of it is of more interest now."""
        self.leave()
        self._recorded, self._read_by = lines, self._who()

    def at_probe(self) -> AtProbe | None:
        """The meter that was read last and its probe; None where there is none."""
        port, found = self._tablet.port_for(DeviceRole.NEW), self._found
        serial = found.identity.get("serial") if found is not None else None
        if found is None or not serial or port is None:
            return None
        return AtProbe(
            serial=str(serial),
            model=found.identity.get("model"),
            firmware=found.identity.get("firmware"),
            port=port,
        )

    def forget_read(self) -> None:
        """Other firmware runs: what was read of this meter is of before."""
        self._shown = views.Meter()

    def _view_of(self, found: MeterView, day: datetime, formats: Formats) -> views.Meter:
        shown = meter_view(found, self._tablet.now(), day, formats)
        return msgspec.structs.replace(shown, head=self._head, recorded=True)

    def _yesterday(self, formats: Formats) -> datetime:
        """Local midnight a day ago: the last whole day of a load profile."""
        now = self._tablet.now().astimezone(formats.zone)
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)

    def _who(self) -> str:
        person = self._tablet.person()
        return person.id if person is not None else ""
