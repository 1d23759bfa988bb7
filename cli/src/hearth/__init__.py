"""The hearth command: local stack, imports, reports."""
