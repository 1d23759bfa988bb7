"""Personas: the kinds of member that a community wants, and how many of each."""
