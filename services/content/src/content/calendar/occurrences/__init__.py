"""Occurrences of slots: filled, empty, at risk, and what came of them."""
