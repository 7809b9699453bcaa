"""Invented data for the gallery, the tests and the first-frame benchmark: no tablet behind it."""
