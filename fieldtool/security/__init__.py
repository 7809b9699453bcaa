"""People and their PINs, keys at rest, meter secrets in hand, and nothing of that in a log."""
