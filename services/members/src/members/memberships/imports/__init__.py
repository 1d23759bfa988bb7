"""Imports: people of another platform become members."""
