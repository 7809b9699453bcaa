"""Label rules: files that say what each code on a label means, by utility engineers (assets/labels)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from drivers.errors import ModelFileError
from drivers.toml_file import line_of, load_toml
from fieldtool.errors import JobError

from .checks import CHECKS
from .codes import Symbology

#: Rules that hold on any label, tried after those of the model.
COMMON = "common"


class LabelRuleError(JobError):
    """A rules file cannot be used. `file`, `line` (0: unknown) and `reason` say where and why."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(
            "label_rules", f"{file}, line {line}: {reason}", file=file, line=str(line), reason=reason
        )
        self.file, self.line, self.reason = file, line, reason


class CodeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of code on a label.

    field: what its value is: serial, model, gtin, mac, imei, iccid, seal, panel, concentrator, or the key
        of a technology's identity. Left out where the pattern has named groups: each group is then a field.
    pattern: regular expression for the whole text (after `gs1`, if given). Its group `value` cuts a part out.
    symbologies: where empty, any. length: allowed lengths of the text, where empty, any.
    check: a name of `fieldtool.scanning.checks`; gives the normal form too. checks: the same by named group.
    gs1: take the data of this application identifier of a GS1 code.
    map: value → value, for `gtin` to model and the like; a value that is not in it does not match.
    on: `box` for codes of the packing, which must never be taken for the device.
    """

    field: str | None = None
    pattern: str
    symbologies: tuple[Symbology, ...] = ()
    length: tuple[int, ...] = ()
    check: str | None = None
    checks: dict[str, str] = {}
    gs1: str | None = None
    map: dict[str, str] = {}
    on: Literal["device", "box"] = "device"
    note: str = ""


class LabelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of rules: for a model, a maker's family, a project or a kind of thing."""

    id: str
    version: int
    models: tuple[str, ...] = ()
    maker: str = ""
    name: dict[str, str] = {}
    code: tuple[CodeRule, ...]


class CompiledRule(msgspec.Struct, frozen=True):
    """A rule with its expression compiled and the file that it comes from."""

    source: str
    models: tuple[str, ...]
    rule: CodeRule
    expression: re.Pattern[str]


class LabelRules(msgspec.Struct, frozen=True):
    """The rules of several files, in the order in which they are tried."""

    rules: tuple[CompiledRule, ...]

    def for_model(self, model: str | None) -> LabelRules:
        """Rules for one model and those for any; all of them where the model is unknown or has no rules."""
        if model is None or not any(model in r.models for r in self.rules):
            return self
        return LabelRules(tuple(r for r in self.rules if not r.models or model in r.models))


def load_rules(folder: Path, ids: Sequence[str] | None = None) -> LabelRules:
    """Load the named rules files of a folder and the common ones after them; without names, all files.

    Raises LabelRuleError for a file that is missing or has a mistake.
    """
    names = list(ids) if ids is not None else sorted(p.stem for p in folder.glob("*.toml"))
    names = [n for n in names if n != COMMON]
    if (folder / f"{COMMON}.toml").exists():
        names.append(COMMON)
    compiled: list[CompiledRule] = []
    for name in names:
        compiled += _load(folder / f"{name}.toml")
    return LabelRules(tuple(compiled))


def load_file(path: Path) -> str:
    """Read one file of rules by all its rules; returns its id. Raises LabelRuleError."""
    rules = _load(path)
    return rules[0].source if rules else path.stem


def _load(path: Path) -> list[CompiledRule]:
    try:
        file, text = load_toml(path, LabelFile)
    except ModelFileError as error:
        raise LabelRuleError(error.file, error.line, error.reason) from None
    rules = []
    for index, rule in enumerate(file.code):
        try:
            rules.append(CompiledRule(file.id, file.models, rule, _compile(rule)))
        except _Mistake as mistake:
            line = line_of(text, f"$.code[{index}].{mistake.key}")
            raise LabelRuleError(path.name, line, f"code[{index}].{mistake.key}: {mistake}") from None
    return rules


class _Mistake(ValueError):
    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


def _compile(rule: CodeRule) -> re.Pattern[str]:
    try:
        # `\d` means 0 to 9: digits of other scripts are on no label
        expression = re.compile(rule.pattern, re.ASCII)
    except re.error as error:
        raise _Mistake("pattern", f"not a regular expression: {error}") from None
    groups = set(expression.groupindex) - {"value"}
    for key, check in [("check", rule.check), *(("checks", check) for check in rule.checks.values())]:
        if check is not None and check not in CHECKS:
            raise _Mistake(key, f"unknown check {check!r}; there are {', '.join(sorted(CHECKS))}")
    if stray := set(rule.checks) - groups:
        raise _Mistake("checks", f"the pattern has no group {', '.join(sorted(stray))}")
    if rule.field is None and not groups:
        raise _Mistake("field", "a rule needs a field, or named groups in its pattern")
    if rule.field is not None and groups:
        raise _Mistake("field", f"both a field and named groups ({', '.join(sorted(groups))}) are given")
    if rule.gs1 is not None and not re.fullmatch(r"[0-9]{2,4}", rule.gs1):
        raise _Mistake("gs1", "an application identifier has two to four digits")
    weak = {Symbology.ITF, Symbology.CODE_39} & set(rule.symbologies)
    if weak and not rule.length and rule.check is None:
        kinds = ", ".join(sorted(weak))
        raise _Mistake("symbologies", f"{kinds} misread without a fixed length or a check: give one of them")
    return expression
