"""Posts: what a community's members and its staff publish, and its feed."""
