"""Themes: what a community speaks about, and which share of its mix each is to have."""
