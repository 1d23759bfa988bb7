"""Who may read what was said, of many posts and comments of many communities at once."""
