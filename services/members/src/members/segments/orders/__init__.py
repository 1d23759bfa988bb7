"""Orders: how many of a member's stand, when the last was placed, and what is left of them; as partners told."""
