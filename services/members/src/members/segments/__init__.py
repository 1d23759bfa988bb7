"""Segments: sets of members by what they are and what they did, kept current."""
