"""Whether what was done to a meter has left its supply relay open: from intents and outcomes as journalled.

A relay that was opened counts as open until the meter says that it is not: a cut between opening and closing
leaves somebody in the dark just as surely as a relay that refuses.
"""

from __future__ import annotations

from workorders.journal.kinds import DeviceRemoved, MeterChanged, MeterIntent, Payload
from workorders.journal.words import TaskKind

LEFT_OFF = "supply_left_off"
"""Kind of the case, and the flag, of a supply that is off and should not be."""
_OPEN = "disconnected"
"""Control state 0 of a disconnect control as the session writes it (Blue Book, class 70, attribute 3)."""


def left_open(before: frozenset[str], payload: Payload) -> frozenset[str]:
    """Serials of the meters whose relay stands open after one more entry, as crews write them.

    A meter that waits for its button (control state 2) was told to close and is in the customer's hands.
    """
    match payload:
        case MeterIntent() if _is_control_state(payload.item) and payload.will_be == _OPEN:
            return before | {_plain(payload.serial)}
        case MeterChanged() if _is_control_state(payload.item) and payload.is_now is not None:
            meter = {_plain(payload.serial)}
            return before | meter if payload.is_now == _OPEN else before - meter
        case DeviceRemoved():
            return before - {_plain(payload.serial)}
        case _:
            return before


def meant_off(kind: TaskKind) -> bool:
    """Whether an order of this kind is about cutting the supply off."""
    return kind is TaskKind.DISCONNECT


def _plain(serial: str) -> str:
    """A meter may write its serial with what a label or a crew leaves out."""
    return "".join(sign for sign in serial.upper() if sign not in " -\u00a0")


def _is_control_state(item: str) -> bool:
    return item.startswith("70:") and item.endswith(":3")
