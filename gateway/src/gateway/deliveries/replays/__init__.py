"""Replays: what somebody asked to be told again."""
