"""Assignments: the rules by which members come into groups, and why each came into which."""
