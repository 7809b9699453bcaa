"""ANSI C12.18 (PSEM at the optical port) and C12.19 (tables): the client's side."""
