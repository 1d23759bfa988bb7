"""Exports: the lists of engagement as files, and the event that tells who took them out."""
