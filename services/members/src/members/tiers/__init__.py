"""Tiers: members are layered by a standard that they can read, and move only for reasons that they can read."""
