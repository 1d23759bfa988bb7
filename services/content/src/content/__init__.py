"""Content: what is said, planned and on time."""
