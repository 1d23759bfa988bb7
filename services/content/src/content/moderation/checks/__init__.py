"""The check that every text goes through before it is written."""
