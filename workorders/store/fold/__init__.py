"""Pure folds: entries in their order go in, rows of the projection come out. No database here."""
