"""Punctuality: what was due, and what of it was there in time."""
