"""Compliance profiles: who may publish, and the sealed log of who did."""
