"""Orders: what members bought, as partners' systems told it, and what became of it."""
