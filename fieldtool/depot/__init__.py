"""Many meters at once before they go out: several probes on one machine, one program for a pallet."""
