"""Links to other systems: what their changes mean for orders, and what they are told of the record."""
