"""Tallies: comments, readers, saves and reactions of what is said, appended to and folded; by triggers (migration 0007)."""
