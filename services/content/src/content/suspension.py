"""Who is suspended from a community, for queries of any noun; what members tells of it is kept by moderation."""

from __future__ import annotations

SUSPENDED = """EXISTS (SELECT FROM sanction WHERE sanction.community_id = {community} AND sanction.account_id = {account} AND NOT ended
    AND kind = 'suspension')"""
"""SQL of whether an account is suspended from a community, for who asks outside of one: there the caller's standing says it."""
