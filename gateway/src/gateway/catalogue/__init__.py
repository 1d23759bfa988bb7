"""What partners may be told, and how each of it looks: generated from the contracts."""
