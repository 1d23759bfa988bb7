"""Desk: what is being written and is not shown yet, or any more."""
