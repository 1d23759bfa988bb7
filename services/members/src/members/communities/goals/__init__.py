"""Goals: what the community is to reach by when, measured on real figures."""
