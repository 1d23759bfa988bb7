"""What an account is in a community while it is suspended: none of its members."""

from __future__ import annotations

STANDING = """
SELECT json_build_object('zone', community.zone, 'community_state', community.state, 'membership_id', member.membership_id,
    'state', CASE WHEN suspended.account_id IS NULL THEN member.state ELSE 'removed' END,
    'roles', member.roles, 'staff', member.staff)
FROM standing_community AS community
LEFT JOIN standing_member AS member ON member.community_id = community.community_id AND member.account_id = $3
LEFT JOIN LATERAL (
    SELECT account_id FROM sanction WHERE sanction.community_id = $2 AND sanction.account_id = $3 AND NOT ended
        AND kind = 'suspension' LIMIT 1) AS suspended ON true
WHERE community.community_id = $2
"""
"""The chassis's `standing.QUERY`, in which a suspension takes the membership for its time."""
