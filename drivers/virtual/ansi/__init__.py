"""A virtual ANSI meter: C12.18 (PSEM) over its optical port, C12.19 tables behind it."""
