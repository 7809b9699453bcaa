"""The keys that a tablet may hold now: order keys and meter secrets, sealed to it.

What is not in the ring any more is forgotten, except the key of an order that the crew is in the middle
of (what they still write about it must be sealed too), or that was ended here (its record stays readable
where it was made, whoever the order belongs to now, until the key is erased).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from workorders import sealedbox
from workorders.clock import read_utc, utc_text
from workorders.journal.sealing import OrderKey
from workorders.store import keys as order_keys
from workorders.store import schema
from workorders.store.bulk import among, take_away
from workorders.store.entries import ended_here
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.errors import BadAnswer
from workorders.sync.identity import TabletIdentity

_DIGEST = "sync.keys"
KEY_DAYS = 30
"""How long a tablet without contact keeps the key of an order: twice what a crew is out."""
_AT_ONCE = 400
"""Keys taken at once: a first download brings thousands, and each by itself costs many times its share."""


def ring_digest(ring: wire.KeyRing) -> str:
    """Names the content of a ring without showing it: SHA-256 over its JSON."""
    return hashlib.sha256(b"fieldtool/keys/1\n" + msgspec.json.encode(ring)).hexdigest()


def context(tablet: str) -> bytes:
    """Sealed-box context of a tablet's ring."""
    return wire.KEYS_CONTEXT + b"/" + tablet.encode()


def digest_here(connection: Connection) -> str | None:
    """Digest of the ring taken last."""
    value = setting(connection, _DIGEST)
    return value if isinstance(value, str) else None


def opened(answer: wire.KeysAnswer, identity: TabletIdentity) -> wire.KeyRing | None:
    """The ring inside an answer; None if ours is still right.

    Raises:
        BadAnswer: it does not open, or is not what its digest says.
    """
    if answer.sealed is None:
        return None
    try:
        box = base64.b64decode(answer.sealed)
        plain = sealedbox.open_sealed(identity.opener(), box, context(identity.tablet))
        ring = msgspec.json.decode(plain, type=wire.KeyRing)
    except (sealedbox.SealedBoxError, msgspec.DecodeError, ValueError):
        raise BadAnswer("the keys that came are not sealed to this tablet") from None
    if ring_digest(ring) != answer.digest:
        raise BadAnswer("the keys that came are not those announced")
    return ring


def take(connection: Connection, answer: wire.KeysAnswer, ring: wire.KeyRing | None, now: str) -> bool:
    """Keep what is in the ring, forget what is not, destroy what was erased. Whether anything changed."""
    if answer.erased:
        order_keys.destroy(connection, dict.fromkeys(answer.erased, now))
        order_keys.forget_answers(connection, answer.erased)
    if ring is not None:
        _take_ring(connection, answer, ring)
    # Said again by the office, whether they came anew or are still the right ones.
    expires = utc_text(read_utc(now) + timedelta(days=KEY_DAYS))
    connection.execute(update(schema.order_key).values(expires_at=expires))
    return ring is not None


def _take_ring(connection: Connection, answer: wire.KeysAnswer, ring: wire.KeyRing) -> None:
    for start in range(0, len(ring.order_keys), _AT_ONCE):
        _take_order_keys(connection, ring.order_keys[start : start + _AT_ONCE])
    _forget(connection, {item.key_id for item in ring.order_keys})
    connection.execute(delete(schema.meter_secret))
    rows = [
        {
            "serial": item.serial,
            "name": item.name,
            "value": base64.b64decode(item.value),
            "expires_at": item.expires_at,
        }
        for item in ring.meter_secrets
    ]
    if rows:
        connection.execute(insert(schema.meter_secret), rows)
    set_setting(connection, _DIGEST, answer.digest)


def forget_expired(connection: Connection, now: str) -> int:
    """Let go of order keys past their time; the next ring is wanted whole, so that they can come again."""
    gone = order_keys.forget_expired(connection, now)
    if gone:
        set_setting(connection, _DIGEST, None)
    return gone


def _take_order_keys(connection: Connection, items: Sequence[wire.OrderKeyItem]) -> None:
    rows = connection.execute(_HERE, {"ids": [item.key_id for item in items]})
    here = {row.key_id: row.key for row in rows}
    pairs = [(item.order_id, OrderKey(key_id=item.key_id, key=base64.b64decode(item.key))) for item in items]
    fresh = [(order_id, key) for order_id, key in pairs if here.get(key.key_id) != key.key]
    if fresh:
        order_keys.put_order_keys(connection, fresh)


_HERE = select(schema.order_key.c.key_id, schema.order_key.c.key).where(
    among(schema.order_key.c.key_id, "ids")
)


def _forget(connection: Connection, ours: set[str]) -> None:
    table, order = schema.order_key, schema.work_order
    in_hand = select(order.c.order_id).where(order.c.status.in_(order_keys.IN_HAND))
    query = select(table.c.key_id, table.c.order_id).where(
        table.c.key.is_not(None),
        table.c.order_id.not_in(in_hand),
        table.c.order_id.not_in(ended_here()),
    )
    gone = [row for row in connection.execute(query) if row.key_id not in ours]
    if gone:
        from workorders.store import search

        take_away(connection, [(table.c.key_id, "ids")], ids=[row.key_id for row in gone])
        search.refresh_orders(connection, [row.order_id for row in gone])
