"""Cards (群名片): what a community or a group is for, its rules and what they mean, its hosts and times."""
