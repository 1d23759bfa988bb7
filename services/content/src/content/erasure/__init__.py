"""Erasure: what becomes of what content keeps of a person when members orders that they be erased (docs/privacy.md)."""
