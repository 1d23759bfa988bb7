"""Passwords: what they may be, how they are hashed, and how often one may guess."""
