"""Parts of a procedure's file that are no steps: conditions, choices, and the rules about visits."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from fieldtool.text import Text
from workorders.people import Role


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a step or check applies; a list of conditions holds when all do.

    Exactly one of `fact` (of the job: `ct`, `three_phase`, `relay`, `panel`, …), `flag` (of the order) or
    `step` + `field` (an earlier answer equals `equals`). `holds = false` turns it round.
    """

    fact: str | None = None
    flag: str | None = None
    step: str | None = None
    field: str | None = None
    equals: str | bool | None = None
    holds: bool = True


class WiringQuestion(StrEnum):
    """What a meter can say of its own wiring."""

    ROTATION = "rotation"
    POLARITY = "polarity"


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a confirm page. `photo` names the photo that proves it, where one is demanded.

    `wiring`: what the new meter measured stands beside the line, and may not contradict it.
    """

    id: str
    text: Text
    when: list[Condition] = []
    photo: str | None = None
    wiring: WiringQuestion | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the allowed values, with what choosing it demands. `flag` marks the order for the supervisor."""

    id: str
    text: Text
    photo: bool = False
    note: bool = False
    flag: str | None = None


class PositionRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How positions are taken: `wait_s` seconds for a fix; beyond `far_m` metres and the accuracy of the fix,
    the crew is not at the supply point that the order names. No position stops anybody."""

    wait_s: int = 20
    far_m: int = 200


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that another visit does again; `until`: only while that later step is still to be done."""

    step: str
    until: str | None = None


class NextVisit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a visit takes over from one that was broken off.

    Attributes:
        after: steps that change what stands at the site; once one of them was done, the next visit goes on
            from there instead of beginning anew.
        again: what is of one visit alone all the same: the hazards, the isolation, whether the network hears
            it.
    """

    after: list[str]
    again: list[Again]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other work that a crew may find to be the right one on the spot, and go on with.

    Attributes:
        to: id of the procedure that it goes on by; one that is not on this tablet is not offered.
        reasons: why; what is chosen stands in the journal.
        before, after: only while this step is still to be done, or once it was done: nobody undoes a swap
            that did not happen, or leaves one half done behind.
        roles: who may; empty for anybody.
    """

    to: str
    reasons: list[Choice]
    before: str | None = None
    after: str | None = None
    roles: list[Role] = []
