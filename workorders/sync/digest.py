"""The digest that a tablet and the gateway compare at the end of a round."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def seen_digest(seen: Iterable[tuple[int, str]]) -> str:
    """SHA-256 over `<server_seq> <hash>` lines of the entries that a tablet may see, in their sequence."""
    total = hashlib.sha256()
    for server_seq, entry_hash in sorted(set(seen)):
        total.update(f"{server_seq} {entry_hash}\n".encode())
    return total.hexdigest()
