"""Recurrence rules, and the instants that they mean."""
