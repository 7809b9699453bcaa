"""The COSEM objects (IEC 62056-6-2) that a virtual meter holds."""
