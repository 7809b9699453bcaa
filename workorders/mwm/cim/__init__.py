"""IEC 61968 messages as XML: the envelope, work orders in, readings, events and results out."""
