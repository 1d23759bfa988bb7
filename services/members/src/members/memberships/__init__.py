"""Memberships: who belongs to a community, since when and as what."""
