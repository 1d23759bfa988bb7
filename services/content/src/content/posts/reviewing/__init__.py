"""Reviewing: which kinds of posts a community lets a second person read before others see them."""
