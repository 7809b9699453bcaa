"""A tablet's world for tests of the job: real encrypted store, journal and order; a scripted meter.

Only the optical session is a double here (it would need a process and a virtual meter; `test_commission.py`
uses those). Everything that is written goes through the real journal and its projection.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

import assets
from drivers.models import MeterModel, load_models
from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure.bench import SignedOverride
from fieldtool.procedure.model import Procedure, load_procedures
from fieldtool.registration import Heard
from fieldtool.run import IssuedRecord, ProcedureRun, Surroundings
from fieldtool.run.positions import nowhere
from fieldtool.run.surroundings import Person
from fieldtool.tablet.around import StoreNetwork, StoreStock
from fieldtool.tablet.labels import RuleLabels
from fieldtool.technologies import Technology, load_technologies
from fieldtool.text import Language
from tests.fieldtool.scripted import BASE_NODE_MAC, Meter, ScriptedSession
from tests.support.stores import fresh_store
from workorders import certificates, network
from workorders.certificates import Holder, Subject
from workorders.clock import SystemClock, utc_text
from workorders.journal.entry import Realm
from workorders.journal.kinds import OrderIssued
from workorders.journal.sealing import OrderKey, new_order_key
from workorders.journal.words import DeviceRole, Sealed, TaskKind
from workorders.journal.writer import Journal
from workorders.network.tree import Node, load_network
from workorders.orders import Customer, NewAsset, OldAsset, Place, WorkOrder, order_plain, seal_customer
from workorders.people import Role
from workorders.store import entries as journal_entries
from workorders.store import keys, projection, schema
from workorders.store.engine import Store
from workorders.sync.blobs import BlobFiles

PROJECT = "prime"
OLD_SERIAL, NEW_SERIAL, OTHER_SERIAL = "ZIV0012300000", "ZIV0045670000", "ZIV0045670023"


def picture(colour: tuple[int, int, int] = (90, 120, 80)) -> bytes:
    """A small JPEG."""
    target = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(target, "JPEG")
    return target.getvalue()


class Records:
    """Stands for the documents: a record of a few bytes."""

    def issue(self, job: Any, state: Any, *, finished_at: str, flags: list[str]) -> IssuedRecord:
        return IssuedRecord(pdf=b"%PDF-1.7 " + finished_at.encode(), record_hash="ab" * 32, number="A-1")


class Signer:
    """Stands for the security part: one lead with one PIN."""

    role = Role.LEAD

    def sign_override(
        self, person: str, pin: str, *, order_id: str, subject: str, reason: Sealed
    ) -> SignedOverride:
        if pin != "482615":
            raise JobError("wrong_pin", "the PIN is not right", left="4")
        return SignedOverride(
            person=person, role=self.role, reason=reason, public_key="", grant="", signature=subject
        )


class Lists:
    """Stands for concentrator and head-end."""

    def __init__(self) -> None:
        self.lines: list[Heard] = []

    def concentrator(self, mrid: str, serial: str) -> list[Heard]:
        raise JobError("concentrator_unreachable", "no way there from here")

    def head_end(self, serial: str) -> list[Heard]:
        return self.lines


def new_journal(store: Store, realm: Realm = Realm.TRAINING) -> Journal:
    """A journal with a certificate of a root made for it, and its chain begun."""
    root_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    now = datetime.now(UTC)
    root = certificates.new_root(root_key, realm, "11" * 16, now)
    subject = Subject(id="tablet-1", holder=Holder.TABLET, realm=realm, system_title="46544C0000000001")
    der = certificates.issue(root_key, root, subject, key.public_key(), now)
    journal = Journal(store, key, der, realm, PROJECT, SystemClock())
    journal.begin_chain("enrolled")
    return journal


@dataclass
class World:
    """Everything around one order."""

    store: Store
    journal: Journal
    around: Surroundings
    order: WorkOrder
    key: OrderKey
    meters: dict[str, Meter]
    lists: Lists
    signer: Signer

    def run(self) -> ProcedureRun:
        """The run of the order, as after starting the program anew."""
        run = ProcedureRun(self.around, self.order)
        run.start()
        return run

    def kinds(self) -> list[str]:
        """Kinds of the order's entries in order, without what the office wrote."""
        with self.store.read() as connection:
            found = journal_entries.fold_order(connection, schema.entry.c.order_id == self.order.mrid)
        return [entry.envelope.kind for entry in found if entry.envelope.kind != "order.issued"]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of one kind, oldest first."""
        with self.store.read() as connection:
            found = journal_entries.fold_order(connection, schema.entry.c.order_id == self.order.mrid)
        return [entry.envelope.payload for entry in found if entry.envelope.kind == kind]

    def digest_is_stable(self) -> bool:
        """Whether folding from nothing gives the same projection."""
        before = projection.digest(self.store)
        projection.rebuild(self.store)
        return projection.digest(self.store) == before


def order(**changes: Any) -> WorkOrder:
    """An exchange on PRIME; the last reading is 30 days old, the use 9.1 kWh a day."""
    last = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
    plain = WorkOrder(
        mrid="order-1",
        number="RN2600001",
        project=PROJECT,
        kind=TaskKind.EXCHANGE,
        crew="PRM-01",
        usage_point="UP-1",
        supply_number="ES0021004100000000SX",
        due=utc_text(datetime.now(UTC) + timedelta(hours=5)),
        old_asset=OldAsset(
            serial=OLD_SERIAL,
            model="prime-1ph",
            last_reading="23522",
            last_reading_date=last,
            usual_daily_use="9.1",
        ),
        new_asset=NewAsset(serial=NEW_SERIAL, model="prime-1ph"),
        technology="prime",
        procedure="exchange",
        program="residential-2.0TD",
        place=Place(transformer="CT-28101", concentrator="CT-28101-DC", phase="A"),
        contracted_power="4.6",
    )
    return msgspec.structs.replace(plain, **changes)


TREE = [
    Node(mrid="ST", kind="substation", name="ST Ribera"),
    Node(mrid="CT-28101", kind="transformer", parent="ST", name="CT 28101"),
    Node(
        mrid="CT-28101-DC",
        kind="concentrator",
        parent="CT-28101",
        name="DC 28101",
        identity=f"mac={BASE_NODE_MAC};serial=ZIV0004990001",
        capacity=60,
    ),
]


@cache
def _procedures(root: Path) -> Mapping[str, Procedure]:
    return load_procedures(root / "procedures")


@cache
def _technologies(root: Path) -> Mapping[str, Technology]:
    return load_technologies(root / "technologies")


@cache
def _models(root: Path) -> Mapping[str, MeterModel]:
    return load_models(root / "models")


def make_world(
    folder: Path,
    monkeypatch: Any,
    given: WorkOrder | None = None,
    *,
    nodes: list[Node] = TREE,
    stock: list[network.StockLine] | None = None,
) -> World:
    """A tablet with one order, its key, the tree, the stock and two scripted meters."""
    given = given or order()
    old, new = given.old_asset, given.new_asset
    serial = (new.serial if new is not None else None) or NEW_SERIAL
    model = (new.model if new is not None else None) or "prime-1ph"
    store = fresh_store(folder / "tablet.db", os.urandom(32), "tablet")
    journal = new_journal(store)
    key = new_order_key()
    _fill(store, journal, given, key, nodes, prime_stock(model) if stock is None else stock)
    meters = {
        "old": Meter(serial=old.serial if old is not None else OLD_SERIAL, energy="23800.4"),
        "new": Meter(serial=serial, energy="0.0", model=model),
    }
    monkeypatch.setattr(ScriptedSession, "field", meters)
    for module in ("fieldtool.commissioning", "fieldtool.run.power"):
        monkeypatch.setattr(f"{module}.OpticalSession", ScriptedSession)
    lists, signer = Lists(), Signer()
    root = assets.root()
    around = Surroundings(
        journal=journal,
        procedures=dict(_procedures(root)),
        technologies=dict(_technologies(root)),
        models=dict(_models(root)),
        models_folder=root / "models",
        programs_folder=root / "programs",
        cache=folder / "cache",
        blobs=BlobFiles(folder / "blobs"),
        system_title="46544C0000000001",
        secrets=lambda serial, name: None,
        crew=given.crew or "PRM-01",
        network=StoreNetwork(store),
        stock=StoreStock(store),
        labels=RuleLabels(root / "labels"),
        heard=lists,
        signer=signer,
        records=Records(),
        port_for=lambda role: "old" if role is DeviceRole.OLD else "new",
        locate=nowhere,
        person=lambda: Person(id="tech-1", name="Silvia", role=Role.INSTALLER, crew="PRM-01"),
        language=lambda: Language.ES,
    )
    return World(store, journal, around, given, key, meters, lists, signer)


def prime_stock(model: str) -> list[network.StockLine]:
    """The order's new meter and another one, on the truck."""
    return [
        network.StockLine(
            serial=serial, model=model, state="on_truck", crew="PRM-01", identities={"mac": mac}
        )
        for serial, mac in ((NEW_SERIAL, "404022B8DE70"), (OTHER_SERIAL, "404022B8DE87"))
    ]


def _fill(
    store: Store,
    journal: Journal,
    given: WorkOrder,
    key: OrderKey,
    nodes: list[Node],
    stock: list[network.StockLine],
) -> None:
    with store.write() as connection:
        keys.put_order_key(connection, given.mrid, key)
        load_network(connection, given.project, nodes)
        network.load_stock(connection, given.project, stock)
    customer = Customer(
        name="Hernán Fernández",
        address="Calle Doctor Fleming, 83",
        phone="+34 600",
        position="39.46990,-0.37630",
    )
    journal.append(
        OrderIssued(order=order_plain(given), customer=seal_customer(customer, key, given.mrid)),
        order_id=given.mrid,
    )


Walk = Callable[[ProcedureRun], None]


def codes(caught: pytest.ExceptionInfo[StepRefused]) -> set[str]:
    return {problem.code for problem in caught.value.problems}


def photo(run: ProcedureRun, what: str) -> str:
    """Take a photo and return its hash."""
    return run.add_photo(picture(), what).sha256


def walk(run: ProcedureRun, until: str | None = None, skip: frozenset[str] = frozenset()) -> None:
    """Answer the steps of a clean exchange from the current one on, up to (not including) `until`."""
    for _ in range(40):
        step = run.shown_step()
        if step is None or step.id == until:
            return
        ANSWERS[step.id](run)
    raise AssertionError("the procedure does not end")


def _checks(*names: str) -> Walk:
    return lambda run: _accept(run, {"checks": dict.fromkeys(names, True)})


def _accept(run: ProcedureRun, answer: dict[str, Any]) -> None:
    run.accept(answer)


def _photo_step(what: str) -> Walk:
    return lambda run: _accept(run, {"photos": [photo(run, what)]})


def _read(run: ProcedureRun) -> None:
    run.read_meter()
    run.accept({})


def _configure(run: ProcedureRun) -> None:
    run.plan()
    run.apply(["limiter"])
    run.accept({"allow": ["limiter"]})


def _relay(run: ProcedureRun) -> None:
    run.test_relay("0000")
    run.accept({"confirmation": "0000"})


def _join(run: ProcedureRun) -> None:
    run.check_join()
    run.accept({})


ANSWERS: dict[str, Walk] = {
    "site": _checks("place", "customer"),
    "hazards": _checks("hazards", "protection"),
    "photo_before": _photo_step("before"),
    "voltage": _checks("enclosure", "voltage", "socket"),
    "old_scan": lambda run: _accept(run, {"serial": OLD_SERIAL, "codes": [OLD_SERIAL]}),
    "old_read": _read,
    "old_dial": lambda run: _accept(run, {"value": "23800"}),
    "seals_found": lambda run: _accept(run, {"seals": [{"number": "A1", "position": "terminal_cover"}]}),
    "isolate": _checks("load_off", "back_feed", "dead"),
    "swap": _checks("removed", "mounted"),
    "new_scan": lambda run: _accept(
        run,
        {
            "serial": NEW_SERIAL,
            "codes": [NEW_SERIAL, "40:40:22:B8:DE:70"],
            "identities": {"mac": "404022B8DE70"},
        },
    ),
    "new_read": _read,
    "match": lambda run: _accept(run, {}),
    "ct_plate": lambda run: _accept(run, {"value": "200/5"}),
    "photo_ct_plate": _photo_step("ct_plate"),
    "ct_second": lambda run: _accept(run, {"value": "200:5"}),
    "ct_source": lambda run: _accept(run, {"choice": "certificate"}),
    "configure": _configure,
    "polarity": _checks("polarity"),
    "relay": _relay,
    "seals_applied": lambda run: _accept(run, {"seals": [{"number": "P100", "position": "terminal_cover"}]}),
    "place": lambda run: _accept(run, {}),
    "join": _join,
    "photo_after": _photo_step("after"),
    "customer": lambda run: _accept(
        run,
        {
            "outcome": "signed",
            "image": run.add_photo(picture(), "signature").sha256,
            "name": "Hernán Fernández",
        },
    ),
    "leave": lambda run: _accept(run, {"checks": {"clean": True}}),
}


def b64(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()


def applies_to(check: Any, run: ProcedureRun) -> bool:
    """Whether a check applies to the job of a run."""
    from fieldtool.procedure.engine import holds

    return all(holds(condition, run.job(), run.state) for condition in check.when)
