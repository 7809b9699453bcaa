"""Adapters to the systems of a utility: today tables (CSV) as they are exported."""
