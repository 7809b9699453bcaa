"""The installation record (acta): a document that proves itself, and the check that needs no server."""
