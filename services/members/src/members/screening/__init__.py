"""Screening: who is let in, by what they answer, by a policy that says why, and by which door they came."""
