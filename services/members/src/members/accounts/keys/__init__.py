"""Signing keys: made, published before use, rotated, withdrawn."""
