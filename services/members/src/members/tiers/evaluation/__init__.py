"""Evaluation: who is in which tier by the standard in force, and who would be by another."""
