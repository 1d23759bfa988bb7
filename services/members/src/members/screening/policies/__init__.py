"""Screening policies: how a community decides about applications."""
