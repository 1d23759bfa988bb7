"""Mutes and suspensions, as members tells of them."""
