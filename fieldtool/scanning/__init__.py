"""Codes on labels: read them in pictures, and say which of them is the device's."""

from __future__ import annotations

from .codes import Code, Symbology
from .decoder import decode

__all__ = ["Code", "Symbology", "decode"]
