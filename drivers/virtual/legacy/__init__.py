"""Old meters that speak only IEC 62056-21: modes A, B, C and D."""
