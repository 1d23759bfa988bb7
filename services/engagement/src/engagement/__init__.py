"""Engagement: what is done together, and what it brings back."""
