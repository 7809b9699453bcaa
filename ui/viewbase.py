"""What every view is: frozen values under the names that QML reads; and the two that most of them carry."""

from __future__ import annotations

from typing import Literal

import msgspec

Tone = Literal["", "good", "attention", "wrong", "training", "action", "muted"]


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all views; QML sees the fields in camel case."""


def to_qml(view: msgspec.Struct) -> dict[str, object]:
    """A view as the map that QML reads: lists, not tuples, which QML would not see as arrays."""
    result = msgspec.json.decode(msgspec.json.encode(view))
    if not isinstance(result, dict):
        raise TypeError(type(view).__name__)
    return result


class Fact(View, frozen=True, kw_only=True):
    """A labelled value; `serial` values are grouped; `detail` stands below."""

    label: str
    value: str
    detail: str = ""
    serial: bool = False
    icon: str = ""
    tone: Tone = ""


class Choice(View, frozen=True, kw_only=True):
    """One way to answer; `needs_note` asks for a text, `needs_photo` for a picture; `role` groups them."""

    key: str
    title: str
    detail: str = ""
    icon: str = ""
    tone: Tone = ""
    needs_note: bool = False
    needs_photo: bool = False
    role: str = ""
