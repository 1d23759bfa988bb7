"""Orders and refunds that partners tell of."""
