"""Which devices a visit is about, by the labels and ports that were accepted. Pure."""

from __future__ import annotations

from fieldtool.identity import normalise_serial
from fieldtool.procedure import answers as a
from fieldtool.procedure.state import RunState
from workorders.journal.words import DeviceRole


def scanned_serial(state: RunState, role: DeviceRole) -> str | None:
    """The serial on the label of a device, as last accepted."""
    scans = [done for done in state.done.values() if done.device is role]
    if not scans:
        return None
    answer = max(scans, key=lambda done: done.position).answer
    return normalise_serial(answer.serial) if isinstance(answer, a.ScanAnswer) else None


def device_serial(state: RunState, role: DeviceRole) -> str | None:
    """The serial of a device as it was proven here: optical before label."""
    found = state.reads.get(role)
    if found is not None and found.serial:
        return normalise_serial(found.serial)
    return scanned_serial(state, role)
