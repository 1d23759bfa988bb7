"""Imported: posts brought from elsewhere, each once."""
