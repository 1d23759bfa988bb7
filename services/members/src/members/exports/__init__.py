"""Exports: every list as a file, and the record of who took which out."""
