"""One round of sync between a tablet and the gateway, and the types that both speak."""
