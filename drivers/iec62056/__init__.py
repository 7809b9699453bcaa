"""IEC 62056-21: sign-on at the optical port, and the mode C readout of older meters."""
