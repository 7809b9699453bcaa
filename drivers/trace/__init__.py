"""Optical sessions as files: recorded without secrets, explained frame by frame."""
