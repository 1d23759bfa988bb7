"""Every write of comments and reactions, and the events that tell of them."""
