"""Holds: texts that only their authors and moderators see until somebody decides."""
