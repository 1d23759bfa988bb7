"""Merging: two accounts of one person become one, after a look at what that does."""
