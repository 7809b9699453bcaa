"""Numbers, times and places as a crew reads them: local, short, in the language of the screen."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from fieldtool import words
from fieldtool.text import Language
from ui.wiring.titles import Folders, installed, model_title, procedure_title, program_title
from workorders.store.opened import ERASED, LOCKED

Say = Callable[..., str]
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
DASH = "—"

_WEEKDAYS = {
    Language.ES: ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    Language.EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    Language.PT: ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"),
}
_MONTHS = {
    Language.ES: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    Language.EN: "January February March April May June July August September October November December",
    Language.PT: "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}


@dataclass(frozen=True)
class Formats:
    """How this project and this person read; `say` translates what stands in the screens' own catalogue,
    `folders` hold the files that give models, programs and reasons their names."""

    language: Language
    zone: ZoneInfo
    say: Say
    folders: Folders = field(default_factory=installed)

    def word(self, key: str, **params: object) -> str:
        """Text of a key of the packages below."""
        return words.text(key, self.language, **params)

    def word_or(self, key: str, otherwise: str) -> str:
        """Text of a key that need not exist: a name from a file or from a meter."""
        return words.text(key, self.language) if words.has(key, self.language) else otherwise

    def told(self, text: str) -> str:
        """What somebody said; where it cannot be read (any more), that."""
        if text == ERASED:
            return self.say("Datos borrados")
        if text == LOCKED:
            return self.say("Cerrado: la clave no está en este equipo")
        return self.word_or(f"override.reason.{text}", text)

    def model(self, name: str | None) -> str:
        """Title of a meter model."""
        return model_title(name, self.language, self.folders) if name else ""

    def program(self, name: str | None) -> str:
        """Title of a configuration program."""
        return program_title(name, self.language, self.folders) if name else ""

    def procedure(self, name: str | None) -> str:
        """Title of a procedure."""
        return procedure_title(name, self.language, self.folders) if name else ""

    def number(self, text: str | None) -> str:
        """A decimal text with the language's comma and groups of three; anything else as it is."""
        if not text:
            return DASH
        try:
            value = Decimal(text)
        except InvalidOperation:
            return text
        if not value.is_finite():
            return text
        sign, plain = ("−", text.lstrip("-+")) if value < 0 else ("", text.lstrip("+"))
        if not re.fullmatch(r"\d+(\.\d+)?", plain):
            plain = f"{abs(value):f}"
        whole, _, rest = plain.partition(".")
        grouped = NARROW_SPACE.join(_threes(whole)) if len(whole) > 4 else whole
        point = "." if self.language is Language.EN else ","
        return sign + grouped + (point + rest if rest else "")

    def quantity(self, value: str | None, unit: str | None) -> str:
        """A number with its unit."""
        return f"{self.number(value)} {unit}" if unit and value else self.number(value)

    def local(self, text: str | None) -> datetime | None:
        """A UTC time of the record as local time; nothing where it is none."""
        if not text:
            return None
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self.zone)
        return None

    def clock(self, text: str | None, seconds: bool = False) -> str:
        """Time of day."""
        moment = self.local(text)
        return moment.strftime("%H:%M:%S" if seconds else "%H:%M") if moment else ""

    def day(self, moment: datetime, now: datetime) -> str:
        """Today and yesterday by name, this week by weekday, else the date."""
        days = (moment.date() - now.astimezone(self.zone).date()).days
        if days == 0:
            return self.say("hoy")
        if days == -1:
            return self.say("ayer")
        if days == 1:
            return self.say("mañana")
        month = _MONTHS[self.language].split()[moment.month - 1]
        return f"{moment.day} {month[:3]}"

    def when(self, text: str | None, now: datetime) -> str:
        """Day and time, the day only where it is not today."""
        moment = self.local(text)
        if moment is None:
            return ""
        if moment.date() == now.astimezone(self.zone).date():
            return moment.strftime("%H:%M")
        return f"{self.day(moment, now)} {moment:%H:%M}"

    def window(self, start: str | None, end: str | None, now: datetime) -> str:
        """From when to when on a day; nothing where either is not known."""
        first, last = self.local(start), self.local(end)
        if first is None or last is None:
            return ""
        if first.date() == last.date():
            return f"{self.day(first, now)} {first:%H:%M}–{last:%H:%M}"
        return f"{self.day(first, now)} – {self.day(last, now)}"

    def long_day(self, now: datetime) -> str:
        """Weekday and date, as the list's first section says it."""
        moment = now.astimezone(self.zone)
        month = _MONTHS[self.language].split()[moment.month - 1]
        weekday = _WEEKDAYS[self.language][moment.weekday()]
        if self.language is Language.EN:
            return f"{weekday} {moment.day} {month}"
        return f"{weekday} {moment.day} de {month}"

    def month(self, day: date) -> str:
        """Short name of a month, for an axis."""
        return _MONTHS[self.language].split()[day.month - 1][:3]

    def long_month(self, moment: datetime) -> str:
        """Name of the month of a moment, by the project's clock."""
        return _MONTHS[self.language].split()[moment.astimezone(self.zone).month - 1]

    def short_day(self, day: date) -> str:
        """Day and month, for an axis."""
        return f"{day.day} {self.month(day)}"

    def duration(self, seconds: int) -> str:
        """Days, or hours and minutes, never both of the small ones."""
        minutes = abs(seconds) // 60
        hours, days = minutes // 60, minutes // 1440
        if days >= 2:
            return self.say("{count} días", count=str(days))
        if hours:
            return f"{hours} h" if minutes % 60 == 0 else f"{hours} h {minutes % 60} min"
        return f"{minutes} min"

    def distance(self, metres: int | None) -> str:
        """Metres when near, kilometres else."""
        if metres is None:
            return ""
        if metres < 30:
            return self.say("Aquí")
        return f"{metres} m" if metres < 1000 else self.quantity(f"{metres / 1000:.1f}", "km")

    def size(self, count: int) -> str:
        """Bytes as MB or GB."""
        if count < 1_000_000:
            return f"{max(1, count // 1000) if count else 0} kB"
        if count < 1_000_000_000:
            return f"{count // 1_000_000} MB"
        return self.quantity(f"{count / 1e9:.1f}", "GB")


def _threes(digits: str) -> list[str]:
    first = len(digits) % 3
    return ([digits[:first]] if first else []) + [digits[at : at + 3] for at in range(first, len(digits), 3)]
