"""XML from outside: no document type, no entities, bounded size, depth and elements, then the schema.

Read by the standard library's parser behind defusedxml, checked by xmlschema; neither fetches anything.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import defusedxml.ElementTree as safe
import xmlschema
from defusedxml.common import DefusedXmlException

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 100_000
MAX_MISTAKES = 20

_NAMESPACE = re.compile(r"\{[^}]*\}|(?<=/)\w+:")
MESSAGE = "http://iec.ch/TC57/2011/schema/message"
PROFILES = (
    "WorkOrders", "MeterReadings", "EndDeviceEvents", "WorkResults", "EndDeviceConfig",
    "MeterConfig", "UsagePointConfig",
)  # fmt: skip


def namespace(profile: str) -> str:
    """The namespace of a profile's payload."""
    return f"http://iec.ch/TC57/2011/{profile}#"


class BadXml(ValueError):
    """Not XML that is taken. `code`: too_large, not_xml, forbidden_xml, too_deep, schema."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Bounded(TreeBuilder):
    """A tree builder that stops before a document grows without end."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise BadXml("too_deep", f"deeper than {MAX_DEPTH} levels or more than {MAX_ELEMENTS} elements")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(data: bytes) -> Element:
    """The root of a document.

    Raises:
        BadXml
    """
    if len(data) > MAX_BYTES:
        raise BadXml("too_large", f"larger than {MAX_BYTES} bytes")
    try:
        parser = safe.DefusedXMLParser(
            target=_Bounded(), forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise BadXml(
            "forbidden_xml", f"a document type or entity is not taken ({type(error).__name__})"
        ) from None
    except (ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        if isinstance(error, BadXml):
            raise
        raise BadXml("not_xml", f"not well-formed: {error}") from None
    return root


@functools.lru_cache(maxsize=2)
def schemas(folder: Path) -> xmlschema.XMLSchema:
    """The envelope's schema with those of all payloads."""
    folder = folder.resolve()  # else xmlschema looks for the others below the first
    own = [(namespace(name), str(folder / f"{name}.xsd")) for name in PROFILES]
    return xmlschema.XMLSchema(str(folder / "Message.xsd"), locations=own, allow="local", defuse="always")


def mistakes(root: Element, folder: Path) -> Iterator[str]:
    """What in a message is not as the schema says, each with its path."""
    for number, error in enumerate(schemas(folder).iter_errors(root)):
        if number == MAX_MISTAKES:
            yield "…"
            return
        reason = (error.reason or "not as the schema says").splitlines()[0][:300]
        yield f"{_path(error.path)}: {reason}"


def check(root: Element, folder: Path) -> None:
    """Raise BadXml (`schema`) with the first mistakes, if there are any."""
    found = list(mistakes(root, folder))
    if found:
        raise BadXml("schema", "; ".join(found))


def _path(path: str | None) -> str:
    return _NAMESPACE.sub("", path or "")[-200:]


def text(element: Element | None, *path: str) -> str | None:
    """The text of the element at a path of local names; None where it is missing or empty."""
    found = element
    for name in path:
        found = child(found, name)
    value = (found.text or "").strip() if found is not None else ""
    return value or None


def child(element: Element | None, name: str, space: str | None = None) -> Element | None:
    """The first child of a name."""
    return next(children(element, name, space), None)


def children(element: Element | None, name: str, space: str | None = None) -> Iterator[Element]:
    """The children of a local name in a namespace, else in the parent's own, in the order of the document.

    A utility's own element may be called like one of ours: what it says is not ours to read.
    """
    if element is None:
        return
    wanted = element.tag.rpartition("}")[0].removeprefix("{") if space is None else space
    yield from element.findall(f"{{{wanted}}}{name}" if wanted else name)
