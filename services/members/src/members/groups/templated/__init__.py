"""Templated: what of groups and cards a community template sets, and templates of groups that stand alone."""
