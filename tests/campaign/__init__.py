"""Hundreds of visits under faults on simulated time: `python -m tests.campaign.visits`."""
