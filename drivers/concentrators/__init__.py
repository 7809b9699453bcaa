"""Clients of data concentrators: who has joined which transformer, asked from the device itself."""
