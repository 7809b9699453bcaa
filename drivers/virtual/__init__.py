"""The virtual field: meters, lines and concentrators that speak the real protocols in processes of their
own.
"""
