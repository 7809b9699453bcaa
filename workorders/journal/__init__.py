"""The append-only, hash-chained, signed journal of everything that happened."""
