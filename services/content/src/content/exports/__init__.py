"""Exports: every list of content as a file, and the event that tells who took it out."""
