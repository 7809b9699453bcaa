"""Reads the payload of an entry at whatever schema it was written: old ones are lifted by pure functions.

A lift takes the plain payload of `(kind, schema)` and returns that of `(kind, schema + 1)`. It never touches
the stored bytes. What is newer than this program is not guessed at: it reads as None, is kept and relayed,
and folded after an update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from workorders.journal.entry import Envelope
from workorders.journal.kinds import PAYLOADS, Payload

Plain: TypeAlias = dict[str, Any]
Lift: TypeAlias = Callable[[Plain], Plain]


def _same(plain: Plain) -> Plain:
    """Reads as it stands: the newer schema only adds what an older program must not overlook."""
    return plain


LIFTS: dict[tuple[str, int], Lift] = {
    ("match.overridden", 1): _same,
    ("device.placed", 1): _same,
    ("order.issued", 1): _same,
    ("order.changed", 1): _same,
    ("order.cancelled", 1): _same,
    ("order.approved", 1): _same,
    ("order.returned", 1): _same,
    ("exception.decided", 1): _same,
    ("stock.moved", 1): _same,
}
"""Lift by (kind, schema it lifts from)."""


class PayloadError(ValueError):
    """The payload of a known kind and schema does not read as one."""

    code = "malformed_payload"


def lift(
    kind: str, schema: int, payload: Plain, to: int, lifts: Mapping[tuple[str, int], Lift] = LIFTS
) -> Plain:
    """Lift a plain payload from `schema` to `to`.

    Raises:
        PayloadError: there is no way from one to the other.
    """
    for number in range(schema, to):
        step = lifts.get((kind, number))
        if step is None:
            raise PayloadError(f"no lift of {kind} from schema {number}")
        payload = step(payload)
    return payload


def read_payload(envelope: Envelope) -> Payload | None:
    """The payload at its newest schema; None for a kind or schema newer than this program.

    Raises:
        PayloadError: a known kind whose fields are not as its schema says.
    """
    known = PAYLOADS.get(envelope.kind)
    if known is None or envelope.schema > known.SCHEMA:
        return None
    plain = lift(envelope.kind, envelope.schema, envelope.payload, known.SCHEMA)
    try:
        return msgspec.convert(plain, known)
    except msgspec.ValidationError as error:
        raise PayloadError(f"{envelope.kind}: {error}") from None
