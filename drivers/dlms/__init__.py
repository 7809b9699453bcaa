"""DLMS/COSEM client: HDLC and wrapper, association, ciphering, services. Bytes are checked here and
nowhere else."""
