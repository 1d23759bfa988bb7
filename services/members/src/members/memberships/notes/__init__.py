"""Notes: what staff write down about a member, for one another."""
