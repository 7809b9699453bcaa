"""Procedures, models, programs, label rules and technologies: read, published, and taken into use."""
