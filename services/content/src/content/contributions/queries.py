"""A member's contributions in one statement."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Reader
from chassis.errors import not_found

_CONTRIBUTIONS = """
SELECT json_build_object(
    'posts', said.posts, 'last_post_at', said.last_at, 'comments', answered.comments, 'last_comment_at', answered.last_at,
    'reactions', felt.reactions, 'last_reaction_at', felt.last_at,
    'newest_posts', coalesce((SELECT json_agg(newest ORDER BY published_at DESC, id DESC) FROM (
        SELECT id, title, left(body, 200) AS excerpt, section, published_at FROM post
        WHERE community_id = $2 AND author_id = $3 AND persona_id IS NULL AND state = 'published' ORDER BY published_at DESC, id DESC LIMIT 5) AS newest), '[]'),
    'newest_comments', coalesce((SELECT json_agg(newest ORDER BY commented_at DESC, id DESC) FROM (
        SELECT id, post_id, left(body, 200) AS excerpt, commented_at FROM comment
        WHERE community_id = $2 AND author_id = $3 AND state = 'published' ORDER BY commented_at DESC, id DESC LIMIT 5) AS newest), '[]'))
FROM (SELECT count(*) AS posts, max(published_at) AS last_at FROM post
        WHERE community_id = $2 AND author_id = $3 AND persona_id IS NULL AND state = 'published') AS said,
    (SELECT count(*) AS comments, max(commented_at) AS last_at FROM comment
        WHERE community_id = $2 AND author_id = $3 AND state = 'published') AS answered,
    (SELECT count(*) AS reactions, max(reacted_at) AS last_at FROM reaction
        WHERE community_id = $2 AND account_id = $3 AND cardinality(emojis) > 0) AS felt
WHERE EXISTS (SELECT FROM standing_member WHERE community_id = $2 AND account_id = $3)
"""


async def get_contributions(reader: Reader, organization_id: UUID, community_id: UUID, account_id: UUID) -> bytes:
    """Return what an account said in a community as JSON (schemas.ContributionsOut). Raises Problem 404 for who never applied there."""
    found = await reader.json(organization_id, _CONTRIBUTIONS, community_id, account_id)
    if found is None:
        raise not_found("member")
    return found
