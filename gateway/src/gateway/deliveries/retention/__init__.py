"""Retention: what is too old is given up, and then forgotten."""
