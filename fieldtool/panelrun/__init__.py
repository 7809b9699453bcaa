"""Many meters one after the other: the probe moves along a panel."""
