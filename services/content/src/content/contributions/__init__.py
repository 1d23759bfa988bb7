"""Contributions: what one member said, in figures and in the newest."""
