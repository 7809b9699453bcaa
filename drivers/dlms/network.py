"""Whether a meter has joined its network, decoded from raw data by class (Blue Book 4.12 PRIME, 4.7 GSM)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.dlms.apdu import Result
from drivers.dlms.cosem import Item, parse_obis, plain_text, text_of
from drivers.dlms.data import Data
from drivers.errors import Garbage
from drivers.reading import JoinEvidence, JoinState


@dataclass(frozen=True)
class Probe:
    """An attribute that tells something about a join: class, default OBIS, attribute, word in the
    evidence."""

    class_id: int
    obis: str
    attribute: int
    word: str

    @property
    def default(self) -> Item:
        return Item(self.class_id, parse_obis(self.obis), self.attribute)


PRIME = (
    Probe(43, "0.0.28.6.0.255", 2, "mac"),
    Probe(83, "0.0.28.3.0.255", 2, "lnid"),
    Probe(83, "0.0.28.3.0.255", 3, "lsid"),
    Probe(83, "0.0.28.3.0.255", 4, "sid"),
    Probe(83, "0.0.28.3.0.255", 5, "sna"),
    Probe(83, "0.0.28.3.0.255", 6, "node_state"),
    Probe(83, "0.0.28.3.0.255", 8, "level"),
    Probe(85, "0.0.28.5.0.255", 6, "phy_quality"),
    Probe(86, "0.0.28.7.0.255", 2, "firmware"),
    Probe(86, "0.0.28.7.0.255", 3, "vendor"),
    Probe(86, "0.0.28.7.0.255", 4, "product"),
)
GSM = (
    Probe(47, "0.0.25.6.0.255", 2, "operator"),
    Probe(47, "0.0.25.6.0.255", 3, "status"),
    Probe(47, "0.0.25.6.0.255", 5, "ps_status"),
    Probe(47, "0.0.25.6.0.255", 6, "cell"),
)
TECHNOLOGIES = {"prime": PRIME, "gsm": GSM}
_NODE_STATES = {0: "disconnected", 1: "terminal", 2: "switch", 3: "base"}


def judge(technology: str, results: dict[Probe, Result]) -> JoinEvidence:
    """Join state and evidence. What cannot be understood is evidence of nothing, never an error."""
    values = {probe.word: result.data for probe, result in results.items() if result.data is not None}
    if technology == "prime":
        return _prime(values)
    if technology == "gsm":
        return _gsm(values)
    return JoinEvidence(JoinState.UNKNOWN, technology)


def _prime(values: dict[str, Data]) -> JoinEvidence:
    evidence: dict[str, str] = {}
    for word, data in values.items():
        if word in ("mac", "sna"):
            evidence[word] = _eui(data)
        elif word == "node_state":
            evidence[word] = _NODE_STATES.get(_number(data), f"unknown ({plain_text(data)})")
        elif word == "phy_quality":
            evidence[word] = _phy_quality(data)
        else:
            evidence[word] = plain_text(data) or ""
    state = JoinState.UNKNOWN
    if "node_state" in values:
        number = _number(values["node_state"])
        known = {0: JoinState.SEARCHING, 1: JoinState.JOINED, 2: JoinState.JOINED, 3: JoinState.JOINED}
        state = known.get(number, JoinState.UNKNOWN)
    if state is JoinState.JOINED and set(evidence.get("sna", "").replace(":", "")) <= {"0"}:
        state = JoinState.UNKNOWN  # says it is registered, but knows no base node
    return JoinEvidence(state, "prime", evidence)


def _gsm(values: dict[str, Data]) -> JoinEvidence:
    evidence: dict[str, str] = {}
    for word, data in values.items():
        if word == "cell":
            evidence.update(_cell(data))
        elif word == "operator" and isinstance(data.value, bytes):
            evidence[word] = text_of(data.value)
        else:
            evidence[word] = plain_text(data) or ""
    state = JoinState.UNKNOWN
    if "status" in values:
        known = {1: JoinState.JOINED, 5: JoinState.JOINED, 2: JoinState.SEARCHING, 3: JoinState.DENIED}
        state = known.get(_number(values["status"]), JoinState.UNKNOWN)
    return JoinEvidence(state, "gsm", evidence)


def _cell(data: Data) -> dict[str, str]:
    """cell_info: cell id, location id, signal quality, ber; version 1 appends MCC, MNC, channel."""
    if not isinstance(data.value, tuple) or len(data.items) < 3:
        return {}
    found = {"cell_id": plain_text(data.items[0]) or "", "location_id": plain_text(data.items[1]) or ""}
    quality = _number(data.items[2])
    if 0 <= quality <= 31:
        found["signal_dbm"] = str(-113 + 2 * quality)
    return found


def _phy_quality(data: Data) -> str:
    """``mac=snr`` of the neighbours heard (macListPhyComm: EUI-48, tx power, tx and rx coding, rx level,
    SNR, …)."""
    parts = []
    for entry in data.value if isinstance(data.value, tuple) else ():
        cells = entry.value if isinstance(entry.value, tuple) else ()
        if len(cells) < 6:
            return plain_text(data) or ""
        parts.append(f"{_eui(cells[0])}={plain_text(cells[5])}")
    return " ".join(parts)


def _eui(data: Data) -> str:
    return data.value.hex(":").upper() if isinstance(data.value, bytes) else plain_text(data) or ""


def _number(data: Data) -> int:
    try:
        return data.number
    except Garbage:
        return -1
