"""Readiness: what is missing before a community may open, and where to mend it."""
