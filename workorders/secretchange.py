"""What tablet and office call a meter's secret while it changes. `sync` and `gateway` agree on it here.

Beside `block_key`, the present one, there may lie `new_block_key`, which the office wants on the meter,
`sent_block_key`, which a tablet sent and nobody has proven yet, and `old_block_key`, which held before a
tablet proved the present one: kept in the office alone, so that no entry can make a secret be lost.
"""

from __future__ import annotations

NEW, SENT, OLD = "new_", "sent_", "old_"


def sealing_context(serial: str, name: str) -> bytes:
    """Context of the box in which an intent carries a new secret to the office."""
    return f"meter-secret/{name}/{serial}".encode()
