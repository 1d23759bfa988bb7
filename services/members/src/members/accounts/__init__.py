"""Accounts: organizations, the people in them, how they prove who they are, and the tokens that say so."""
