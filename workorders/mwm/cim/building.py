"""The elements that our messages are made of."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, register_namespace

from workorders.mwm.cim.hardened import MESSAGE, PROFILES, namespace

register_namespace("msg", MESSAGE)
for _number, _name in enumerate(PROFILES):
    register_namespace(f"p{_number}", namespace(_name))

_MISSING = object()


def add(parent: Element, space: str, name: str, value: object = _MISSING) -> Element:
    """Add an element; one whose value is None is made but left out."""
    if value is None:
        return Element(name)
    made = SubElement(parent, f"{{{space}}}{name}")
    if value is not _MISSING:
        made.text = clean(str(value))
    return made


def clean(value: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(sign for sign in value if sign in "\t\n" or " " <= sign <= "\ud7ff" or sign >= "\ue000")


def short(value: str | None) -> str | None:
    """Text no longer than the schemas allow."""
    return value[:1000] if value else None


def point(parent: Element, space: str, mrid: str | None) -> None:
    """The supply point that something is about, where it is known."""
    if mrid:
        add(add(parent, space, "UsagePoint"), space, "mRID", mrid)
