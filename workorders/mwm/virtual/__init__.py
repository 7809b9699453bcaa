"""A mobile workforce management that is not there: for tests, the demo and training."""
