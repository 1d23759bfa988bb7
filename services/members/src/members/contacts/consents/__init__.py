"""What partners tell of their contacts' decisions."""
