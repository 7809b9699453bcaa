"""GSM, UMTS, LTE, NB-IoT (Blue Book 4.7: class 47 in all versions, 151 in both)."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.dlms.classes.cellular import NETWORK_V0, PACKET_STATES, QUALITY
from drivers.dlms.classes.shapes import Shape, Value
from drivers.dlms.joins.heard import Heard, Probe, Verdict, cell, whole
from drivers.errors import Garbage
from drivers.reading import JoinState

_DIAGNOSTIC, _LTE = "0.0.25.6.0.255", "0.0.25.11.0.255"
PROBES = (
    Probe(47, _DIAGNOSTIC, 2, "operator"),
    Probe(47, _DIAGNOSTIC, 3, "status"),
    Probe(47, _DIAGNOSTIC, 5, "ps_status"),
    Probe(47, _DIAGNOSTIC, 6, "cell"),
    Probe(151, _LTE, 2, "lte_network"),
    Probe(151, _LTE, 3, "lte_quality"),
)
_STATES = {
    0: JoinState.SEARCHING,
    1: JoinState.JOINED,
    2: JoinState.SEARCHING,
    3: JoinState.DENIED,
    5: JoinState.JOINED,
}
"""Registration status of class 47; 0 is a modem that is not registered and has not begun to search."""
_LOWEST_INDEX = -17
"""RSRP_-17 is the lowest of the reported values (3GPP TS 36.133, 9.1.4); below that it is dBm as it is."""


def judge(heard: Heard) -> Verdict:
    """The registration status decides; where there is none, attached packet data proves registration."""
    found = Verdict()
    if heard.text("operator"):
        found.evidence["operator"] = heard.text("operator")
    for word in ("status", "ps_status"):
        number = heard.number(word)
        if number is not None:
            found.evidence[word] = str(number)
    packet = heard.number("ps_status")
    if packet in PACKET_STATES and packet:
        found.evidence["access"] = PACKET_STATES[packet]
    found.evidence |= _cell(heard) | _quality(heard)
    status = heard.number("status")
    if status in _STATES:
        found.state, found.because = _STATES[status], ("status",)
    elif packet in PACKET_STATES and packet:
        found.state, found.because = JoinState.JOINED, ("ps_status",)
    return found


def _cell(heard: Heard) -> dict[str, str]:
    value = heard.value("cell")
    if not isinstance(value, Mapping):
        return {}
    found = {word: cell(value, word) for word in ("cell_id", "location_id") if cell(value, word)}
    country, network = cell(value, "mobile_country_code"), cell(value, "mobile_network_code")
    if country and network:
        found["network_code"] = f"{country}-{network.zfill(2)}"
    quality = whole(cell(value, "signal_quality"))
    if quality is not None and 0 <= quality <= 31:  # 3GPP TS 27.007, +CSQ; 99 is unknown
        found["signal_dbm"] = str(-113 + 2 * quality)
    return found


def _quality(heard: Heard) -> dict[str, str]:
    """RSRP and RSRQ: version 1 has them in attribute 3, version 0 among the parameters of attribute 2."""
    value = _fits(heard, "lte_quality", QUALITY) or _fits(heard, "lte_network", NETWORK_V0)
    if value is None:
        return {}
    found = {}
    level, ratio = whole(cell(value, "rsrp")), whole(cell(value, "rsrq"))
    direct = level is not None and level < _LOWEST_INDEX and level != -128
    if level is not None and (direct or _LOWEST_INDEX <= level <= 97):
        found["rsrp_dbm"] = str(level if direct else level - 141)
        if ratio is not None and (direct or -30 <= ratio <= 46):
            found["rsrq_db"] = str(ratio) if direct else format(ratio / 2 - 20, "g")
    noise = whole(cell(value, "signal_to_noise"))
    if noise is not None and noise not in (-128, 127):
        found["snr_db"] = str(noise)
    if cell(value, "coverage") and found:
        found["coverage"] = cell(value, "coverage")
    return found


def _fits(heard: Heard, word: str, shape: Shape) -> Mapping[str, Value] | None:
    data = heard.data(word)
    if data is None:
        return None
    try:
        value = shape(data)
    except Garbage:
        return None
    # The parameters of version 1 are longer: what has more fields is not those of version 0.
    return value if isinstance(value, Mapping) and "field_6" not in value else None
