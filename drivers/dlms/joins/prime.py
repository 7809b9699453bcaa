"""PRIME (Blue Book 4.12): registered under a base node, or hearing switches without being let in."""

from __future__ import annotations

from drivers.dlms.classes.power_line import NODE_STATES
from drivers.dlms.joins.heard import Heard, Probe, Verdict, cell
from drivers.reading import JoinState

_FUNCTIONAL, _ADMINISTRATION, _APPLICATION = "0.0.28.3.0.255", "0.0.28.5.0.255", "0.0.28.7.0.255"
PROBES = (
    Probe(43, "0.0.28.6.0.255", 2, "mac"),
    Probe(83, _FUNCTIONAL, 2, "lnid"),
    Probe(83, _FUNCTIONAL, 3, "lsid"),
    Probe(83, _FUNCTIONAL, 4, "sid"),
    Probe(83, _FUNCTIONAL, 5, "sna"),
    Probe(83, _FUNCTIONAL, 6, "node_state"),
    Probe(83, _FUNCTIONAL, 8, "level"),
    Probe(85, _ADMINISTRATION, 5, "hears"),
    Probe(85, _ADMINISTRATION, 6, "phy_quality"),
    Probe(86, _APPLICATION, 2, "firmware"),
    Probe(86, _APPLICATION, 3, "vendor"),
    Probe(86, _APPLICATION, 4, "product"),
)


def judge(heard: Heard) -> Verdict:
    """Disconnected is searching: PRIME does not tell a node that it was refused. A node that says it is
    registered, but knows no base node, is unknown."""
    found = Verdict(
        evidence=heard.texts(
            "mac", "lnid", "lsid", "sid", "sna", "node_state", "level", "firmware", "vendor", "product"
        )
    )
    for word, quality in (("hears", "rx_snr"), ("phy_quality", "snr")):
        rows = heard.rows(word)
        text = " ".join(f"{cell(row, 'sna') or cell(row, 'mac')}={cell(row, quality)}" for row in rows)
        if word in heard:
            found.evidence[word] = text if rows or not heard.value(word) else heard.text(word)
    state = heard.number("node_state")
    if state not in NODE_STATES:
        return found
    found.state = JoinState.SEARCHING if state == 0 else JoinState.JOINED
    found.because = ("node_state",)
    if state != 0 and set(found.evidence.get("sna", "").replace(":", "")) <= {"0"}:
        found.state = JoinState.UNKNOWN
    if state != 0:
        found.because = ("node_state", "sna")
    return found
