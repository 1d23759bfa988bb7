"""Personas of the brand: names as which staff speak, while the audit keeps the person."""
