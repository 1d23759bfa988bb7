"""Leases: which process has which lanes in hand."""
