"""Numbers of a sheet as decimal text. Which sign is which is never guessed: readings are billed."""

from __future__ import annotations

import re
from decimal import Decimal

from workorders.mwm.mapping import FileForm

REWRITTEN = re.compile(r"^[+-]?\d(?:[.,]\d+)?E[+-]?\d+$", re.IGNORECASE)
"""What a spreadsheet makes of a long number."""
_PLAIN = re.compile(r"-?\d{1,12}(\.\d{1,9})?", re.ASCII)
_BLANKS = re.compile("[\u00a0\u202f]")
"""The blanks between thousands that do not break a line."""


class BadNumber(ValueError):
    """`code`: bad_number, ambiguous_number, rewritten_number. `detail`: what its words name."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def decimal_text(value: object, form: FileForm, limit: int | None = None) -> str:
    """A number as decimal text with a point.

    Args:
        limit: what it may be at most, up or down; a reading of the sign that goes beyond is none.

    Raises:
        BadNumber
    """
    mark = form.decimal or "."
    if isinstance(value, str):
        if REWRITTEN.match(value):
            raise BadNumber("rewritten_number", mark)
        meant = _meant(_BLANKS.sub(" ", value), form, mark)
    else:  # a number of the spreadsheet's own has no signs to mistake
        meant = [str(Decimal(repr(value))) if isinstance(value, float) else str(value)]
    found = {
        text for text in meant if _PLAIN.fullmatch(text) and (limit is None or abs(Decimal(text)) <= limit)
    }
    if not found:
        raise BadNumber("bad_number", mark)
    if len(found) > 1:
        raise BadNumber("ambiguous_number", " / ".join(sorted(found, key=Decimal)))
    return found.pop()


def _meant(text: str, form: FileForm, mark: str) -> list[str]:
    """What a text may mean: as its signs are named, and where they are not, as each that they could be."""
    other = form.thousands or ("." if mark == "," else ",")
    whole = _ungrouped(text, other)
    if form.thousands is not None:
        return [] if other in whole else [whole.replace(mark, ".")]
    meant = [whole.replace(mark, ".")]
    for sign in ".," if form.decimal is None else other:
        if _ungrouped(text, sign).lstrip("-").isdecimal() and text.count(sign) == 1:
            meant += [text.replace(sign, "."), text.replace(sign, "")]
    return meant


def _ungrouped(text: str, sign: str) -> str:
    """Without the signs between its thousands, where every one of them stands as such a sign does."""
    mark = re.escape(sign)
    grouped = re.match(rf"-?(?!0\D)\d{{1,3}}(?:{mark}\d{{3}})+(?![\d{mark}])", text)
    return text if grouped is None else grouped[0].replace(sign, "") + text[grouped.end() :]
