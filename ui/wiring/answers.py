"""What the crew answered on a page, as the fields that the engine accepts (`fieldtool.procedure.answers`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = dict[str, Any]


def answer_fields(kind: str, given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    """Fields for the answer to a step of `kind`.

    Args:
        given: what the page handed over with `accept`.
        pending: what was entered into the step before: scanned serial, seals, chosen place, photos.
    """
    other = str(given.get("otherwise") or "")
    build = _OTHERWISE.get(kind) if other else _ANSWERS.get(kind)
    fields = build(given, pending) if build else {}
    note = str(given.get("note") or "").strip()
    if note:
        fields["note"] = note
    return fields


def override(given: Mapping[str, object]) -> Fields:
    """The permission of a person who may: who, why, and the PIN that opens their key."""
    reason = str(given.get("otherwise") or "")
    note = str(given.get("note") or "").strip()
    return {
        "person": str(given.get("person") or ""),
        "reason": f"{reason}: {note}" if note else reason,
        "pin": str(given.get("pin") or ""),
    }


def _confirm(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"checks": _flags(given.get("checks")), "photos": _mapping(pending.get("photos"))}


def _unsafe(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"checks": {str(given["otherwise"]): False}, "photos": _mapping(pending.get("photos"))}


def _choose(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"choice": str(given.get("choice") or ""), "photos": _list(pending.get("photos"))}


def _number(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {"value": str(given.get("value") or ""), "photos": _list(pending.get("photos"))}
    if given.get("reason"):
        fields["reason"] = str(given["reason"])
    return fields


def _not_obtainable(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"not_obtainable": str(given["otherwise"]), "photos": _list(pending.get("photos"))}


def _text(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"text": str(given.get("text") or "")}


def _value(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {"value": str(given.get("value") or ""), "photos": _list(pending.get("photos"))}
    if given.get("reason"):
        fields["reason"] = str(given["reason"])
    return fields


def _photo(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"photos": _list(pending.get("photos"))}


def _scan(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {
        "serial": str(pending.get("serial") or ""),
        "identities": _mapping(pending.get("identities")),
        "codes": _list(pending.get("codes")),
        "photos": _list(pending.get("photos")),
    }
    if pending.get("unreadable"):
        fields["unreadable"] = str(pending["unreadable"])
    return fields


def _plan(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"allow": _list(pending.get("allow"))}


def _relay(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"confirmation": str(pending.get("confirmation") or "")}


def _seals(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    seals = pending.get("seals")
    return {"seals": list(seals) if isinstance(seals, list) else [], "photos": _list(pending.get("photos"))}


def _place(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {
        name: str(pending[name]) for name in ("concentrator", "panel", "phase") if pending.get(name)
    }
    slot = str(given.get("slot") or pending.get("slot") or "")
    if slot.isdigit():
        fields["slot"] = int(slot)
    return fields


def _signature(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {"outcome": str(given.get("outcome") or "")}
    for name in ("name", "witness"):
        if str(given.get(name) or "").strip():
            fields[name] = str(given[name]).strip()
    if pending.get("image"):
        fields["image"] = str(pending["image"])
    return fields


def _summary(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    fields: Fields = {"checks": _flags(given.get("checks"))}
    if str(given.get("remark") or "").strip():
        fields["remark"] = str(given["remark"]).strip()
    return fields


_ANSWERS = {
    "confirm": _confirm,
    "choose": _choose,
    "number": _number,
    "text": _text,
    "value": _value,
    "photo": _photo,
    "panel_photo": _photo,
    "scan": _scan,
    "plan_apply": _plan,
    "relay": _relay,
    "seals": _seals,
    "place": _place,
    "signature": _signature,
    "summary": _summary,
}
_OTHERWISE = {
    "confirm": _unsafe,
    "number": _not_obtainable,
    "meter_read": _not_obtainable,
    "relay": lambda given, pending: {"untested": str(given["otherwise"])},
    "balance": lambda given, pending: _with_reason(given, pending),
    "panel_photo": lambda given, pending: _with_reason(given, pending),
    "seals": lambda given, pending: {"none": True},
}


def _with_reason(given: Mapping[str, object], pending: Mapping[str, object]) -> Fields:
    return {"reason": str(given["otherwise"]), "photos": _list(pending.get("photos"))}


def _flags(value: object) -> dict[str, bool]:
    return {str(key): bool(flag) for key, flag in value.items()} if isinstance(value, dict) else {}


def _mapping(value: object) -> dict[str, str]:
    return {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else {}


def _list(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(one) for one in value.values()]
    return [str(one) for one in value] if isinstance(value, list) else []
