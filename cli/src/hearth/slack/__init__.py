"""A Slack workspace export, read as members, posts, comments and reactions."""
