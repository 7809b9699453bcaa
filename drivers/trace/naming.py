"""Names for the items of a recorded session, by the model files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.models import MeterModel
from drivers.trace.apdus import NameOf
from drivers.trace.record import Record


def model_of(records: Sequence[Record]) -> str | None:
    """The model that a trace itself names."""
    return next((record.model for record in records if record.model), None)


def namer(models: Mapping[str, MeterModel], model: str | None) -> NameOf:
    """Names by one model's file; by the first that knows the item, where the model is not known."""
    known = models.get(model or "")
    chosen = [known] if known is not None else list(models.values())

    def name_of(item: str) -> str | None:
        return next((name for one in chosen if (name := one.name_of(item))), None)

    return name_of
