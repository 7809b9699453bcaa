"""What a campaign counts and how it says it: what must be zero first, the rest, and where it went wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Counts:
    """What a campaign found."""

    found: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def wrong(self, what: str, detail: str) -> None:
        """Something that must not be."""
        self.found[what] += 1
        self.details.append(f"{what}: {detail}")

    def tell(self, must_be_zero: Sequence[str], *, as_json: bool) -> int:
        """Print it; 1 where anything is not zero that must be."""
        bad = {name: self.found[name] for name in must_be_zero}
        result = bad | {name: number for name, number in sorted(self.found.items()) if name not in bad}
        if as_json:
            print(json.dumps(result | {"details": self.details[:20]}))
        else:
            for name, number in result.items():
                print(f"{number:8d}  {name}")
            print("\n".join(self.details[:20]))
        return 1 if any(bad.values()) else 0
