"""A PRIME concentrator with the STG-DC web service, for the virtual field."""
