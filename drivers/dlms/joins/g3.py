"""G3-PLC (Blue Book 4.13, ITU-T G.9903): a short address in a PAN; neighbours with quality and phase."""

from __future__ import annotations

from drivers.dlms.joins.heard import Heard, Probe, Verdict, cell, whole
from drivers.reading import JoinState

_MAC, _ADAPTATION = "0.0.29.1.0.255", "0.0.29.2.0.255"
# Attribute 5 of class 91 holds keys and is never read.
PROBES = (
    Probe(43, "0.0.25.2.0.255", 2, "mac"),
    Probe(91, _MAC, 2, "short_address"),
    Probe(91, _MAC, 3, "route_cost"),
    Probe(91, _MAC, 4, "pan_id"),
    Probe(91, _MAC, 11, "neighbours"),
    Probe(92, _ADAPTATION, 8, "routes"),
    Probe(92, _ADAPTATION, 17, "coordinator"),
    Probe(92, _ADAPTATION, 19, "device_type"),
)
NO_ADDRESS = frozenset({0xFFFF, 0xFFFE})
"""Not associated; associated without a short address (IEEE 802.15.4)."""
NO_PAN = 0xFFFF
COORDINATOR = "0000"
_SHOWN = 20
"""The best neighbours; a table has up to some hundred."""


def judge(heard: Heard) -> Verdict:
    """A short address within a PAN is joined; without one the node is still searching."""
    found = Verdict(evidence=heard.texts("mac", "short_address", "pan_id", "route_cost", "device_type"))
    found.evidence = {word: text for word, text in found.evidence.items() if text}
    coordinator = heard.text("coordinator") or COORDINATOR
    _neighbours(heard, coordinator, found)
    route = next((row for row in heard.rows("routes") if cell(row, "destination") == coordinator), None)
    if route is not None and cell(route, "hops"):
        found.evidence["hops"] = cell(route, "hops")
    address, pan = heard.number("short_address"), heard.number("pan_id")
    if address is None:
        return found
    joined = address not in NO_ADDRESS and pan != NO_PAN
    found.state = JoinState.JOINED if joined else JoinState.SEARCHING
    found.because = ("short_address",) if pan is None else ("short_address", "pan_id")
    return found


def _neighbours(heard: Heard, coordinator: str, found: Verdict) -> None:
    rows = heard.rows("neighbours")
    if "neighbours" not in heard:
        return
    best = sorted(rows, key=lambda row: whole(cell(row, "lqi")) or 0, reverse=True)[:_SHOWN]
    found.evidence["neighbours"] = " ".join(
        f"{cell(row, 'address')}:lqi={cell(row, 'lqi')}:phase={cell(row, 'phase_differential')}"
        for row in best
    )
    found.evidence["neighbour_count"] = str(len(rows))
    own = next((row for row in rows if cell(row, "address") == coordinator), None)
    if own is not None:
        found.evidence["coordinator_lqi"] = cell(own, "lqi")
        found.evidence["coordinator_phase"] = cell(own, "phase_differential")
