"""Decisions: what reviewers decide, alone or in bulk, what they take back, and who moves up when a place frees."""
