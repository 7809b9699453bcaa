"""What a run knows of the outside, judged now: facts of the job, the match, the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from drivers.models import MeterModel
from fieldtool.identity import (
    INSTALLED,
    ON_TRUCK,
    MatchInput,
    MatchResult,
    match,
    normalise_serial,
    same_identity,
)
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import PlaceFound
from fieldtool.procedure.devices import device_serial, scanned_serial
from fieldtool.procedure.state import RunState
from fieldtool.procedure.valuerules import normal
from fieldtool.registration import contradictions, identities_of, judge_place
from fieldtool.run.surroundings import Surroundings
from fieldtool.technologies import IdentitySource, Technology
from workorders.journal.kinds import DevicePlaced
from workorders.journal.words import DeviceRole
from workorders.orders import WorkOrder
from workorders.store import queries

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun


def model_of(order: WorkOrder, role: DeviceRole, around: Surroundings) -> MeterModel | None:
    """The meter model the order names for a device, if there is a file for it."""
    asset = order.old_asset if role is DeviceRole.OLD else order.new_asset
    return around.models.get(asset.model) if asset is not None and asset.model else None


def technology_of(order: WorkOrder, around: Surroundings) -> Technology | None:
    """The order's technology, if there is a file for it."""
    return around.technologies.get(order.technology or "")


def facts(order: WorkOrder, around: Surroundings, state: RunState) -> frozenset[str]:
    """What the conditions of a procedure may ask: see `fieldtool.procedure.state.Job`."""
    found: set[str] = set()
    new, old = model_of(order, DeviceRole.NEW, around), model_of(order, DeviceRole.OLD, around)
    if order.old_asset is not None:
        found.add("old_meter")
    if order.new_asset is not None:
        found.add("new_meter")
    # A CT installation stays one whichever meter hangs on it: either model says so, and the meter that hangs
    # there says it better than an order that may not know.
    read = state.reads.get(DeviceRole.OLD)
    there = around.models.get(read.model) if read is not None and read.model else None
    if any(model is not None and model.connection == "ct" for model in (new, old, there)):
        found.add("ct")
    if any(model is not None and model.phases == 3 for model in (new, old)):
        found.add("three_phase")
    if new is not None and new.relay:
        found.add("relay")
    if order.program:
        found.add("program")
    if order.place.panel:
        found.add("panel")
    if technology_of(order, around) is not None:
        found.add("network")
    return frozenset(found)


def match_now(run: ProcedureRun, step: m.MatchStep) -> MatchResult:
    """The match of the new device as things stand."""
    order, around = run.order, run.around
    found = run.state.reads.get(DeviceRole.NEW)
    label = scanned_serial(run.state, DeviceRole.NEW)
    optical = normalise_serial(found.serial) if found else None
    planned = order.new_asset.serial if order.new_asset else None
    named = [serial for serial in (label, optical, normalise_serial(planned)) if serial]
    stock = around.stock.items(named)
    own = stock.get(run.state.placed.serial) if run.state.placed is not None else None
    if own is not None and own.state == INSTALLED:
        # By this very order: who comes back to the match did not find a device that hangs somewhere already.
        stock = {**stock, own.serial: msgspec.structs.replace(own, state=ON_TRUCK, crew=None)}
    return match(
        MatchInput(
            order_serial=planned,
            order_model=order.new_asset.model if order.new_asset else None,
            label=label,
            optical=optical,
            stock=stock,
            others=around.stock.others(order.mrid, named),
            crew=around.crew or order.crew,
            has_port=step.optical,
            from_truck=step.stock,
        )
    )


def place_now(run: ProcedureRun, step: m.PlaceStep, answer: a.PlaceAnswer) -> PlaceFound:
    """The chosen place, judged."""
    serial = device_serial(run.state, DeviceRole.NEW)
    network, order = run.around.network, run.order
    elsewhere = network.elsewhere(serial, order.mrid, order.usage_point) if serial else None
    return msgspec.structs.replace(_judged(run, step, answer), elsewhere=elsewhere)


def _judged(run: ProcedureRun, step: m.PlaceStep, answer: a.PlaceAnswer) -> PlaceFound:
    if step.what is not m.PlaceWhat.METER:
        return _standing_place(run, step.what)
    technology = technology_of(run.order, run.around)
    identities: tuple[dict[str, str], list[str], list[str]] = ({}, [], [])
    mismatched: dict[str, str] = {}
    if technology is not None:
        sources = _identity_sources(run)
        identities = identities_of(technology, sources)
        mismatched = contradictions(technology, sources)
    found = judge_place(
        technology,
        run.order.place,
        answer,
        run.around.network,
        identities,
        ours=own_serials(run),
        hangs_on=run.state.placed.concentrator if run.state.placed is not None else None,
    )
    return msgspec.structs.replace(found, mismatched=mismatched)


def _standing_place(run: ProcedureRun, what: m.PlaceWhat) -> PlaceFound:
    """Where a node of the tree or a device of the line stands: by the order, under the nearest node above it.

    A node is named by its own mRID in its identities: nothing hangs *on* it that is it.
    """
    place = run.order.place
    sources = _identity_sources(run)
    said: dict[str, list[str]] = {}
    for source in (IdentitySource.TYPED, IdentitySource.LABEL, IdentitySource.STOCK):
        for name, value in sources[source].items():
            said.setdefault(name, []).append(value)
    identities = {name: values[0] for name, values in said.items()}
    # A list may be wrong, and no crew can mend it here: who may says which one holds.
    mismatched = {
        name: " ≠ ".join(dict.fromkeys(values))
        for name, values in said.items()
        if not all(same_identity(values[0], value) for value in values)
    }
    node = (place.panel or place.concentrator) if what is m.PlaceWhat.NODE else None
    if node is not None:
        identities["node"] = node
    above = place.transformer or place.feeder or place.substation
    return PlaceFound(
        concentrator=None,
        panel=None,
        slot=None,
        transformer=above,
        phase=place.phase,
        identities=identities,
        missing=[] if above is not None else ["transformer"],
        bad_identities=sorted(mismatched),
        mismatched=mismatched,
    )


def stood(run: ProcedureRun) -> DevicePlaced | None:
    """Where the device that was taken down stood, as a place to put it back to; None: nothing was taken down.

    By the journal where it knows, else by the order, which names the place of the supply.
    """
    removed, place = run.state.removed, run.order.place
    if removed is None:
        return None
    with run.around.journal.store.read() as connection:
        known = queries.placements(connection, serial=removed.serial, usage_point=removed.usage_point)
    was = known[-1] if known else None
    read, old = run.state.reads.get(DeviceRole.OLD), run.order.old_asset
    return DevicePlaced(
        serial=removed.serial,
        model=(read.model if read else None) or (old.model if old else None) or "unknown",
        usage_point=removed.usage_point,
        concentrator=was.concentrator if was else None,
        panel=was.panel if was else place.panel,
        slot=was.slot if was else place.slot,
        transformer=was.transformer if was else place.transformer,
        phase=was.phase if was else place.phase,
    )


def holder_of(run: ProcedureRun, step: m.ValueStep, answer: a.ValueAnswer) -> str | None:
    """Who has a value already that must be one device's own; None for nobody but this order's devices."""
    value = normal(step, answer.value)
    if not step.unique or step.identity is None or value is None:
        return None
    place = run.order.place
    own = own_serials(run) | {one for one in (place.concentrator, place.panel) if one is not None}
    return run.around.stock.holder(step.identity, value, besides=own)


def own_serials(run: ProcedureRun) -> frozenset[str]:
    """Serials of the order's old and new device, as the order and as the crew named them."""
    named = [asset.serial for asset in (run.order.old_asset, run.order.new_asset) if asset is not None]
    named += [device_serial(run.state, role) for role in DeviceRole]
    return frozenset(serial for name in named if name for serial in (name, normalise_serial(name)) if serial)


def _identity_sources(run: ProcedureRun) -> dict[IdentitySource, dict[str, str]]:
    label: dict[str, str] = {}
    typed: dict[str, str] = {}
    for done in run.state.done.values():
        if done.device is DeviceRole.NEW and isinstance(done.answer, a.ScanAnswer):
            (typed if done.answer.unreadable else label).update(done.answer.identities)
        if isinstance(done.answer, a.ValueAnswer) and done.answer.value:
            step = next((one for one in run.procedure.steps if one.id == done.step), None)
            if isinstance(step, m.ValueStep) and step.identity is not None:
                typed[step.identity] = done.answer.value
    serial = device_serial(run.state, DeviceRole.NEW)
    found = run.state.reads.get(DeviceRole.NEW)
    optical = {"mac": found.network["mac"]} if found and found.network.get("mac") else {}
    return {
        IdentitySource.OPTICAL: optical,
        IdentitySource.LABEL: label,
        IdentitySource.STOCK: run.around.stock.identities(serial) if serial else {},
        IdentitySource.TYPED: typed,
    }
