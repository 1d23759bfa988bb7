"""Removal: who is silent for long is given notice, then removed, and may appeal."""
