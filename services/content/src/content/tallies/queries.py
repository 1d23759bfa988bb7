"""How hot reads count. A count is what was folded, and what was appended since: one statement sees both as they stand together.

Whoever reacts, answers, reads or saves only appends; folding never makes anybody wait (docs/reading.md).
"""

from __future__ import annotations

APPENDED = """
    SELECT subject_id, max(people) FILTER (WHERE what = 'comments') AS comments, max(people) FILTER (WHERE what = 'readers') AS readers,
        max(people) FILTER (WHERE what = 'saves') AS saves, max(people) FILTER (WHERE what = 'reactors') AS reactors,
        json_object_agg(emoji, people ORDER BY people DESC, emoji) FILTER (WHERE what = 'emoji' AND people <> 0) AS reactions
    FROM (
        SELECT subject_id, what, emoji, sum(delta) AS people FROM tally_delta
        WHERE subject_id = ANY(ARRAY(SELECT id FROM {of})) GROUP BY subject_id, what, emoji) AS summed
    GROUP BY subject_id
"""
"""What was appended for the rows of a table expression `of`: to be joined as `appended`, beside `tally`."""
JOINED = "LEFT JOIN tally ON tally.subject_id = {id} LEFT JOIN appended ON appended.subject_id = {id}"
REACTIONS = """CASE WHEN appended.reactions IS NULL THEN coalesce(tally.reactions, '{}')
    WHEN tally.subject_id IS NULL THEN appended.reactions ELSE tally_reactions(tally.reactions, appended.reactions) END"""
"""Emojis and how many people, most people first."""


def counted(what: str) -> str:
    """Return the SQL of a count: comments, readers, saves or reactors."""
    return f"(coalesce(tally.{what}, 0) + coalesce(appended.{what}, 0))"
