"""Lanes: each endpoint has one, and one process at a time delivers in it, so that no endpoint delays another."""
