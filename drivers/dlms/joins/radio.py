"""Radio networks: Wi-SUN (Blue Book 4.18) and LoRaWAN (4.17). Their objects have no fixed place."""

from __future__ import annotations

from drivers.dlms.joins.heard import Heard, Probe, Verdict
from drivers.reading import JoinState

WI_SUN_PROBES = (
    Probe(95, "", 2, "network_name"),
    Probe(95, "", 4, "pan_id"),
    Probe(95, "", 14, "join_state"),
    Probe(97, "", 4, "rank"),
    Probe(97, "", 9, "border_router"),
)
LORAWAN_PROBES = (
    Probe(128, "", 2, "class"),
    Probe(128, "", 3, "state"),
    Probe(128, "", 9, "device_address"),
    Probe(129, "", 5, "frames_received"),
    Probe(129, "", 10, "packet_error_rate"),
    Probe(129, "", 11, "signal_dbm"),
    Probe(129, "", 12, "snr_db"),
)
_OPERATIONAL = 5
_INFINITE_RANK = 0xFFFF


def judge_wi_sun(heard: Heard) -> Verdict:
    """The join state of the FAN specification, 1 to 5; without it the rank in the routing tree (RFC 6550)."""
    found = Verdict(evidence=heard.texts("network_name", "pan_id", "join_state", "rank", "border_router"))
    state, rank = heard.number("join_state"), heard.number("rank")
    if state is not None:
        if 0 <= state <= _OPERATIONAL:
            found.state = JoinState.JOINED if state == _OPERATIONAL else JoinState.SEARCHING
        found.because = ("join_state",)
    elif rank:
        found.state = JoinState.SEARCHING if rank >= _INFINITE_RANK else JoinState.JOINED
        found.because = ("rank",)
    return found


def judge_lorawan(heard: Heard) -> Verdict:
    """A device address comes with the join, or was written in the factory: frames received since prove it.

    The state (attribute 3) is shown as it is: its numbers differ between makes.
    """
    found = Verdict(evidence=heard.texts(*(probe.word for probe in LORAWAN_PROBES)))
    address, received = heard.number("device_address"), heard.number("frames_received")
    if address is None:
        return found
    if address in (0, 0xFFFFFFFF):
        found.state, found.because = JoinState.SEARCHING, ("device_address",)
    elif received:
        found.state, found.because = JoinState.JOINED, ("device_address", "frames_received")
    return found
