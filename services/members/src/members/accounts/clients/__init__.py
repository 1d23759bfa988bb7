"""API clients of partners: their secrets and their tokens."""
