"""The parts of a step page that depend on its kind, and what several kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fieldtool.procedure import views as v
from fieldtool.run.bodies import OVERRIDE_REASONS
from ui import views
from ui.wiring.formats import Formats

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Face:
    """Parts of a `views.Step` that depend on its kind; `parts` are passed on as they are."""

    kind: views.StepKind
    text: str = ""
    ready: bool = True
    not_ready: str = ""
    primary: str = ""
    primary_icon: str = "forward"
    cancel_detail: str = ""
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def otherwise(self) -> bool:
        """True where the step already has another way out."""
        return bool(self.parts.get("otherwise"))

    @property
    def otherwise_pin(self) -> bool:
        """True where that way asks for the PIN of a person who may permit it."""
        return bool(self.parts.get("otherwise_pin"))

    def with_override(self, formats: Formats) -> Face:
        """The same page with *Pedir excepción…*."""
        return replace(self, parts=self.parts | override_parts(formats))


def override_parts(formats: Formats) -> dict[str, Any]:
    """Another way out that a person with the right must permit, with reason and PIN."""
    return {
        "otherwise_title": formats.say("Pedir excepción…"),
        "otherwise_action": "override",
        "otherwise_pin": True,
        "otherwise": tuple(
            views.Choice(key=reason, title=formats.word(f"override.reason.{reason}"))
            for reason in OVERRIDE_REASONS
        ),
    }


def choices(options: list[v.Option], formats: Formats) -> tuple[views.Choice, ...]:
    """Options of the engine; a text that is a key is looked up."""
    return tuple(
        views.Choice(
            key=option.id,
            title=formats.word(option.text) if option.text.startswith("override.") else option.text,
            needs_photo=option.photo,
            needs_note=option.note,
        )
        for option in options
    )


def facts(rows: list[v.FactView], formats: Formats) -> tuple[views.Fact, ...]:
    """Named values; serials are grouped, words of the record translated."""
    result = []
    for row in rows:
        serial = row.name.endswith("serial")
        value = formats.word_or(f"value.{row.name}.{row.value}", row.value)
        if row.name == "final_reading":
            value = formats.quantity(row.value, row.unit)
        result.append(
            views.Fact(label=formats.word_or(f"fact.{row.name}", row.name), value=value, serial=serial)
        )
    return tuple(result)


def photos(fields: Fields) -> tuple[str, ...]:
    """Photos taken in this step so far, whatever they show."""
    taken = fields.get("photos")
    if isinstance(taken, dict):
        return tuple(str(sha) for sha in taken.values())
    return tuple(str(sha) for sha in taken) if isinstance(taken, list) else ()
