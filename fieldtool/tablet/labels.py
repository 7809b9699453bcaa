"""Label rules and decoder in the form a run asks for; OpenCV is loaded when a picture is first read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fieldtool.errors import JobError

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.codes import Code
    from fieldtool.scanning.rules import LabelRules

STILL_BUDGET_MS = 1500.0
"""A still picture has more time than a frame of the live view."""


class RuleLabels:
    """`fieldtool.run.surroundings.LabelReader` on the rules of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def rules(self) -> LabelRules:
        """The rules; read once."""
        from fieldtool.scanning.rules import load_rules

        return load_rules(self._folder)

    def classify(self, codes: Sequence[Code], model: str | None) -> LabelReading:
        """What the codes of one label mean for a device of that model."""
        from fieldtool.scanning.classify import classify

        return classify(codes, self.rules, model=model)

    def decode(self, image: bytes) -> list[Code]:
        """Codes in a picture file's bytes."""
        from fieldtool.scanning import decode
        from fieldtool.scanning.picture import decoded

        picture = decoded(image)
        if picture is None:
            raise JobError("unreadable_image", "not a picture that can be read")
        return list(decode(picture, STILL_BUDGET_MS))

    def printed(self, image: bytes) -> str:
        """A serial that print in a picture file's bytes may say, for a person to confirm.

        Empty where the optional part that reads print is not there or does not start, and where nothing looks
        like a serial.
        """
        from fieldtool.scanning import ocr
        from fieldtool.scanning.picture import decoded

        picture = decoded(image) if ocr.available() else None
        if picture is None:
            return ""
        try:
            return next((one.serial for one in ocr.suggest_serials(picture, self.rules)), "")
        except ocr.NoOcr:
            return ""
