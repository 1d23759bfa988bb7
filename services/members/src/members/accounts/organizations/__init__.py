"""Organizations: the brands, each a tenant."""
