"""Invitations: the person behind an imported account takes it over."""
