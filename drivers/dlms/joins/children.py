"""Meters behind a meter on M-Bus: who hangs on a channel and whether it answers (Blue Book 4.8, class 72)."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.dlms.apdu import Result
from drivers.dlms.cosem import Item, obis_text
from drivers.dlms.joins.heard import Heard, Probe, whole
from drivers.reading import ChildDevice, JoinState

WORDS = {
    5: "address", 6: "number", 7: "manufacturer", 8: "version", 9: "type", 10: "access_number", 11: "status",
    14: "key",
}  # fmt: skip
"""Attribute of class 72 → word in the evidence."""
_UNBOUND = frozenset({"", "00000000"})


def child_items(client: Item) -> list[Item]:
    """What is read of one channel; keys cannot be read from this class."""
    return [client.of(attribute) for attribute in WORDS]


def judge_child(client: Item, results: Mapping[Item, Result]) -> ChildDevice | None:
    """``None`` where the meter has no such channel.

    A channel without a number waits for its meter; one that has answered since (access number) is joined,
    else it is unknown whether the bound meter is still there.
    """
    probes = {Probe(72, obis_text(client.obis), n, word): client.of(n) for n, word in WORDS.items()}
    heard = Heard({probe: results[item] for probe, item in probes.items() if item in results})
    if "number" not in heard:
        return None
    evidence = {word: text for word in WORDS.values() if (text := heard.text(word))}
    accesses = whole(evidence.get("access_number", ""))
    state = JoinState.SEARCHING
    if evidence.get("number", "") not in _UNBOUND:
        state = JoinState.JOINED if accesses else JoinState.UNKNOWN
    channel = client.obis[1]
    return ChildDevice(channel, str(client.of(6)), state, evidence)
