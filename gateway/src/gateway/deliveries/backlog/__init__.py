"""The backlog of the whole installation, for who operates it."""
