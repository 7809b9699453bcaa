"""What tablet and office call a meter's secret while it changes. `sync` and `gateway` agree on it here.

Beside `block_key`, the present one, there may lie `new_block_key`, which the office wants on the meter, and
`sent_block_key`, which a tablet sent and nobody has proven yet.
"""

from __future__ import annotations

NEW, SENT = "new_", "sent_"


def sealing_context(serial: str, name: str) -> bytes:
    """Context of the box in which an intent carries a new secret to the office."""
    return f"meter-secret/{name}/{serial}".encode()
