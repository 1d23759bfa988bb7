"""Presence: on which days one member was active."""
