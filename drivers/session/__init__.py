"""The optical session: a program of its own (``python -m drivers session``) and the client that starts it."""
