"""Detections: what detectors found, where, and by which clause; never the words."""
