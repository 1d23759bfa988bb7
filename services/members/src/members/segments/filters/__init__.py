"""Filters: conditions over members, read from JSON, compiled to one SQL statement, and evaluated over plain records."""
