"""A tablet with some orders in one panel, each brought to where its new meter waits for the probe."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

import assets
from drivers.models import load_models
from fieldtool.run import ProcedureRun, Surroundings
from fieldtool.run.surroundings import Person
from fieldtool.settings import Settings
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.scripted import ScriptedSession
from tests.fieldtool.world import World, make_world, order, photo
from workorders import network
from workorders.journal.kinds import OrderIssued
from workorders.journal.sealing import new_order_key
from workorders.journal.words import DeviceRole
from workorders.network.tree import Node, load_network
from workorders.orders import Customer, NewAsset, Place, WorkOrder, order_plain, seal_customer
from workorders.store import keys, queries

PANEL = "CT-28101-P1"
SERIALS = ["ZIV0045670000", "ZIV0045670023", "ZIV0045670046"]
SPARE = "ZIV0045670069"


class PanelTablet:
    """What a panel run uses of a tablet, on one world. The orders name no old meter."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.store, self.journal = world, world.store, world.journal
        self.port = "probe"
        self.secret: dict[str, dict[str, bytes]] = {}
        self.identity = SimpleNamespace(system_title=world.around.system_title, crew="PRM-01")
        files = SimpleNamespace(
            models=load_models(assets.root() / "models"),
            folders={name: assets.root() / name for name in ("models", "programs")},
        )
        self.desk = SimpleNamespace(now=lambda: files)
        self.home = SimpleNamespace(cache=lambda: folder / "cache")
        self.tree = world.around.network
        self.secrets = SimpleNamespace(get=self._secret)
        self.signed_in = True
        self._runs: dict[str, ProcedureRun] = {}

    def _secret(self, serial: str, name: str) -> bytes | None:
        return self.secret.get(serial, {}).get(name)

    def person(self) -> Person | None:
        return self.world.around.person() if self.signed_in else None

    def settings(self) -> Settings:
        return Settings()

    def port_for(self, role: DeviceRole) -> str | None:
        del role
        return self.port

    def surroundings(self) -> Surroundings:
        from dataclasses import replace

        return replace(self.world.around, port_for=self.port_for, secrets=self._secret)

    def order_of(self, serial: str) -> WorkOrder:
        with self.store.read() as connection:
            found = queries.order(connection, f"order-{serial}")
        assert found is not None
        return found.order

    def start(self, order_id: str) -> ProcedureRun:
        """As a tablet does it: one run per order until it is let go of."""
        there = self._runs.get(order_id)
        if there is not None and there.state.end is None:
            return there
        with self.store.read() as connection:
            found = queries.order(connection, order_id)
        assert found is not None
        run = self._runs[order_id] = ProcedureRun(self.surroundings(), found.order)
        run.start()
        return run

    def leave(self, order_id: str) -> None:
        run = self._runs.pop(order_id, None)
        if run is not None:
            run.close()

    def bring(self, serial: str, until: str = "new_read") -> ProcedureRun:
        """Do what comes before the reading of an order's new meter."""
        run = self.start(f"order-{serial}")

        def checks(*names: str) -> dict[str, Any]:
            return {"checks": dict.fromkeys(names, True)}

        given: dict[str, Any] = {
            "site": checks("place", "customer"),
            "hazards": checks("hazards", "protection"),
            "voltage": checks("enclosure", "voltage", "socket"),
            "isolate": checks("load_off", "back_feed", "dead"),
            "swap": checks("mounted"),
            "new_scan": {"serial": serial, "codes": [serial]},
        }
        while (step := run.shown_step()) is not None and step.id != until:
            run.accept(given.get(step.id) or {"photos": [photo(run, "before")]})
        return run

    def kinds(self, serial: str) -> list[str]:
        """Kinds of an order's entries by the tablet."""
        with self.store.read() as connection:
            found = queries.entries_of(connection, f"order-{serial}")
        return [entry.envelope.kind for entry in found if entry.envelope.kind != "order.issued"]


def panel_tablet(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> PanelTablet:
    """Three orders in slots 1 to 3 of a panel of six, their meters on the truck."""
    world = make_world(folder, monkeypatch)
    monkeypatch.setattr("fieldtool.tablet.panel.OpticalSession", ScriptedSession)
    with world.store.write() as connection:
        load_network(
            connection,
            "prime",
            [
                Node(mrid="CT-28101", kind="transformer", name="CT 28101"),
                Node(
                    mrid="CT-28101-DC", kind="concentrator", parent="CT-28101", name="DC 28101", capacity=60
                ),
                Node(mrid=PANEL, kind="panel", parent="CT-28101", name="Panel piso 1", capacity=6),
            ],
        )
        network.load_stock(
            connection,
            "prime",
            [
                network.StockLine(serial=serial, model="prime-1ph", state="on_truck", crew="PRM-01")
                for serial in [*SERIALS, SPARE]
            ],
        )
    for slot, serial in enumerate(SERIALS, start=1):
        _issue(world, serial, slot, **changes)
    return PanelTablet(world, folder)


def _issue(world: World, serial: str, slot: int, **changes: Any) -> None:
    given = order(
        mrid=f"order-{serial}",
        number=f"RN-{slot}",
        old_asset=None,
        new_asset=NewAsset(serial=serial, model="prime-1ph"),
        place=Place(transformer="CT-28101", concentrator="CT-28101-DC", panel=PANEL, slot=slot, phase="A"),
    )
    given = msgspec.structs.replace(given, **changes)
    key = new_order_key()
    with world.store.write() as connection:
        keys.put_order_key(connection, given.mrid, key)
    customer = Customer(name="Ana", address="Calle 1", phone="1", position="39.4,-0.3")
    world.journal.append(
        OrderIssued(order=order_plain(given), customer=seal_customer(customer, key, given.mrid)),
        order_id=given.mrid,
    )


def as_tablet(tablet: PanelTablet) -> Tablet:
    """The double where a tablet is asked for."""
    return cast(Tablet, tablet)
