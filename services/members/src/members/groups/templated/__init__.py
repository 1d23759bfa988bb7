"""Templated: what of groups and cards a community template sets."""
