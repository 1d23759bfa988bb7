"""Deliveries: what is due is published at its time, once, and what became of it is kept."""
