"""The backlog: ideas, drafts and what is ready to be said."""
