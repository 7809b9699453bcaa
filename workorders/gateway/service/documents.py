"""Request bodies that the routes read by themselves, described for the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from workorders.sync import compact, wire

_TEXT = Schema(type=OpenAPIType.STRING)
_ENTRY = Schema(
    type=OpenAPIType.OBJECT,
    description="An entry: `body` is the exact canonical text; `hash` its SHA-256; `signature` of the hash.",
    properties={"body": _TEXT, "hash": _TEXT, "signature": _TEXT},
)
_PUSH = Schema(
    type=OpenAPIType.OBJECT,
    description="Entries of one chain in `seq` order, oldest first. May be compressed (gzip).",
    properties={
        "chain_id": _TEXT,
        "certificate": Schema(type=OpenAPIType.STRING, pattern="^[A-Za-z0-9+/]*={0,2}$", description="DER."),
        "entries": Schema(type=OpenAPIType.ARRAY, items=_ENTRY, max_items=wire.MAX_ENTRIES_PER_PUSH),
    },
    required=["chain_id", "certificate", "entries"],
)


def _body(media_type: str, schema: Schema) -> RequestBody:
    return RequestBody(content={media_type: OpenAPIMediaType(schema=schema)}, required=True)


@dataclass
class PushOperation(Operation):
    """A push: the gateway keeps what it cannot read, so it reads the body itself."""

    def __post_init__(self) -> None:
        short = Schema(type=OpenAPIType.STRING, content_media_type=compact.MEDIA)
        self.request_body = RequestBody(
            content={
                "application/json": OpenAPIMediaType(schema=_PUSH),
                compact.MEDIA: OpenAPIMediaType(schema=short),
            },
            required=True,
        )


@dataclass
class BytesOperation(Operation):
    """Bytes as they are."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        self.request_body = _body("application/octet-stream", schema)


@dataclass
class PieceOperation(Operation):
    """A piece of an upload; as plain bytes, which more tools know, it is refused (415) as tus has it."""

    def __post_init__(self) -> None:
        types = (wire.TUS_CONTENT, "application/octet-stream")
        self.request_body = RequestBody(
            content={
                name: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, content_media_type=name))
                for name in types
            },
            required=False,
        )


@dataclass
class XmlOperation(Operation):
    """A message of IEC 61968-100."""

    def __post_init__(self) -> None:
        self.request_body = _body("application/xml", Schema(type=OpenAPIType.STRING))


@dataclass
class CsvOperation(Operation):
    """A table with a header line."""

    def __post_init__(self) -> None:
        self.request_body = _body("text/csv", Schema(type=OpenAPIType.STRING))
