"""Resuming: what has waited for an endpoint goes out as soon as there is reason to try again."""
