"""Recurring slots: of a kind and a theme, at an hour of the community."""
