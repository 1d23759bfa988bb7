"""Telling: the events of posts."""
