"""Deliveries: what was told to which endpoint."""
