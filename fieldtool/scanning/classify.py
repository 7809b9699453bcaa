"""Which code on a label is the serial, which the MAC, which only the box: by rules, never by being first."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from . import gs1
from .checks import CheckFailed, normalise
from .codes import Code, Symbology
from .rules import CompiledRule, LabelRules

SERIAL = "serial"
_GS1_READ = re.compile(r"^\](?:C1|d2|Q3|e0)")
#: Longer texts are documents, not labels: no rule looks at them (a pattern may be slow in a long text).
_LONGEST = 512


class Claim(msgspec.Struct, frozen=True):
    """A code says that a field has a value. source: the rules file that understands it so."""

    field: str
    value: str
    code: Code
    source: str
    on_box: bool = False


class LabelReading(msgspec.Struct, frozen=True):
    """What a label says.

    serial: the device's serial, where exactly one value claims it. fields: the same for every other field.
    competing: claims of which more than one value, or more than one meaning, is possible; to be shown and
        chosen from, never guessed. box: claims of codes that stand on the packing. unknown: codes
        that no rule understands. refused: field, text, reason of codes that fail the check of their rule.
    """

    serial: str | None
    fields: dict[str, str]
    competing: tuple[Claim, ...] = ()
    box: tuple[Claim, ...] = ()
    unknown: tuple[Code, ...] = ()
    refused: tuple[tuple[str, str, str], ...] = ()

    @property
    def only_box(self) -> bool:
        """True where a serial was found on the packing and none on the device."""
        disputed = any(c.field == SERIAL for c in self.competing)
        return self.serial is None and not disputed and any(c.field == SERIAL for c in self.box)


def classify(codes: Iterable[Code], rules: LabelRules, *, model: str | None = None) -> LabelReading:
    """Sort the codes of one label by the rules; with `model`, by those of that model and the common ones."""
    claims: list[Claim] = []
    unknown: list[Code] = []
    refused: list[tuple[str, str, str]] = []
    for code in codes:
        understood, failed = _claims(code, rules.for_model(model))
        claims += understood
        refused += failed
        if not understood and not failed:
            unknown.append(code)
    device = [c for c in claims if not c.on_box]
    fields, competing = _decide(device)
    serial = fields.pop(SERIAL, None)
    box = tuple(c for c in claims if c.on_box)
    return LabelReading(serial, fields, tuple(competing), box, tuple(unknown), tuple(refused))


def classify_texts(texts: Iterable[str], rules: LabelRules, *, model: str | None = None) -> dict[str, str]:
    """The same for texts alone (typed, or from a hand scanner that names no symbology), as plain fields.

    `serial` and the other fields; `competing.N` as `field=value` and `refused.N` as `text: reason` for what
    the crew must decide; `box.serial` for a serial of the packing; `unknown.N` for the rest.
    """
    return as_fields(classify([_bare(text) for text in texts], rules, model=model))


def as_fields(reading: LabelReading) -> dict[str, str]:
    """A reading as plain fields, see `classify_texts`."""
    fields = dict(reading.fields)
    if reading.serial is not None:
        fields[SERIAL] = reading.serial
    fields |= {f"competing.{n}": f"{c.field}={c.value}" for n, c in enumerate(reading.competing)}
    fields |= {f"refused.{n}": f"{text}: {reason}" for n, (_, text, reason) in enumerate(reading.refused)}
    fields |= {f"box.{claim.field}": claim.value for claim in reading.box}
    return fields | {f"unknown.{n}": code.text for n, code in enumerate(reading.unknown)}


def _bare(text: str) -> Code:
    nowhere = (0.0, 0.0)
    # hand-held readers may say that it is GS1 (ISO/IEC 15424); the separator alone says so too
    plain = _GS1_READ.sub("", text)
    gs1_like = plain != text or gs1.GS in text
    return Code(plain, Symbology.UNKNOWN, (nowhere, nowhere, nowhere, nowhere), gs1_like)


def _claims(code: Code, rules: LabelRules) -> tuple[list[Claim], list[tuple[str, str, str]]]:
    """What one code may mean: the first rule that fits in each file; common ones only where none does."""
    claims: list[Claim] = []
    refused: list[tuple[str, str, str]] = []
    settled: set[str] = set()
    for compiled in rules.rules:
        if compiled.source in settled or (claims and not compiled.models):
            continue
        try:
            found = _apply(compiled, code)
        except CheckFailed as error:
            refused.append((compiled.rule.field or "", code.text, error.reason))
            continue
        if found:
            settled.add(compiled.source)
            claims += found
    return claims, ([] if claims else refused)


def _apply(compiled: CompiledRule, code: Code) -> list[Claim]:
    rule = compiled.rule
    if rule.symbologies and code.symbology not in (*rule.symbologies, Symbology.UNKNOWN):
        return []
    text = code.text
    if len(text) > _LONGEST:
        return []
    if rule.gs1 is not None:
        try:
            text = gs1.elements(code.text, code.gs1).get(rule.gs1, "")
        except gs1.NotGs1:
            return []
    if rule.length and len(text) not in rule.length:
        return []
    match = compiled.expression.fullmatch(text)
    if not match:
        return []
    named = {name: value for name, value in match.groupdict().items() if value is not None}
    values = {rule.field: named.get("value", text)} if rule.field else named
    claims = []
    for field, raw in values.items():
        check = rule.checks.get(field, rule.check)
        value = normalise(check, raw) if check else raw
        if rule.map:
            if value not in rule.map:
                return []
            value = rule.map[value]
        claims.append(Claim(field, value, code, compiled.source, rule.on == "box"))
    return claims


def _decide(claims: list[Claim]) -> tuple[dict[str, str], list[Claim]]:
    meanings: dict[Code, set[str]] = {}
    sources: dict[Code, set[str]] = {}
    values: dict[str, set[str]] = {}
    for claim in claims:
        meanings.setdefault(claim.code, set()).add(claim.field)
        sources.setdefault(claim.code, set()).add(claim.source)
        values.setdefault(claim.field, set()).add(claim.value)
    fields: dict[str, str] = {}
    competing: list[Claim] = []
    for claim in claims:
        several_meanings = len(meanings[claim.code]) > 1 and len(sources[claim.code]) > 1
        if len(values[claim.field]) > 1 or several_meanings:
            competing.append(claim)
        else:
            fields[claim.field] = claim.value
    disputed = {c.field for c in competing}
    return {k: v for k, v in fields.items() if k not in disputed}, competing
