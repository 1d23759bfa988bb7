"""Editing: other words for a post, the words that it had, and taking it back."""
