"""Upkeep: pinning, expiry and review dates, and what is stale."""
