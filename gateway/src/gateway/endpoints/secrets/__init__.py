"""Endpoints' keys: several sign while one takes another's place, so that no delivery is ever refused for it."""
