"""Placing a device and proving that its network hears it.

Pure: the tree, what is in it and what the network said come in; what is missing, full, too far or wrong
comes out.
Nothing here decides that a full concentrator may be passed: that takes an override
(`fieldtool.procedure.rules`).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Protocol

import msgspec

from fieldtool.identity import normalise_serial
from fieldtool.leaving import Neighbour
from fieldtool.positioning import Coordinates, distance_m, trusted
from fieldtool.procedure.answers import PlaceAnswer, Position
from fieldtool.procedure.bench import JoinFound, Level, PlaceFound
from fieldtool.technologies import IdentityCheck, IdentitySource, Technology, plain_eui
from workorders.clock import read_utc, utc_text
from workorders.journal.words import JoinState
from workorders.orders import Place

CLOCK_SLACK = timedelta(minutes=5)
"""A head-end's clock may be this far behind ours before *heard* counts as *heard before it was installed*."""

NOT_THE_CREWS = {IdentitySource.OPTICAL, IdentitySource.STOCK}
"""Sources that nobody can change on site."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the network tree. `identity`: `mac=…;serial=…` as the utility's file says."""

    mrid: str
    kind: str
    parent: str | None = None
    name: str | None = None
    identity: str | None = None
    capacity: int | None = None
    phase: str | None = None
    lat: str | None = None
    lon: str | None = None

    @property
    def identities(self) -> dict[str, str]:
        """The identity text as a mapping."""
        pairs = (part.split("=", 1) for part in (self.identity or "").split(";") if "=" in part)
        return {key.strip(): value.strip() for key, value in pairs}


class Network(Protocol):
    """What placing needs to know of the tree."""

    def node(self, mrid: str) -> Node | None:
        """The node, if the tree has it."""
        ...

    def ancestors(self, mrid: str) -> list[Node]:
        """From the root down to the node itself."""
        ...

    def children(self, mrid: str, kind: str) -> list[Node]:
        """Direct and indirect nodes of that kind below."""
        ...

    def used(self, mrid: str) -> int:
        """Devices that hang on this collector or panel now."""
        ...

    def occupants(self, panel: str) -> dict[int, str]:
        """Serial by slot."""
        ...

    def nearest(self, kind: str, position: Coordinates, limit: int) -> list[Node]:
        """Nodes of a kind whose place is known, the nearest first."""
        ...

    def recent(self, kind: str, limit: int) -> list[Node]:
        """Collectors that devices were placed on here of late, the newest first."""
        ...

    def called(self, text: str) -> list[Node]:
        """Nodes of that mRID or name, or with that text in their identity."""
        ...

    def elsewhere(self, serial: str, order_id: str, usage_point: str | None) -> str | None:
        """Where a device is said to stand now, if that is neither this supply point nor by this order."""
        ...

    def beside(self, order_id: str, panel: str | None, position: Coordinates | None) -> list[Neighbour]:
        """Devices and orders in the same panel, or within `NEAR_M` metres of a position; not this order's."""
        ...

    def standing(self, mrid: str) -> list[str]:
        """Serials of the devices at a node or below it, by panel and slot."""
        ...


# --- identities ---------------------------------------------------------------------------------


def identities_of(
    technology: Technology, sources: Mapping[IdentitySource, Mapping[str, str]]
) -> tuple[dict[str, str], list[str], list[str]]:
    """The identities of a device, taken from the best source that has each.

    Returns (identities, keys that are required and missing, keys whose value is not well formed or whose
    sources contradict each other).
    """
    found: dict[str, str] = {}
    missing: list[str] = []
    bad: list[str] = []
    for rule in technology.identity:
        values = [
            _plain(rule.check, sources[source][rule.key])
            for source in rule.sources
            if sources.get(source, {}).get(rule.key)
        ]
        if not values:
            if rule.required:
                missing.append(rule.key)
            continue
        found[rule.key] = values[0]
        if not rule.accepts(values[0]) or len(set(values)) > 1:
            bad.append(rule.key)
    return found, missing, bad


def contradictions(
    technology: Technology, sources: Mapping[IdentitySource, Mapping[str, str]]
) -> dict[str, str]:
    """Identities that no crew can put right where it stands: what was said, best first.

    The best source says it well formed and another one otherwise; or what is not well formed comes from the
    list or the meter alone. A label is scanned again and what was typed is typed again.
    """
    found: dict[str, str] = {}
    for rule in technology.identity:
        said = {
            one: _plain(rule.check, named)
            for one in rule.sources
            if (named := sources.get(one, {}).get(rule.key))
        }
        values = list(said.values())
        if not values or (len(set(values)) == 1 and rule.accepts(values[0])):
            continue
        if rule.accepts(values[0]) or not set(said) - NOT_THE_CREWS:
            found[rule.key] = " ≠ ".join(dict.fromkeys(values))
    return found


def _plain(check: IdentityCheck | None, value: str) -> str:
    return plain_eui(value) if check in (IdentityCheck.EUI48, IdentityCheck.EUI64) else value.strip()


# --- place --------------------------------------------------------------------------------------


def collector_for(technology: Technology, place: Place, network: Network) -> list[Node]:
    """Collectors a device at this place could hang on, the order's own first."""
    if technology.tree.collector is None or technology.tree.collector_under is None:
        return []
    above = getattr(place, technology.tree.collector_under, None)
    if above is None:
        anchors = [mrid for mrid in (place.transformer, place.panel, place.feeder) if mrid]
        found = (
            node.mrid
            for mrid in anchors
            for node in network.ancestors(mrid)
            if node.kind == technology.tree.collector_under
        )
        above = next(found, None)
    nodes = network.children(above, technology.tree.collector) if above else []
    return sorted(nodes, key=lambda node: (node.mrid != place.concentrator, node.mrid))


def judge_place(
    technology: Technology | None,
    planned: Place,
    answer: PlaceAnswer,
    network: Network,
    identities: tuple[dict[str, str], list[str], list[str]],
    *,
    ours: Collection[str] = (),
    hangs_on: str | None = None,
) -> PlaceFound:
    """Resolve a place from order and answer, and say what speaks against it.

    ours: serials of this order's own devices, old and new: they take no slot away from it.
    hangs_on: collector on which this order has put its device already: it is not to be counted there twice.
    """
    found, missing, bad = identities
    panel = answer.panel or planned.panel
    planned = msgspec.structs.replace(planned, transformer=transformer_of(panel, planned, network))
    concentrator = answer.concentrator or planned.concentrator
    if technology is not None and concentrator is None:
        nodes = collector_for(technology, planned, network)
        concentrator = nodes[0].mrid if nodes else None
    values = {
        "substation": planned.substation,
        "feeder": planned.feeder,
        "output": planned.output,
        "transformer": planned.transformer,
        "panel": panel,
        "slot": answer.slot if answer.slot is not None else planned.slot,
        "phase": answer.phase or planned.phase,
    }
    needs = technology.tree.place_needs if technology else []
    panelled = values["panel"] is not None or "slot" not in needs
    missing = missing + [
        name
        for name in needs
        if values.get(name) is None and not (name in ("panel", "slot") and not panelled)
    ]
    slot = values["slot"]
    taken = network.occupants(panel).get(slot) if panel and isinstance(slot, int) else None
    if taken in ours:
        taken = None
    if panel and slot is None and "slot" not in missing:
        missing.append("slot")
    return PlaceFound(
        concentrator=concentrator,
        panel=panel,
        slot=slot if isinstance(slot, int) else None,
        transformer=planned.transformer,
        phase=_text(values["phase"]),
        identities=found,
        capacity=_capacity(technology, concentrator, network, hangs_on),
        missing=missing,
        unknown=_nowhere(answer, planned, network),
        taken_by=taken,
        too_far_m=_too_far(technology, concentrator, answer.position, network),
        bad_identities=bad,
    )


def transformer_of(panel: str | None, planned: Place, network: Network) -> str | None:
    """The transformer that feeds a device: that of its panel, where the tree has the panel, else the order's.

    Whatever the order says, what hangs in a panel is fed as the panel is.
    """
    above = network.ancestors(panel) if panel else []
    return next((node.mrid for node in reversed(above) if node.kind == "transformer"), planned.transformer)


def _nowhere(answer: PlaceAnswer, planned: Place, network: Network) -> list[str]:
    """Fields of an answer that name no place there is: an answers file may say anything, and so may a label.

    What the order itself says is the office's word, also where this tablet has only a part of the tree.
    """
    found: list[str] = []
    if answer.concentrator not in (None, planned.concentrator) and network.node(answer.concentrator) is None:
        found.append("concentrator")
    panel = network.node(answer.panel or planned.panel or "")
    if answer.panel not in (None, planned.panel) and (panel is None or panel.kind != "panel"):
        found.append("panel")
    last = panel.capacity if panel is not None else None
    if answer.slot not in (None, planned.slot) and (
        answer.slot < 1 or (last is not None and answer.slot > last)
    ):
        found.append("slot")
    return found


def _text(value: str | int | None) -> str | None:
    return value if isinstance(value, str) else None


def level_of(used: int, capacity: int | None, technology: Technology | None) -> str:
    """`fine`, `warn` or `full` with one more device."""
    if capacity is None or technology is None or technology.capacity is None:
        return "fine"
    percent = Decimal(100 * (used + 1)) / Decimal(capacity) if capacity else Decimal(1000)
    if percent > technology.capacity.block_percent:
        return "full"
    return "warn" if percent > technology.capacity.warn_percent else "fine"


def capacity_of(node: Node | None, technology: Technology | None) -> int | None:
    """How many devices a collector bears."""
    if node is not None and node.capacity is not None:
        return node.capacity
    return technology.capacity.default if technology and technology.capacity else None


def _capacity(
    technology: Technology | None, concentrator: str | None, network: Network, hangs_on: str | None
) -> Level | None:
    if concentrator is None or technology is None:
        return None
    capacity = capacity_of(network.node(concentrator), technology)
    used = network.used(concentrator)
    if concentrator == hangs_on:
        used = max(used - 1, 0)
    return Level(level=level_of(used, capacity, technology), used=used, capacity=capacity)


def _too_far(
    technology: Technology | None, concentrator: str | None, position: Position | None, network: Network
) -> int | None:
    if technology is None or technology.distance is None or position is None or concentrator is None:
        return None
    node = network.node(concentrator)
    if node is None or node.lat is None or node.lon is None:
        return None
    if not trusted(position):
        return None
    metres = distance_m(position.latitude, position.longitude, node.lat, node.lon)
    metres -= round(Decimal(position.accuracy_m or 0))
    limit = int(Decimal(technology.distance.block_km) * 1000)
    return metres - limit if metres > limit else None


# --- join ---------------------------------------------------------------------------------------


def pending(
    technology: Technology | None, how: str, now: datetime, reason: str = "not_heard_yet"
) -> JoinFound:
    """Not heard yet: to be asked again at a time."""
    minutes = technology.wait.recheck_minutes if technology else 60
    return JoinFound(
        state=JoinState.PENDING,
        how=how,
        reason=reason,
        recheck_at=utc_text(now + timedelta(minutes=minutes)),
    )


def prime_join(
    state: str, evidence: Mapping[str, str], expected_mac: str | None, technology: Technology, now: datetime
) -> JoinFound:
    """Judge PRIME class 83: `state` of the driver's evidence, `sna` against the expected base node.

    Another SNA means crosstalk or the wrong tree: joined, but the supervisor must look.
    """
    heard = plain_eui(evidence["sna"]) if evidence.get("sna") else None
    expected = plain_eui(expected_mac) if expected_mac else None
    kept = dict(evidence) | ({"expected_sna": expected} if expected else {})
    if state == "joined" and heard and set(heard) != {"0"}:
        reason = "other_concentrator" if expected is not None and heard != expected else None
        return JoinFound(
            state=JoinState.JOINED, how="optical_prime", reason=reason, evidence=kept, heard=heard
        )
    if state == "denied":
        return JoinFound(
            state=JoinState.FAILED, how="optical_prime", reason="denied", evidence=kept, heard=heard
        )
    found = pending(technology, "optical_prime", now)
    return msgspec.structs.replace(found, evidence=kept, heard=heard)


def g3_join(
    state: str, evidence: Mapping[str, str], expected_pan: str | None, technology: Technology, now: datetime
) -> JoinFound:
    """Judge G3 classes 91/92: the PAN against that of the concentrator, where its file names one (`pan`)."""
    found = optical_join("optical_g3", state, evidence, technology, now)
    if not expected_pan:
        return found
    expected = plain_eui(expected_pan).removeprefix("0X").zfill(4)
    kept = dict(evidence) | {"expected_pan": expected}
    other = found.state is JoinState.JOINED and evidence.get("pan_id", expected) != expected
    reason = "other_concentrator" if other else found.reason
    return msgspec.structs.replace(found, evidence=kept, reason=reason)


def optical_join(
    how: str, state: str, evidence: Mapping[str, str], technology: Technology, now: datetime
) -> JoinFound:
    """Judge what the meter says of itself: joined, denied is failed, anything else is pending."""
    if state == "joined":
        return JoinFound(state=JoinState.JOINED, how=how, evidence=dict(evidence))
    if state == "denied":
        return JoinFound(state=JoinState.FAILED, how=how, reason="denied", evidence=dict(evidence))
    return msgspec.structs.replace(pending(technology, how, now), evidence=dict(evidence))


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a concentrator's or head-end's list. `status`: 2 fine, 1 warning, 0 error (S24), None
    unknown."""

    serial: str
    heard_at: str | None
    concentrator: str | None = None
    status: int | None = None


def listed_join(
    serial: str,
    heard: Iterable[Heard],
    *,
    how: str,
    installed_at: datetime,
    expected: str | None,
    technology: Technology | None,
    now: datetime,
) -> JoinFound:
    """Judge a list: heard after the installation with a fine status is joined.

    What was heard before the installation proves nothing: the meter may have been tried out in the store.
    """
    wanted = normalise_serial(serial)
    lines = [line for line in heard if normalise_serial(line.serial) == wanted]
    fresh = [
        line
        for line in lines
        if line.heard_at is not None and read_utc(line.heard_at) >= installed_at - CLOCK_SLACK
    ]
    good = [line for line in fresh if line.status in (None, 2)]
    if good:
        best = max(good, key=lambda line: line.heard_at or "")
        other = expected is not None and best.concentrator not in (None, expected)
        evidence = {"heard_at": best.heard_at or ""}
        return JoinFound(
            state=JoinState.JOINED,
            how=how,
            reason="other_concentrator" if other else None,
            evidence=evidence,
            heard=best.concentrator,
        )
    if fresh:
        return pending(technology, how, now, "heard_with_errors")
    return pending(technology, how, now, "heard_before_installation" if lines else "not_heard_yet")


def read_head_end(text: str) -> list[Heard]:
    """Read a head-end's list: CSV with `serial;heard_at;concentrator` (`;` or `,`), times RFC 3339 or UTC.

    Raises:
        ValueError: no header, or a row that is not understood; names the line.
    """
    first = text.lstrip("\ufeff").splitlines()[:1]
    if not first or "serial" not in first[0]:
        raise ValueError("line 1: a head-end list begins with the header serial;heard_at;concentrator")
    delimiter = ";" if ";" in first[0] else ","
    found: list[Heard] = []
    reader = csv.DictReader(StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
    for row in reader:
        serial, at = (row.get("serial") or "").strip(), (row.get("heard_at") or "").strip()
        if not serial:
            raise ValueError(f"line {reader.line_num}: no serial")
        try:
            moment = datetime.fromisoformat(at) if at else None
        except ValueError:
            raise ValueError(f"line {reader.line_num}: {at!r} is no time") from None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        concentrator = (row.get("concentrator") or "").strip() or None
        found.append(
            Heard(serial=serial, heard_at=utc_text(moment) if moment else None, concentrator=concentrator)
        )
    return found
