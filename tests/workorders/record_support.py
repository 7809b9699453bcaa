"""Authors, clocks and stores for the tests of the record."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tests.support.stores import fresh_store
from workorders.clock import utc_text
from workorders.journal import kinds
from workorders.journal.entry import ENVELOPE_VERSION, Entry, EntryTime, Envelope, Realm, seal_entry
from workorders.journal.kinds import Payload
from workorders.journal.sealing import OrderKey
from workorders.journal.writer import Journal
from workorders.orders import (
    Customer,
    NewAsset,
    OldAsset,
    Place,
    TaskKind,
    WorkOrder,
    order_plain,
    seal_customer,
)
from workorders.store.engine import Store, StoreRole

KEY = bytes(range(32))
START = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)


class TickingClock:
    """A clock that goes on by a minute each time it is asked."""

    def __init__(self, start: datetime = START, *, step: timedelta = timedelta(minutes=1)) -> None:
        self.moment = start
        self.step = step

    def now(self) -> EntryTime:
        self.moment += self.step
        return EntryTime(device=utc_text(self.moment), monotonic_ms=0, boot_id="test")


def self_signed(key: Ed25519PrivateKey) -> bytes:
    """A certificate in DER that holds the key; no authority behind it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "author")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=365))
        .sign(key, None)
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def new_store(folder: Path, role: StoreRole = "tablet", name: str = "store.db") -> Store:
    """A fresh encrypted store."""
    return fresh_store(folder / name, KEY, role)


def new_journal(
    store: Store, *, project: str | None = "p1", clock: TickingClock | None = None, begun: bool = True
) -> Journal:
    """A journal with its own key, its chain begun."""
    key = Ed25519PrivateKey.generate()
    journal = Journal(store, key, self_signed(key), Realm.DEMO, project, clock or TickingClock())
    if begun:
        journal.begin_chain("enrolled")
    return journal


class Author:
    """Writes entries of one chain without a store, as another tablet or the office would."""

    def __init__(self, *, project: str = "p1", chain: int = 1, start: datetime = START) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([chain]) * 32)
        self.chain_id = str(uuid.UUID(int=chain))
        self.project = project
        self.start = start
        self.entries: list[Entry] = []
        self._numbers = itertools.count()

    def write(self, payload: Payload, *, order_id: str | None = None, **more: Any) -> Entry:
        """The next entry of the chain; `more` as for `at_number`."""
        entry = self.at_number(next(self._numbers), payload, order_id, **more)
        self.entries.append(entry)
        return entry

    def at_number(
        self,
        number: int,
        payload: Payload,
        order_id: str | None = None,
        *,
        order_version: int | None = None,
        at: datetime | None = None,
        actor: str | None = None,
        kind: str | None = None,
        schema: int | None = None,
        variant: int = 0,
    ) -> Entry:
        """An entry at a given number, without adding it (`variant` gives a second one: a fork)."""
        previous = self.entries[number - 1].hash if number else None
        moment = at or self.start + timedelta(minutes=number)
        envelope = Envelope(
            v=ENVELOPE_VERSION,
            id=str(uuid.UUID(int=(int(self.chain_id.replace("-", ""), 16) << 64) + (variant << 32) + number)),
            realm=Realm.DEMO,
            chain_id=self.chain_id,
            seq=number,
            prev_hash=previous,
            kind=kind or payload.KIND,
            schema=schema or payload.SCHEMA,
            project=self.project,
            order_id=order_id,
            order_version=order_version,
            actor=actor,
            time=EntryTime(device=utc_text(moment), monotonic_ms=number, boot_id="test"),
            payload=msgspec.to_builtins(payload),
        )
        return seal_entry(envelope, self.key)


def an_order(order_id: str = "o1", **changes: object) -> WorkOrder:
    """A plausible exchange order."""
    values: dict[str, object] = {
        "mrid": order_id,
        "number": f"OT-{order_id}",
        "project": "p1",
        "kind": TaskKind.EXCHANGE,
        "crew": "c1",
        "usage_point": f"up-{order_id}",
        "supply_number": f"10-{order_id}",
        "old_asset": OldAsset(serial=f"old-{order_id}", last_reading="1200", usual_daily_use="7.5"),
        "new_asset": NewAsset(model="prime-1ph"),
        "scheduled_start": "2026-11-03T13:00:00.000Z",
        "due": "2026-11-10T22:00:00.000Z",
        "technology": "prime",
        "procedure": "exchange",
        "place": Place(transformer="sed-1", concentrator="dcu-1"),
    }
    return WorkOrder(**(values | changes))  # type: ignore[arg-type]  # values of a test


def issued(
    order: WorkOrder, key: OrderKey | None = None, customer: Customer | None = None
) -> kinds.OrderIssued:
    """The payload that issues an order, with its customer sealed if there is a key."""
    sealed = seal_customer(customer, key, order.mrid) if key is not None and customer is not None else {}
    return kinds.OrderIssued(order=order_plain(order), customer=sealed)
