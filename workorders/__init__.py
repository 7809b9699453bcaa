"""Speaks to the office: orders, network tree, journal, store, sync, gateway, MWM adapters, SLA."""
