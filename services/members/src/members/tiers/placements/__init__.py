"""Placements: managers put members into a tier by hand, with a reason and until a date."""
