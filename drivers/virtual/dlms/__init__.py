"""Server side of DLMS/COSEM as machines without I/O: frames, link, association, services, ciphering."""
