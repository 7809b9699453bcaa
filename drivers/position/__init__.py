"""Where the tablet is: taken when asked for, never followed. Start at `take.take`."""

from __future__ import annotations
