"""What is answered to a step of each kind, and which fields of an answer are personal.

An answer is what goes into `step.done`; personal fields (`PERSONAL`) go there only sealed under the key of
the order. Headless runs write them as `{step: {field: value}}`, the screens build them from taps. Numbers
are decimal text.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import msgspec

from fieldtool.procedure.model import SealAction, Step, kind_of
from workorders.journal.words import JoinState


class AnswerBase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of all answers."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    note: str | None = None


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A rule passed by a person who may. `pin` opens that person's key and is never kept; `reason` is kept
    sealed."""

    person: str
    reason: str = ""
    pin: str | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A position fix: decimal degrees (WGS 84), metres, seconds; `mock` where the receiver says so itself.

    Attributes:
        accuracy_m: radius that holds the true place two times out of three.
        age_s: of the fix when it was taken; `at`: when that was, UTC; `gps_at`: the receiver's own time.
        quality: how it came about (`drivers.position.fix.Quality`); `source`: `nmea`, `windows` or `file`.
        flags: what makes it doubtful: `stale`, `poor`, `simulated`, `estimated`, `jump`, `far`.
        distance_m: from the supply point as the order names it.
    """

    latitude: str
    longitude: str
    accuracy_m: str | None = None
    age_s: int | None = None
    satellites: int | None = None
    mock: bool = False
    altitude_m: str | None = None
    at: str | None = None
    gps_at: str | None = None
    quality: str | None = None
    source: str | None = None
    flags: list[str] = []
    distance_m: int | None = None


class PositionedAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the answers to steps that can ask where the crew is.

    `position` is sealed; `no_position` says why there is none (`drivers.position.take.NoFix`).
    """

    PERSONAL: ClassVar[tuple[str, ...]] = ("note", "position")
    position: Position | None = None
    no_position: str | None = None


class ConfirmAnswer(PositionedAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """`checks` by id; a check set to false on a safety step ends the order. `photos`: check id → blob."""

    checks: dict[str, bool] = {}
    photos: dict[str, str] = {}


class ChooseAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """The id of the choice."""

    choice: str
    photos: list[str] = []


class NumberAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`value` as typed; `reason` where it disagrees; or `not_obtainable` with a photo, and then no value."""

    value: str | None = None
    reason: str | None = None
    not_obtainable: str | None = None
    photos: list[str] = []


class TextAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Free text, sealed."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("note", "text")
    text: str = ""


class ValueAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`value` in its normal form (`fieldtool.procedure.values`); `reason` where the order says another."""

    value: str | None = None
    reason: str | None = None
    photos: list[str] = []


class PhotoAnswer(PositionedAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """Blobs by the hash of their sealed bytes."""

    photos: list[str] = []


class PanelPhotoAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """The photo; `reason` where not all hangs as the orders say. The job fills in what was seen: how many
    devices were `expected` and hang `right`, serials `missing` and `foreign`, slots `unread` and `wrong`."""

    photos: list[str] = []
    reason: str | None = None
    expected: int | None = None
    right: int | None = None
    missing: list[str] = []
    foreign: list[str] = []
    unread: list[int] = []
    wrong: list[int] = []


class ScanAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """What stands on the label. `unreadable` with a photo says why the serial was typed.

    `override` passes an old meter that is not the one of the order.
    """

    serial: str
    identities: dict[str, str] = {}
    codes: list[str] = []
    unreadable: str | None = None
    photos: list[str] = []
    override: Override | None = None


class MeterReadAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Empty where the port gave a reading; else why there is none."""

    not_obtainable: str | None = None
    photos: list[str] = []


class MatchAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Empty where all four agree."""

    override: Override | None = None


class PlanApplyAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`allow`: ids of the dangerous changes that were permitted; `states` by change id is filled by the
    job."""

    allow: list[str] = []
    program: str | None = None
    states: dict[str, str] = {}


class RelayAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`confirmation`: last four digits of the serial; `untested` says why there was no test."""

    confirmation: str | None = None
    untested: str | None = None
    result: str | None = None


class SealAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One seal. `condition` for a found one."""

    number: str
    position: str
    condition: str | None = None
    action: SealAction | None = None


class SealsAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`none` says that there were none."""

    seals: list[SealAnswer] = []
    none: bool = False
    photos: list[str] = []


class PlaceAnswer(PositionedAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """Where the device sits. Fields left out are as the order says. The job fills in `elsewhere`: where it is
    said to stand already; `mismatched`: identities that contradict each other; `passed`: which rules
    (`words.PLACE_RULES`) somebody who may has passed."""

    concentrator: str | None = None
    panel: str | None = None
    slot: int | None = None
    phase: str | None = None
    override: Override | None = None
    elsewhere: str | None = None
    mismatched: list[str] = []
    passed: list[str] = []


class JoinAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Empty; the job fills in what it found."""

    state: JoinState | None = None
    how: str | None = None
    reason: str | None = None
    recheck_at: str | None = None


class BalanceAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """Empty where it closed; `reason` where it did not, or was left open. The job fills in what was measured:
    watts as decimal text, `missing` serials, `causes` as `code` or `code:serial`."""

    reason: str | None = None
    photos: list[str] = []
    macro: str | None = None
    band: str | None = None
    macro_w: str | None = None
    sum_w: str | None = None
    uncertainty_w: str | None = None
    missing: list[str] = []
    causes: list[str] = []


class SignatureAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`outcome` is `signed`, `refused` or `absent`; `image` the blob of the drawn signature (customer or
    witness)."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("note", "name", "document", "witness")
    outcome: str
    image: str | None = None
    name: str | None = None
    document: str | None = None
    witness: str | None = None


class SummaryAnswer(AnswerBase, frozen=True, kw_only=True, omit_defaults=True):
    """`checks` as on a confirm page; `remark` goes on the record. The job fills in what spoke against
    leaving: `risk` the level, `risks` its reasons."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("note", "remark")
    checks: dict[str, bool] = {}
    remark: str | None = None
    risk: str | None = None
    risks: list[str] = []


Answer: TypeAlias = (
    ConfirmAnswer
    | ChooseAnswer
    | NumberAnswer
    | TextAnswer
    | ValueAnswer
    | PhotoAnswer
    | PanelPhotoAnswer
    | ScanAnswer
    | MeterReadAnswer
    | MatchAnswer
    | PlanApplyAnswer
    | RelayAnswer
    | SealsAnswer
    | PlaceAnswer
    | JoinAnswer
    | BalanceAnswer
    | SignatureAnswer
    | SummaryAnswer
)

ANSWERS: dict[str, type[Answer]] = {
    "confirm": ConfirmAnswer,
    "choose": ChooseAnswer,
    "number": NumberAnswer,
    "text": TextAnswer,
    "value": ValueAnswer,
    "photo": PhotoAnswer,
    "panel_photo": PanelPhotoAnswer,
    "scan": ScanAnswer,
    "meter_read": MeterReadAnswer,
    "match": MatchAnswer,
    "plan_apply": PlanApplyAnswer,
    "relay": RelayAnswer,
    "seals": SealsAnswer,
    "place": PlaceAnswer,
    "join": JoinAnswer,
    "balance": BalanceAnswer,
    "signature": SignatureAnswer,
    "summary": SummaryAnswer,
}
"""Answer type by step kind."""


class AnswerMistake(ValueError):
    """Fields that are no answer to the step; `reason` names the field."""

    code = "answer_mistake"

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"answer to step {step!r}: {reason}")
        self.step = step
        self.reason = reason


def read_answer(step: Step, fields: dict[str, Any]) -> Answer:
    """Read plain fields as the answer to `step`.

    Raises:
        AnswerMistake: a field is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.convert(fields, ANSWERS[kind_of(step)])
    except msgspec.ValidationError as error:
        raise AnswerMistake(step.id, str(error)) from None


OVERRIDE_REASON = "override.reason"
_HIDDEN = ("checks", "photos")
"""Fields of a confirm page by check; those of personal checks are sealed as JSON under the field's name."""


def split_personal(
    answer: Answer, hidden: frozenset[str] = frozenset()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the plain fields of an answer, and the personal ones as text to be sealed.

    A PIN is in neither. `hidden`: ids of checks that are personal.
    """
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    personal: dict[str, str] = {}
    override = plain.get("override")
    if isinstance(override, dict):
        override.pop("pin", None)
        if reason := override.pop("reason", None):
            personal[OVERRIDE_REASON] = reason
    for field in _HIDDEN if hidden else ():
        by_check = plain.get(field)
        if not isinstance(by_check, dict) or not hidden & by_check.keys():
            continue
        kept = {check: by_check.pop(check) for check in sorted(hidden & by_check.keys())}
        personal[field] = msgspec.json.encode(kept).decode()
    for field in answer.PERSONAL:
        value = plain.pop(field, None)
        if value is not None:
            personal[field] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return plain, personal


def join_personal(step: Step, plain: dict[str, Any], personal: dict[str, str]) -> Answer:
    """The inverse of `split_personal`, with those personal fields that could still be opened."""
    kind = ANSWERS[kind_of(step)]
    fields = dict(plain)
    for name, text in personal.items():
        if name == OVERRIDE_REASON:
            fields["override"] = {**fields.get("override", {}), "reason": text}
        elif name in _HIDDEN:
            fields[name] = {**fields.get(name, {}), **msgspec.json.decode(text)}
        else:
            fields[name] = msgspec.json.decode(text) if name == "position" else text
    return msgspec.convert(fields, kind, strict=True)
